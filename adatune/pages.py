"""What every page of ours is made with: its parts from the package, its policy, names that can be shown.

What all pages look like and do alike lies in `page/`.
"""

import base64
import hashlib
from importlib.resources import files
from string import Template


def fill_page(package: str, page: str, /, **values: object) -> str:
    """The PAGE of PACKAGE, such as "browse" of "adatune.latent", with VALUES put in.

    `page/` in PACKAGE holds its html, css and js. The latter two follow those of all pages.
    """
    style, script = (
        f"{_part('adatune', f'shared.{kind}')}\n{_part(package, f'{page}.{kind}')}" for kind in ("css", "js")
    )
    text = Template(_part(package, f"{page}.html"))
    return text.substitute(values, style=style, script=script, script_hash=script_hash(script))


def script_hash(script: str) -> str:
    """What a page's policy knows our script by: no other script can run in it, whatever a file is named."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def printable(text: str) -> str:
    """A file name as it can be shown: control characters and undecodable bytes as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _part(package: str, name: str) -> str:
    return files(package).joinpath("page", name).read_text("utf-8").strip()
