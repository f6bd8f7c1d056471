"""The user's own decisions and boxes: read once, then kept with the dataset so that later runs heed them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from adatune.errors import PhotosError
from adatune.home import write_atomically
from adatune.prep.review import Box, read_crops, read_review, review_text, unknown_sources

_REVIEW, _CROPS = "review.csv", "crops.csv"
Decisions = dict[tuple[str, int], bool]  # (source, face) -> keep it
_SHOWN = 3  # of many unknown photos, those that an error names


@dataclass(frozen=True)
class Curation:
    """What the user decided by hand."""

    decisions: Decisions = field(default_factory=dict[tuple[str, int], bool])
    boxes: dict[str, dict[int, Box]] = field(default_factory=dict[str, dict[int, Box]])  # by source and face
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])  # as they are kept, by name

    def save(self, dataset: Path) -> None:
        """Keep the files in the dataset's folder, or take away those that hold no more."""
        for name in (_REVIEW, _CROPS):
            path, content = dataset / name, self.files.get(name)
            if content is None:
                path.unlink(missing_ok=True)
            elif not path.is_file() or path.read_bytes() != content:
                write_atomically(path, lambda temporary, content=content: temporary.write_bytes(content))


def read_curation(
    dataset: Path, sources: Collection[str], review: Path | None, crops: Path | None, forget: bool = False
) -> Curation:
    """The files just given, or those that an earlier run of this dataset kept.

    Args:
        dataset: its folder, which need not exist yet.
        sources: the photos there are.
        review: decisions (`read_review`), or None for the kept ones.
        crops: boxes (`read_crops`), or None for the kept ones.
        forget: take nothing that was kept.
    Raises:
        ReviewError: a file is damaged.
        PhotosError: a given file is of other photos. Of kept files, lines of photos that are gone are idle.
    """
    review_file = review or _kept(dataset / _REVIEW, forget)
    crops_file = crops or _kept(dataset / _CROPS, forget)
    decisions = read_review(review_file) if review_file else {}
    given = read_crops(crops_file) if crops_file else {}
    if review is not None:
        _check_known(review, decisions, sources)
    if crops is not None:
        _check_known(crops, given, sources)
    boxes: dict[str, dict[int, Box]] = {}
    for (source, face), box in given.items():
        boxes.setdefault(source, {})[face] = box
    files = {_REVIEW: review_text(decisions).encode()} if review_file else {}
    if crops_file:
        files[_CROPS] = crops_file.read_bytes()
    return Curation(decisions, boxes, files)


def _kept(path: Path, forget: bool) -> Path | None:
    return path if path.is_file() and not forget else None


def _check_known(file: Path, faces: Iterable[tuple[str, int]], sources: Collection[str]) -> None:
    unknown = unknown_sources(faces, sources)
    if unknown:
        shown = ", ".join(repr(name) for name in unknown[:_SHOWN])
        more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
        raise PhotosError(
            f"{file} names photos that are not there: {shown}{more}. Was it made for another dataset? "
            "The column source must read as the contact sheet exports it."
        )
