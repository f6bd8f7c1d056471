"""Published networks by name and any network by address, kept in `pretrained/` with their sha256.

The hosts publish no checksums: the sum of the first download is written beside the file and compared from
then on. Each name stands for one file of one host; another host's network is never put in its place unasked.
"""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from adatune.checkpoints.download import ProgressCallback, download
from adatune.checkpoints.google_drive import download_from_drive, drive_file_id
from adatune.errors import DownloadFailed
from adatune.home import pretrained_folder, write_text

_PUBLISHED = (
    "https://nvlabs-fi-cdn.nvidia.com/stylegan2-ada-pytorch/pretrained/transfer-learning-source-nets/"
)
_NGC = "https://api.ngc.nvidia.com/v2/models/nvidia/research/stylegan2/versions/1/files/"

ADDRESSES = {
    "ffhq256": _PUBLISHED + "ffhq-res256-mirror-paper256-noaug.pkl",
    "ffhq512": _PUBLISHED + "ffhq-res512-mirror-stylegan2-noaug.pkl",
    "ffhq1024": _PUBLISHED + "ffhq-res1024-mirror-stylegan2-noaug.pkl",
    "celebahq256": _PUBLISHED + "celebahq-res256-mirror-paper256-kimg100000-ada-target0.5.pkl",
    "lsundog256": _PUBLISHED + "lsundog-res256-paper256-kimg100000-noaug.pkl",
    # Other networks for the same pictures, trained with the later code base.
    "ngc-ffhq256": _NGC + "stylegan2-ffhq-256x256.pkl",
    "ngc-ffhq512": _NGC + "stylegan2-ffhq-512x512.pkl",
    "ngc-ffhq1024": _NGC + "stylegan2-ffhq-1024x1024.pkl",
}
DEMO = "demo32"
NAMES = (*ADDRESSES, DEMO)


def fetch_name(name: str, progress: ProgressCallback | None = None) -> Path:
    """The file of a published NAME (one of NAMES), downloaded unless it is in `pretrained/` already.

    Raises:
        DownloadFailed: it cannot be fetched, or is not the file that was fetched first.
    """
    if name == DEMO:
        return _demo_network()
    address = ADDRESSES[name]
    path = pretrained_folder() / address.rsplit("/", 1)[1]
    try:
        return _cached(path, lambda: download(address, path, progress))
    except DownloadFailed as error:
        if path.exists():  # it is here but not what it was: the message says what to do
            raise
        raise DownloadFailed(f"{error}\n{_by_hand(name, address, path)}") from error


def is_address(text: str) -> bool:
    """Is TEXT an http or https address?"""
    return text.lower().startswith(("http://", "https://"))


def fetch_address(address: str, progress: ProgressCallback | None = None) -> Path:
    """The file behind ADDRESS (http, https or a Google Drive link), downloaded unless it was before.

    Raises:
        DownloadFailed: it cannot be fetched, or is not the file that was fetched first.
    """
    if drive_id := drive_file_id(address):
        path = pretrained_folder() / f"drive-{drive_id}"
        return _cached(path, lambda: download_from_drive(drive_id, path, progress))
    path = pretrained_folder() / _file_name(address)
    return _cached(path, lambda: download(address, path, progress))


def _file_name(address: str) -> str:
    """A name for the file of ADDRESS, of its own even where addresses end alike (as snapshots do)."""
    last = unquote(urlsplit(address).path).rsplit("/", 1)[-1]
    stem, dot, suffix = last.rpartition(".")
    stem = re.sub(r"[^\w.-]+", "-", stem if dot else last).strip(".-")[:80] or "network"
    suffix = suffix if re.fullmatch(r"\w{1,12}", suffix) and dot else ""
    mark = hashlib.sha256(address.encode()).hexdigest()[:8]
    return f"{stem}-{mark}" + (f".{suffix}" if suffix else "")


def _cached(path: Path, fetch: Callable[[], None]) -> Path:
    """PATH, fetched if it is missing; its sha256 is written beside it the first time and compared later.

    Raises:
        DownloadFailed: the file has changed since.
    """
    if not path.exists():
        fetch()
    pin = path.with_name(path.name + ".sha256")
    sum_now = _sha256(path)
    if not pin.exists():
        write_text(pin, f"{sum_now}  {path.name}\n")  # the format of sha256sum, which can check it
        return path
    sum_then = pin.read_text(encoding="utf-8").split(" ")[0].strip()
    if sum_now != sum_then:
        raise DownloadFailed(
            f"{path} is not the file that was downloaded first: its sha256 is {sum_now[:16]}..., and "
            f"{pin.name} says "
            f"{sum_then[:16]}... Delete both files to download it again."
        )
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _by_hand(name: str, address: str, path: Path) -> str:
    other = f"ngc-{name}"
    offer = (
        f" A different network of the same kind, on another host, is called {other}."
        if other in ADDRESSES
        else ""
    )
    place = path.absolute()
    return f"To use {name} without a connection, fetch {address} elsewhere and put it at {place}.{offer}"


def _demo_network() -> Path:
    """The small network that ships with adatune: in an installed package, or beside it in the repository."""
    package = Path(__file__).parents[1]
    places = [
        package / "pretrained" / f"{DEMO}.safetensors",
        package.parent / "pretrained" / f"{DEMO}.safetensors",
    ]
    for path in places:
        if path.exists():
            return path
    raise DownloadFailed(
        f"{DEMO} is missing from this installation. It should be at {places[0]}: install adatune again, "
        "or run 'make demo-network' in its repository."
    )
