"""Every kernel compiles for every card we name; a machine without a card can tell that much."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from compile_kernels import KERNELS, TARGETS

HERE = Path(__file__).parent
SOURCES = sorted((HERE.parent / "adatune").rglob("*_triton.py"))
LARGEST_SHARED_BYTES = 48 * 1024  # what every card gives a block without asking


@pytest.fixture(scope="module")
def results():
    environment = {
        **{name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"},
        "PYTHONPATH": str(HERE.parent),
    }
    run = subprocess.run(
        [sys.executable, HERE / "compile_kernels.py"], env=environment, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    return {(line["kernel"], line["capability"]): line for line in lines}


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.label)
def test_a_kernel_compiles_for_every_card(results, kernel):
    found = {capability: results[kernel.label, capability] for capability in TARGETS}
    assert {c: line["error"] for c, line in found.items() if "error" in line} == {}
    for capability, line in found.items():
        where = f"{kernel.label} for sm_{capability}"
        assert line["cubin_bytes"] > 0, where
        # On a T4 it would compile to scalar products, many times as slow; no kernel of ours needs it.
        assert line["dots"] == 0, f"{where} uses tl.dot"
        assert line["shared_bytes"] < LARGEST_SHARED_BYTES, where
        if kernel.has_wide_loads:
            assert line["wide_loads"] > 0, f"{where} loads no 16 bytes at once"


def test_no_two_rows_have_the_same_name():
    labels = [kernel.label for kernel in KERNELS]
    assert sorted(set(labels)) == sorted(labels)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_every_kernel_that_is_launched_has_a_row(source):
    module = ".".join(source.relative_to(HERE.parent).with_suffix("").parts)
    rows = {kernel.name.split(":")[0] for kernel in KERNELS if kernel.module == module}
    assert launched(ast.parse(source.read_text())) <= rows


def launched(tree):
    """Names of functions that are launched on a grid: kernel[grid](...)."""
    return {
        node.func.value.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Subscript)
        and isinstance(node.func.value, ast.Name)
    }
