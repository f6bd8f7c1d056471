"""Imports point down: design's table of layers, held by reading every import."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# A file imports from levels below its own and from its own package, never sideways.
LEVELS = {
    **dict.fromkeys(
        [
            "errors",
            "device",
            "kernels",
            "random",
            "random_triton",
            "images",
            "video",
            "home",
            "pages",
            "folder_lock",
        ],
        0,
    ),
    "ops": 1,
    **dict.fromkeys(["networks", "augment", "data"], 2),
    **dict.fromkeys(["checkpoints", "kernel_check"], 3),
    **dict.fromkeys(["prep", "metrics"], 4),
    **dict.fromkeys(["training", "latent"], 5),
    **dict.fromkeys(["report", "demo", "bench"], 6),
    **dict.fromkeys(["cli", "studio"], 7),
    "__main__": 8,
}
FILES = sorted(
    path.relative_to(ROOT) for path in (ROOT / "adatune").rglob("*.py") if path.parent.name != "adatune"
)
SINGLE = sorted(
    path.relative_to(ROOT) for path in (ROOT / "adatune").glob("*.py") if path.name != "__init__.py"
)
LOADS_TORCH_LATE = ["adatune/cli", "adatune/__init__.py", "adatune/__main__.py", "adatune/errors.py"]


def place_of(path):
    return path.stem if path.parent.name == "adatune" else path.parts[1]


def imports_of(path, *, only_top=False):
    tree = ast.parse((ROOT / path).read_text())
    for node in tree.body if only_top else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_allowed(place, imported):
    if imported == place:
        return True
    # The files of level 0 are one place: images.py uses home.py, home.py uses errors.py.
    return LEVELS[imported] < LEVELS[place] or LEVELS[imported] == LEVELS[place] == 0


@pytest.mark.parametrize("path", [*SINGLE, *FILES], ids=str)
def test_a_file_imports_only_from_below_and_from_its_own_package(path):
    for name in imports_of(path):
        parts = name.split(".")
        if parts[0] == "adatune" and parts[1] in LEVELS:
            assert is_allowed(place_of(path), parts[1]), f"{path} imports {name}"


def test_every_place_in_the_package_has_a_level():
    places = {place_of(path) for path in [*SINGLE, *FILES]}
    assert places <= LEVELS.keys()


def test_no_file_is_deeper_than_one_package():
    assert [path for path in FILES if len(path.parts) != 3] == []


@pytest.mark.parametrize(
    "path", [path for path in [*SINGLE, *FILES] if str(path).startswith(tuple(LOADS_TORCH_LATE))], ids=str
)
def test_commands_load_torch_late(path):
    heavy = {"torch", "torchvision", "cv2", "facenet_pytorch"}
    assert heavy.isdisjoint(name.split(".")[0] for name in imports_of(path, only_top=True))
