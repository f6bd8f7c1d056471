"""Files shared on Google Drive: from a link that people copy, past a page that wants a click, to the file."""

import html
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from adatune.checkpoints.download import ProgressCallback, WebPage, download
from adatune.errors import DownloadFailed

_DOWNLOAD = "https://drive.usercontent.google.com/download"
_HOSTS = {"drive.google.com", "docs.google.com", "drive.usercontent.google.com"}


def drive_file_id(address: str) -> str | None:
    """The id of the file that a Google Drive link shows, or None if ADDRESS is no such link.

    Raises:
        DownloadFailed: the link is of a folder.
    """
    parts = urlsplit(address)
    if parts.hostname not in _HOSTS:
        return None
    if "/folders/" in parts.path:
        raise DownloadFailed(
            f"{address} is a Google Drive folder. Open it, choose the network file, and use that file's link."
        )
    match = re.search(r"/d/([\w-]+)", parts.path)
    found = match[1] if match else parse_qs(parts.query).get("id", [""])[0]
    return found if re.fullmatch(r"[\w-]{10,}", found) else None


def download_from_drive(
    file_id: str, path: Path, progress: ProgressCallback | None = None, address: str = _DOWNLOAD
) -> None:
    """Fetch a shared file into PATH.

    Drive shows a page before it sends a file that is too large for its virus scan; the form in that page says
    what to ask for instead.

    Raises:
        DownloadFailed: it is not shared with everyone, its quota is used up, or the transfer fails.
    """
    parameters = {"id": file_id, "export": "download", "confirm": "t"}
    try:
        download(address, path, progress, parameters)
    except WebPage as error:
        answer = confirmation(error.page)
        if not answer:
            raise DownloadFailed(_why_refused(error.page, file_id)) from error
        try:
            download(address, path, progress, parameters | answer)
        except WebPage as again:
            raise DownloadFailed(_why_refused(again.page, file_id)) from again


def confirmation(page: str) -> dict[str, str]:
    """The hidden fields of the form with which Drive asks to confirm a download; empty if there is none."""
    form = re.search(r"<form[^>]*download[^>]*>.*?</form>", page, re.DOTALL | re.IGNORECASE)
    fields = re.findall(r"<input[^>]*>", form[0], re.IGNORECASE) if form else []
    answer: dict[str, str] = {}
    for field in fields:
        name, value = re.search(r'name="([^"]*)"', field), re.search(r'value="([^"]*)"', field)
        if name and value:
            answer[name[1]] = html.unescape(value[1])
    return answer


def _why_refused(page: str, file_id: str) -> str:
    link = f"https://drive.google.com/file/d/{file_id}/view"
    if re.search(r"quota|too many users", page, re.IGNORECASE):
        return (
            f"Google Drive refuses {link}: too many people fetched it lately. Wait a day, or copy it to your "
            "own Drive "
            "and use the copy's link."
        )
    return (
        f"Google Drive does not hand out {link}. Share it with 'Anyone with the link', "
        "or download it in a browser and give the file."
    )
