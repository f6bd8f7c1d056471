"""What every page of ours is made with: its parts from the package, its policy, names that can be shown."""

import base64
import hashlib
from importlib.resources import files


def page_part(package: str, name: str) -> str:
    """The text of `page/NAME` in PACKAGE, such as 'adatune.prep' and 'contact_sheet.css'."""
    return files(package).joinpath("page", name).read_text("utf-8").strip()


def script_hash(script: str) -> str:
    """What a page's policy knows our script by: no other script can run in it, whatever a file is named."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def printable(text: str) -> str:
    """A file name as it can be shown: control characters and undecodable bytes as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
