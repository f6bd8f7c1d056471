"""`python -m adatune`."""

import subprocess
import sys

import adatune


def test_it_is_the_command():
    result = subprocess.run(
        [sys.executable, "-m", "adatune", "--version"], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == f"adatune, version {adatune.__version__}"
