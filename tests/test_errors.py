"""Errors carry their exit code."""

import inspect

from adatune import errors
from adatune.errors import AdatuneError, Interrupted, UsageError


def test_mistakes_in_the_call_end_with_2_interruptions_with_130_and_the_rest_with_1():
    classes = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, AdatuneError)]
    assert len(classes) > 5
    for error in classes:
        expected = 2 if issubclass(error, UsageError) else 130 if issubclass(error, Interrupted) else 1
        assert error("why").exit_code == expected
