import json

import pytest
from click.testing import CliRunner

from adatune.cli.bench import bench
from adatune.errors import UsageError


def run(*arguments):
    return CliRunner().invoke(bench, arguments, catch_exceptions=False)


def test_counts_are_a_table_or_one_json_document():
    arguments = ("--counts", "--resolution", "8", "--channel-base", "64", "--batch", "2", "--ops", "torch")
    launches = json.loads(run(*arguments, "--json").output)["phases"]["Gmain"]["launches"]
    assert f"{launches:,}" in run(*arguments).output


def test_generation_is_measured_on_its_own():
    arguments = ("--what", "generation", "--resolution", "8", "--channel-base", "64", "--device", "cpu")
    document = json.loads(run(*arguments, "--repeats", "1", "--json").stdout)
    assert [row["batch"] for row in document["generation"]] == [1, 8]
    assert document["training"] is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--what", "prep"], "--what prep needs photos to prepare. Add --photos FOLDER."),
        (["--counts", "--what", "generation"], "--counts computes nothing"),
        (["--resolution", "100"], "--resolution is 100; it is a power of two"),
    ],
)
def test_what_cannot_be_measured_is_refused(arguments, words):
    with pytest.raises(UsageError, match=words):
        run(*arguments)
