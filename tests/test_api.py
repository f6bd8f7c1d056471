"""The public names of `import adatune`."""

import subprocess
import sys

import pytest

NAMES = ("Discriminator", "Generator", "NetworkConfig", "generate", "load", "prep", "train")


@pytest.mark.parametrize("first", ["", "import adatune.prep.prepare, adatune.checkpoints.load"])
def test_every_public_name_can_be_called_whatever_was_imported_before(first: str) -> None:
    program = f"{first}\nimport adatune\nfor name in {NAMES}: assert callable(getattr(adatune, name)), name"
    subprocess.run([sys.executable, "-c", program], check=True)
