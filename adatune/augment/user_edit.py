"""Edits that people write themselves: a Python function in a file that they name, which is then executed."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from adatune.augment.edits import Edit, Floats, Targets, evenly
from adatune.errors import UsageError

_DEFAULTS = {"low": -1.0, "high": 1.0, "identity": 0.0}
_STEPS = 5  # of a nonlinear walk, either way


def load_edit(source: str) -> Edit:
    """The edit that SOURCE, "my_edit.py:function", means.

    The function takes pictures [batch, channels, height, width] in about [-1, 1] and alpha, a float, and
    returns the target pictures and a mask, [batch, 1 or channels, height, width], 0 where nothing is asked
    for. It may carry the attributes `low`, `high` and `identity` (-1, 1 and 0): which alphas to learn from,
    and which changes nothing.

    Raises:
        UsageError: there is no such file or function, or its attributes make no sense.
    """
    file, _, name = source.rpartition(":")
    path = Path(file).expanduser()
    if not file or not name.isidentifier() or not path.is_file():
        raise UsageError(
            f"--edit-file {source!r} names no function in a file that exists. Write my_edit.py:function."
        )
    function = getattr(_executed(path), name, None)
    if not callable(function):
        raise UsageError(f"--edit-file: {path} has no function {name}. Name one that it has.")
    return edit_of(name, cast("Callable[[Tensor, float], Targets]", function))


def edit_of(name: str, function: Callable[[Tensor, float], Targets]) -> Edit:
    """The edit called NAME that FUNCTION makes; see `load_edit`.

    Raises:
        UsageError: its attributes make no sense.
    """
    try:
        low, high, identity = (float(getattr(function, key, value)) for key, value in _DEFAULTS.items())
    except (TypeError, ValueError) as error:
        raise UsageError(f"{name}: low, high and identity must be numbers ({error}).") from error
    if not -np.inf < low <= identity <= high < np.inf or low == high:
        raise UsageError(f"{name}: it needs low <= identity <= high; it has {low:g}, {identity:g}, {high:g}.")
    largest = max(high - identity, identity - low)

    def draw(random: np.random.Generator, batch: int) -> Floats:
        return np.array([[random.uniform(low, high)]])

    def apply(images: Tensor, alphas: Tensor) -> Targets:
        try:
            result = function(images, float(alphas))
        except Exception as error:  # whatever its author made of it
            raise UsageError(
                f"--edit-file: {name} failed: {type(error).__name__}: {error}. Mend it."
            ) from error
        return _checked(name, result, images)

    shown = tuple(sorted({*evenly(low, high), identity}))
    return Edit(
        name,
        "alpha",
        (name,),
        identity,
        largest,
        draw,
        apply,
        1 / _STEPS,
        _STEPS,
        shown,
        "difference",
    )


def _executed(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"adatune_edit_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UsageError(f"--edit-file: {path} is no Python file. Its name must end in .py.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # whatever its author made of it
        raise UsageError(f"--edit-file: {path} failed: {type(error).__name__}: {error}. Mend it.") from error
    return module


def _checked(name: str, result: Any, images: Tensor) -> Targets:
    """RESULT of an edit of IMAGES, if it is what it must be."""
    parts = cast("tuple[Any, ...]", result) if isinstance(result, tuple) else ()
    if len(parts) != 2 or not all(isinstance(part, Tensor) for part in parts):
        raise UsageError(
            f"{name} must return two tensors, target and mask; it returned {type(result).__name__}."
        )
    target, mask = cast("Targets", parts)
    allowed = (images.shape, (len(images), 1, *images.shape[2:]))
    if target.shape != images.shape or mask.shape not in allowed or not bool(target.isfinite().all()):
        raise UsageError(
            f"{name} must return pictures {list(images.shape)} of finite numbers and a mask of that "
            f"size, with 1 channel or as many; it returned {list(target.shape)} and {list(mask.shape)}."
        )
    return target.detach(), mask.detach().to(torch.float32)
