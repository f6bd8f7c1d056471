import click
import pytest

from adatune.cli.foreign_options import GENERATE, SPELLINGS, TRAIN, refuse_foreign
from adatune.cli.train import train
from adatune.errors import UsageError


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--outdir", "x"], "has no --outdir: runs are made in ./runs; set ADATUNE_HOME"),
        (["--data", "x", "--nkimg=40"], "has no --nkimg: --resume RUN"),
        (["--allow-tf32=1"], "has no --allow-tf32: TF32 is on"),
        (["--resume_kimg", "4"], "has no --resume_kimg: --resume RUN"),
    ],
)
def test_options_of_other_tools_are_answered_with_ours(arguments: list[str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        refuse_foreign(arguments, TRAIN, "adatune train")


def test_our_own_options_pass() -> None:
    refuse_foreign(["--data", "faces", "--kimg", "1", "ffhq512"], TRAIN, "adatune train")
    refuse_foreign(["--seeds", "0-63"], GENERATE, "adatune generate")


def test_no_option_of_ours_is_called_foreign() -> None:
    ours = {
        name for parameter in train.params if isinstance(parameter, click.Option) for name in parameter.opts
    }
    assert not ours & set(TRAIN)


def test_flags_with_values_become_our_flags() -> None:
    assert SPELLINGS["--mirror=0"] == "--no-mirror"
    assert SPELLINGS["--mirror=1"] == "--mirror"
