"""Tell what a file is from its first bytes, and say so when it is no network, whatever its name ends with."""

import re
import string
from pathlib import Path

from adatune.errors import UnreadableNetwork

_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"BM")
_ARCHIVES = (b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"\xfd7zXZ", b"BZh")
_LEGACY_TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_HTML = re.compile(
    rb"\s*(\xef\xbb\xbf)?\s*(<!--.*?-->\s*)?<(!doctype|html|head|body|\?xml)", re.IGNORECASE | re.DOTALL
)
_LARGEST = 8 * 2**30  # bytes; the published 1024x1024 files have 0.4 GB


def looks_like_html(head: bytes) -> bool:
    """Do the first bytes of a file begin a web page?"""
    return bool(_HTML.match(head))


def looks_like_git_lfs(head: bytes) -> bool:
    """Do the first bytes of a file begin a Git-LFS pointer?"""
    return head.startswith(b"version https://git-lfs.github.com/spec")


def kind_of(path: Path) -> str:
    """'pickle' or 'safetensors'.

    Raises:
        UnreadableNetwork: the file is neither; the message says what it is (without the file's name, which
            the caller puts before it).
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(1024)
    if size > _LARGEST:
        raise UnreadableNetwork(f"has {size / 2**30:.0f} GB: it is larger than any StyleGAN2 network.")
    if len(head) >= 9 and head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= size:
        return "safetensors"
    if head[:1] == b"\x80" and not head.startswith(_LEGACY_TORCH):
        return "pickle"
    raise UnreadableNetwork(_complaint(head))


def _complaint(head: bytes) -> str:
    """What a file that is no network is, and what to do about it."""
    if not head:
        return "is empty. Download or copy it again."
    if looks_like_git_lfs(head):
        return "is a Git-LFS pointer, not the network. Run 'git lfs pull' there, or download the file."
    if looks_like_html(head):
        return (
            "is a web page, not a network: the address it came from shows a page about the file. "
            "Delete it and use the direct download link."
        )
    if head.startswith((_LEGACY_TORCH, b"PK\x03\x04")):
        return (
            "is a plain torch.save file or a zip archive, which does not say what network it belongs to. "
            "Use the network pickle (.pkl) or the .safetensors of the run."
        )
    if head.startswith(_PICTURES):
        return (
            "is a picture or sound, not a network. Give a .pkl or .safetensors file, a run folder or a name."
        )
    if head.startswith(_ARCHIVES):
        return "is a compressed archive. Unpack it and give the network inside."
    if all(byte in string.printable.encode() or byte > 127 for byte in head):
        return "is a text file, not a network. Give a .pkl or .safetensors file, a run folder or a name."
    return "is no network that adatune knows: neither a StyleGAN2 pickle nor safetensors. Check the file."
