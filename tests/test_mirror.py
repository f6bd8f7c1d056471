"""Every source file has its test file, at the same place in the tree."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(
    path.relative_to(ROOT / "adatune")
    for path in (ROOT / "adatune").rglob("*.py")
    if path.name != "__init__.py"
)


def mirrored(source):
    """adatune/a/b.py is tested by tests/a/test_b.py, adatune/__main__.py by tests/test_main.py."""
    return ROOT / "tests" / source.with_name(f"test_{source.stem.strip('_')}.py")


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_a_source_file_has_its_test_file(source):
    assert mirrored(source).is_file(), f"{mirrored(source).relative_to(ROOT)} is missing"


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_a_test_file_holds_tests(source):
    assert "def test_" in mirrored(source).read_text()
