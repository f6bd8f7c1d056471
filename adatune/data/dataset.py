"""A prepared dataset: square pictures of one size with optional labels, from a folder or a zip.

Any StyleGAN2-ADA dataset will do. What is wrong with one is said before training starts, naming the file.
"""

import io
import json
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from adatune.data.container import Container, is_picture_name
from adatune.data.labels import Labels, parse_labels, widen
from adatune.errors import DatasetError
from adatune.home import datasets_folder

_GREY_MODES = {"1", "L", "LA", "La", "I", "I;16", "I;16B", "F"}
_CHECKED = (
    2000  # pictures decoded before training starts: seconds, where a whole large set would take minutes
)
_MEMORY_SHARE = 0.5  # of the free memory may hold decoded pictures; the rest are decoded each time


def find_dataset(name_or_path: str | None) -> Path:
    """Where the dataset called NAME_OR_PATH lies; None takes the only one in `datasets/`.

    Validation sets count by name alone, and a dataset and its zip count once.

    Raises:
        DatasetError: there is no such dataset, none at all, or more than one to choose from.
    """
    known = list_datasets()
    if name_or_path is None:
        return _only_one(known)
    for path in known:
        if name_or_path in {path.name, path.stem}:
            return path
    path = Path(name_or_path).expanduser()
    if path.exists():
        return path
    there = f"In {datasets_folder()}: {_names(known)}." if known else f"{datasets_folder()} holds none."
    raise DatasetError(
        f"There is no dataset --data {name_or_path}. {there} A new one is made with 'adatune prep PHOTOS'."
    )


def _only_one(known: Sequence[Path]) -> Path:
    choices = [path for path in known if path.is_dir() or path.with_suffix("") not in known]
    choices = [path for path in choices if not is_validation_set(path)]
    if len(choices) == 1:
        return choices[0]
    if not choices:
        raise DatasetError(
            f"There is no dataset to train on in {datasets_folder()}. Make one with 'adatune prep PHOTOS', "
            "or name a folder or zip with --data."
        )
    raise DatasetError(
        f"There are {len(choices)} datasets: {_names(choices)}. Choose one, for example "
        f"--data {choices[0].stem}."
    )


def is_validation_set(path: Path) -> bool:
    """Whether the folder or zip at PATH holds what 'adatune prep --validation' kept apart from training."""
    try:
        if path.is_dir():  # without listing all of its files
            details = json.loads((path / "prep.json").read_bytes())
        else:
            container = Container(path)
            details = _read_json(container, f"{container.root}prep.json")
    except (DatasetError, OSError, ValueError):  # none, or damaged: whoever opens the dataset says so
        return False
    return isinstance(details, dict) and details.get("split") == "validation"


def list_datasets() -> list[Path]:
    """The datasets in `datasets/`: folders that hold dataset.json or a file in images/, and zips; by name."""
    folder = datasets_folder()
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if _is_dataset(path) and not path.name.startswith("."))


def _is_dataset(path: Path) -> bool:
    if path.is_dir():
        return (path / "dataset.json").is_file() or any(path.glob("images/*"))
    return path.suffix.lower() == ".zip"


def _names(paths: Sequence[Path]) -> str:
    shown = ", ".join(path.name for path in paths[:8])
    return shown if len(paths) <= 8 else f"{shown} and {len(paths) - 8} more"


def open_dataset(path: Path) -> "Dataset":
    """Open the folder or zip at PATH and check every picture's header.

    Raises:
        DatasetError: no picture, one that is not square, not a power of two or not readable, two of different
            sizes, or labels that do not fit.
    """
    container = Container(path)
    root = container.root
    names = [name for name in container.names if name.startswith(root) and is_picture_name(name[len(root) :])]
    details = _read_json(container, f"{root}prep.json")
    if (
        details is not None
    ):  # made by us: a run of prep that was killed may have left more folders beside images/
        names = [name for name in names if name.startswith(f"{root}images/")]
    if not names:
        raise DatasetError(
            f"{path} holds no picture. Make a dataset with 'adatune prep PHOTOS', "
            "or name another with --data."
        )
    resolution, channels = _check_headers(container, names)
    labels: Labels | None = None
    if f"{root}dataset.json" in container.names:
        text = container.read(f"{root}dataset.json")
        labels = parse_labels(text, [name[len(root) :] for name in names], f"{path}/dataset.json")
        classes: Any = (details or {}).get("classes")
        if labels is not None and isinstance(classes, list):
            labels = widen(labels, len(cast("list[Any]", classes)))
    return Dataset(container, names, resolution, channels, labels, details or {})


def _read_json(container: Container, name: str) -> dict[str, Any] | None:
    if name not in container.names:
        return None
    try:
        content: Any = json.loads(container.read(name))
    except ValueError as error:
        raise DatasetError(
            f"{name} in {container.path} is damaged ({error}). Run 'adatune prep' again."
        ) from error
    return cast("dict[str, Any]", content) if isinstance(content, dict) else {}


