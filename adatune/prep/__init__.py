"""From a folder of photos to a dataset: find the faces, level, crop, judge, and say why.

`adatune.prep` is this package and, as the public function, can be called: `adatune.prep(folder, size=512)`.
"""

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adatune.prep.prepare import PrepResult


class _CallablePackage(ModuleType):
    """A package that is also its main function: importing it must not take the function's name away."""

    def __call__(self, *arguments: Any, **settings: Any) -> "PrepResult":
        """Call `adatune.prep.prepare.prep`."""
        from adatune.prep.prepare import prep

        return prep(*arguments, **settings)


sys.modules[__name__].__class__ = _CallablePackage
