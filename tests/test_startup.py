"""Help answers at once, because nothing heavy is loaded for it."""

import subprocess
import sys

import pytest

from adatune.cli.main import cli

HEAVY = ["torch", "torchvision", "cv2", "facenet_pytorch", "numpy", "requests", "safetensors"]
COMMANDS = [[], *([name] for name in cli.commands)]


def loaded_modules(code):
    script = f"{code}\nimport sys; print('LOADED', *sorted(sys.modules))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(result.stdout.rsplit("LOADED", 1)[1].split())


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(["adatune", *command]))
def test_help_loads_nothing_heavy(command):
    code = f"""
from adatune.cli.main import main
try:
    main({[*command, "--help"]!r})
except SystemExit as leaving:
    assert not leaving.code
"""
    assert loaded_modules(code).isdisjoint(HEAVY)


def test_importing_adatune_loads_no_torch():
    assert loaded_modules("import adatune").isdisjoint(HEAVY)


def test_the_public_names_are_there():
    code = "import adatune\nfor name in adatune.__all__: getattr(adatune, name)"
    assert "torch" in loaded_modules(code)