def _check_headers(container: Container, names: list[str]) -> tuple[int, int]:
    """Resolution and channels (1 when every picture is grey, else 3)."""
    first, channels = (0, 0), 1
    for name in names:
        size, mode = _header(container, name)
        if size[0] != size[1]:
            raise DatasetError(
                f"{name} in {container.path} is {size[0]}x{size[1]}, not square. "
                "Prepare the photos first: 'adatune prep PHOTOS'."
            )
        if name is not names[0] and size != first:
            raise DatasetError(
                f"The pictures in {container.path} differ in size: {names[0]} is {first[0]}x{first[1]}, "
                f"{name} is {size[0]}x{size[1]}. Bring them to one size with 'adatune prep PHOTOS --size N'."
            )
        first = size
        channels = 1 if channels == 1 and mode in _GREY_MODES else 3
    resolution = first[0]
    if resolution not in {2**power for power in range(2, 11)}:
        raise DatasetError(
            f"The pictures in {container.path} are {resolution}x{resolution}; networks take 4 to 1024, "
            "powers of two. Bring them there with 'adatune prep PHOTOS --size N'."
        )
    return resolution, channels


def _header(container: Container, name: str) -> tuple[tuple[int, int], str]:
    with _opened(container, name) as picture:
        return picture.size, picture.mode


def _opened(container: Container, name: str) -> Image.Image:
    try:
        return Image.open(io.BytesIO(container.read(name)))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise _unreadable(container, name, error) from error


def _unreadable(container: Container, name: str, error: Exception) -> DatasetError:
    reason = "it is not a picture" if "cannot identify" in str(error) else str(error)
    return DatasetError(f"{name} in {container.path} cannot be read: {reason}. Replace or delete that file.")


def decode(container: Container, name: str, channels: int) -> NDArray[np.uint8]:
    """One picture as uint8 [channels, height, width]: transparent parts over white, 16 bits divided by 257.

    Raises:
        DatasetError: the picture is damaged.
    """
    try:
        with _opened(container, name) as picture:
            picture.load()  # raises on files that were cut off
            flat = _flatten(picture).convert("L" if channels == 1 else "RGB")
    except (OSError, ValueError, SyntaxError) as error:
        raise _unreadable(container, name, error) from error
    pixels = np.asarray(flat, dtype=np.uint8)
    return pixels[None] if channels == 1 else np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _flatten(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):
        return Image.fromarray((np.asarray(picture).astype(np.int64) // 257).clip(0, 255).astype(np.uint8))
    if picture.has_transparency_data:
        layered = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, layered).convert("RGB")
    return picture


def free_memory() -> int:
    """Bytes of main memory that can be had now, as far as the system tells; 2 GiB where it does not."""
    free = 2 * 2**30
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            free = next(int(line.split()[1]) * 1024 for line in file if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        if hasattr(os, "sysconf") and "SC_AVPHYS_PAGES" in os.sysconf_names:
            free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:  # inside a container its own limit counts
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text())
        free = min(free, limit - int(Path("/sys/fs/cgroup/memory.current").read_text()))
    except (OSError, ValueError):
        pass  # no such limit
    return max(free, 0)


class Dataset:
    """Pictures by index. Each is decoded once and kept as uint8 while the memory budget lasts."""

    def __init__(
        self,
        container: Container,
        names: list[str],
        resolution: int,
        channels: int,
        labels: Labels | None,
        details: dict[str, Any],
    ) -> None:
        """Use `open_dataset`, which checks all this. DETAILS is the content of prep.json, or empty."""
        self.path, self.name = container.path, container.path.resolve().stem
        self.names, self.resolution, self.channels, self.labels = names, resolution, channels, labels
        self.aspect = float(details.get("aspect") or 1.0)
        mirror: Any = details.get("mirror")
        self.mirror: bool | None = mirror if isinstance(mirror, bool) else None
        self.is_validation = details.get("split") == "validation"
        self._container = container
        self._kept: dict[int, NDArray[np.uint8]] = {}
        self._bytes_left = int(free_memory() * _MEMORY_SHARE)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.names)

    @property
    def c_dim(self) -> int:
        """Width of a label; 0 without labels."""
        return 0 if self.labels is None else self.labels.shape[1]

    def read(self, indices: "Sequence[int] | NDArray[np.int64]") -> NDArray[np.uint8]:
        """Pictures as uint8 [len(indices), channels, height, width]. Safe from several threads.

        Raises:
            DatasetError: a picture is damaged.
        """
        shape = (len(indices), self.channels, self.resolution, self.resolution)
        pictures = np.empty(shape, dtype=np.uint8)
        for row, index in enumerate(indices):
            pictures[row] = self._picture(int(index))
        return pictures

    def check_pictures(self) -> None:
        """Decode the pictures (of a large dataset the first) and keep them: damage is found before a run.

        Raises:
            DatasetError: a picture is damaged.
        """
        with ThreadPoolExecutor() as pool:
            for _ in pool.map(self._picture, range(min(len(self), _CHECKED))):
                pass

    def _picture(self, index: int) -> NDArray[np.uint8]:
        kept = self._kept.get(index)
        if kept is not None:
            return kept
        picture = decode(self._container, self.names[index], self.channels)
        with self._lock:
            if index not in self._kept and picture.nbytes <= self._bytes_left:
                self._kept[index] = picture
                self._bytes_left -= picture.nbytes
        return picture
