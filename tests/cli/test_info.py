import json

from click.testing import CliRunner
from pickle_files import write_pickle

from adatune.cli.info import info


def test_the_table_shows_every_layer_whole_and_the_totals(tmp_path):
    result = CliRunner().invoke(info, [str(write_pickle("ada_pytorch_cond16", tmp_path))])
    assert result.exit_code == 0
    assert "synthesis.b16.conv1" in result.output
    assert "…" not in result.output
    assert result.output.count("Total") == 2
    assert "augmentation p 0.375" in result.output
    assert max(len(line) for line in result.output.splitlines()) <= 110


def test_json_is_one_document_with_the_same_numbers(tmp_path):
    path = str(write_pickle("ada_pytorch_cond16", tmp_path))
    document = json.loads(CliRunner().invoke(info, ["--network", path, "--json"]).output)
    for name in ("generator", "discriminator"):
        table = document["networks"][name]
        assert table["parameters"] == sum(row["parameters"] for row in table["rows"]) > 0
    assert document["config"]["resolution"] == 16
