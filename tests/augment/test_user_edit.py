"""Edits out of people's own files."""

import numpy as np
import pytest
import torch

from adatune.augment.user_edit import load_edit
from adatune.errors import UsageError

FILE = """
import torch

def darken(images, alpha):
    return images - alpha, torch.ones_like(images[:, :1])

darken.low, darken.high, darken.identity = 0.0, 2.0, 0.0

def wrong_shape(images, alpha):
    return images[:1], images

def no_mask(images, alpha):
    return images

def backwards(images, alpha):
    return images, images

backwards.low = 3
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(FILE)
    return path


def test_a_function_becomes_an_edit_with_its_range(file):
    edit = load_edit(f"{file}:darken")
    target, mask = edit.apply(torch.ones(2, 3, 4, 4, requires_grad=True), torch.tensor([[0.5]]))
    assert torch.equal(target, torch.full((2, 3, 4, 4), 0.5))
    assert not target.requires_grad
    assert mask.all()
    drawn = [float(edit.draw(np.random.default_rng(seed), 4)[0, 0]) for seed in range(200)]
    assert 0 <= min(drawn) < 0.1
    assert 1.9 < max(drawn) <= 2
    assert edit.slider_of(2.0) == 1
    assert edit.alpha_of(0.5) == 1.0
    assert edit.shown[0] == 0.0


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("mine.py", "names no function"),
        ("absent.py:darken", "names no function"),
        ("mine.py:brighten", "has no function brighten"),
        ("mine.py:backwards", "low <= identity <= high"),
    ],
)
def test_what_is_no_edit_is_refused(file, monkeypatch, source, words):
    monkeypatch.chdir(file.parent)
    with pytest.raises(UsageError, match=words):
        load_edit(source)


@pytest.mark.parametrize(("text", "words"), [("1 / 0", "ZeroDivisionError"), ("exit(3)", "SystemExit: 3")])
def test_a_file_that_fails_is_named_with_its_error(tmp_path, text, words):
    (tmp_path / "broken.py").write_text(text)
    with pytest.raises(UsageError, match=words):
        load_edit(f"{tmp_path}/broken.py:edit")


def test_a_function_that_fails_is_named_with_its_error(tmp_path):
    (tmp_path / "mine.py").write_text("def edit(images): return images, images")
    with pytest.raises(UsageError, match=r"edit failed: TypeError: .* 2 were given"):
        load_edit(f"{tmp_path}/mine.py:edit").apply(torch.ones(2, 3, 4, 4), torch.tensor([[0.5]]))


@pytest.mark.parametrize(
    ("name", "words"), [("wrong_shape", r"pictures \[2, 3, 4, 4\]"), ("no_mask", "two tensors")]
)
def test_a_result_that_cannot_be_is_refused(file, name, words):
    with pytest.raises(UsageError, match=words):
        load_edit(f"{file}:{name}").apply(torch.ones(2, 3, 4, 4), torch.tensor([[0.5]]))
