"""One self-contained page: each photo with its crop drawn in, the result, why it was kept or not, a switch.

What the page looks like and does lies in `page/`. Its switches make a `review.csv` (see review.py).
"""

import html
import json
import re
from collections.abc import Mapping, Sequence

from adatune.pages import fill_page, printable
from adatune.prep.config import PrepConfig
from adatune.prep.judge import REASONS
from adatune.prep.manifest import Row
from adatune.prep.record import Record
from adatune.prep.scores import Score, measured

_TITLES = {
    "": ("Kept", "These make the dataset."),
    "unreadable": ("Unreadable", "No picture could be read from these files."),
    "no-face": ("No face", "The detector is not sure of any face, in any of four directions."),
    "several-faces": ("Several faces", "Only photos with a single face were asked for."),
    "small-face": ("Face too small", "The face would have to be enlarged too much."),
    "small": ("Too small", "The picture would have to be enlarged too much."),
    "blurred": ("Blurred", "The edges of the face are soft."),
    "exposure": ("Badly lit", "The face is too dark, burnt out or flat."),
    "not-frontal": ("Not frontal", "The head is turned, raised or lowered too far."),
    "occluded": ("Covered", "Something covers part of the face."),
    "border": ("Cut off", "Too much of the crop lies outside the photo and would be invented."),
    "colour": ("Odd colours", "Grey, or under another light than the rest."),
    "duplicate": ("Duplicate", "The same picture is kept from a sharper file."),
    "review": ("Dropped by you", "Left out by the review."),
}
_WITHOUT_CROP = {
    "unreadable": "the file cannot be read, so there is nothing to keep",
    "no-face": "no face was found, so there is no crop to keep. A box in crops.csv makes one",
}


def contact_sheet(name: str, config: PrepConfig, rows: Sequence[Row], report: Sequence[str] = ()) -> str:
    """The page as HTML; it needs no other file and no network.

    Args:
        name: of the dataset.
        config: its settings, for the limits that scores are marked by.
        rows: what became of each face.
        report: lines of advice shown at the top.
    """
    groups = {reason: [row for row in rows if row.reason == reason] for reason in ("", *REASONS)}
    groups = {reason: members for reason, members in groups.items() if members}
    numbers = {id(row): index for index, row in enumerate(rows)}
    anchors = {row.record.source: f"p{numbers[id(row)]}" for row in reversed(rows)}
    return fill_page(
        "adatune.prep",
        "contact_sheet",
        title=html.escape(f"{printable(name)}: contact sheet"),
        name=html.escape(printable(name)),
        aspect=f"{config.aspect:.6g}",
        kept=sum(not row.reason for row in rows),
        found=len(rows),
        about=html.escape(_about(config)),
        report=_report(report),
        parts="".join(
            f'<i class={_anchor(reason)} style="flex:{len(members)}"></i>'
            for reason, members in groups.items()
        ),
        links="".join(_link(reason, len(members)) for reason, members in groups.items()),
        group_options="".join(_option(_anchor(reason), _TITLES[reason][0]) for reason in groups),
        order_options="".join(_option(key, word) for key, word in _orders(rows, config).items()),
        sections="".join(
            _section(
                reason,
                "".join(_card(row, numbers[id(row)], anchors, config) for row in members),
                len(members),
            )
            for reason, members in groups.items()
        ),
    )


def picture_type(picture: str) -> str:
    """'image/jpeg' or 'image/webp', told by how the picture's base64 begins."""
    return "image/jpeg" if picture.startswith("/9j/") else "image/webp"


def _about(config: PrepConfig) -> str:
    shape = config.ratio or ("4:5" if config.align == "portrait54" else "1:1")
    unsquashed = "" if config.aspect == 1 else f", shown unsquashed, {shape}"
    return f"{config.size} × {config.size} pixels{unsquashed}"


def _report(lines: Sequence[str]) -> str:
    if not lines:
        return ""
    # An option is one word: no line may break after its hyphens.
    words = [re.sub(r"(--[a-z][\w-]*)", r"<code>\1</code>", html.escape(line)) for line in lines]
    return f"<ul class=report aria-label=Advice>{''.join(f'<li>{line}' for line in words)}</ul>"


def _anchor(reason: str) -> str:
    return reason or "kept"


def _link(reason: str, count: int) -> str:
    anchor = _anchor(reason)
    return f'<li class={anchor}><a href="#{anchor}">{_TITLES[reason][0]} <b>{count}</b></a></li>'


def _option(value: str, word: str) -> str:
    return f"<option value={value}>{word}</option>"


def _orders(rows: Sequence[Row], config: PrepConfig) -> dict[str, str]:
    """The scores that cards can be ordered by."""
    return {score.key: score.word for row in rows for score in measured(row, config)}


def _section(reason: str, cards: str, count: int) -> str:
    title, meaning = _TITLES[reason]
    return (
        f'<section id="{_anchor(reason)}"><h2>{title} <span>{count}</span></h2>'
        f"<p>{meaning}</p><div class=cards>{cards}</div></section>"
    )


def _card(row: Row, number: int, anchors: Mapping[str, str], config: PrepConfig) -> str:
    seen = row.record
    state = "drop" if row.reason else "keep"
    judged = row.judged if row.reviewed else row.reason
    name = _name(seen)
    label = f"{name}: {_TITLES[row.reason][0].lower()}"
    attributes = {
        "id": f"p{number}",
        "class": state,
        "tabindex": "-1",
        "aria-label": label,
        "data-label": label,
        "data-source": json.dumps(seen.source),  # plain ASCII: a lone surrogate is no text of a page
        "data-face": str(seen.face),
        "data-shown": state,
        "data-judged": "drop" if judged else "keep",
        "data-group": _anchor(row.reason),
        "data-text": " ".join([label, row.label, *(words for _, words in _remarks(row))]).lower(),
    }
    return (
        f"<article {_attributes(attributes)}>"
        f"<div class=pictures>{_photo(seen)}{_result(seen)}</div><div class=text>"
        f"<h3><button type=button class=open tabindex=-1 {_attributes({'title': name})}>"
        f"{html.escape(name.rpartition('/')[2])}</button></h3><p class=size>{_size(row)}</p>"
        f"{_toggle(row, name)}{_tags(row, anchors)}{_scores(row, config)}</div></article>"
    )


def _name(seen: Record) -> str:
    return printable(seen.source) + (f", face {seen.face + 1}" if seen.face else "")


def _attributes(values: Mapping[str, str]) -> str:
    return " ".join(f'{name}="{html.escape(value)}"' for name, value in values.items() if value)


def _photo(seen: Record) -> str:
    """The photo with the crop's outline, drawn so small that what lies outside the photo is seen too."""
    if not seen.photo_thumbnail:
        return "<div class=photo><p>no picture</p></div>"
    xs, ys = zip((0, 0), (seen.width, seen.height), *seen.corners, strict=True)
    left, top = min(xs), min(ys)
    points = " ".join(f"{x:.6g},{y:.6g}" for x, y in seen.corners)
    return (
        f'<svg class=photo viewBox="{left:.6g} {top:.6g} {max(xs) - left:.6g} {max(ys) - top:.6g}" role=img '
        f'aria-label="the photo"><image width="{seen.width}" height="{seen.height}" preserveAspectRatio=none '
        f'href="{_address(seen.photo_thumbnail)}"/><polygon points="{points}"/></svg>'
    )


def _result(seen: Record) -> str:
    if not seen.crop_thumbnail:
        return ""
    return f'<img class=result decoding=async alt="the crop" src="{_address(seen.crop_thumbnail)}">'


def _address(picture: str) -> str:
    return f"data:{picture_type(picture)};base64,{picture}"


def _size(row: Row) -> str:
    seen = row.record
    facts = [f"{seen.width} × {seen.height}"] if seen.width else []
    facts += [f"{seen.faces} faces"] if seen.faces > 1 else []
    folder = printable(seen.source.rpartition("/")[0])
    return html.escape(" · ".join(facts + ([f"in {folder}"] if folder else [])))


def _toggle(row: Row, name: str) -> str:
    problem = row.record.problem
    why = _WITHOUT_CROP.get(problem, "there is no crop to keep") if not row.record.has_crop else ""
    attributes = {
        "aria-checked": "false" if row.reason else "true",
        "aria-label": f"Keep {name}" + (f": {why}" if why else ""),
        "title": why,
    }
    kind = "type=button class=toggle role=switch tabindex=-1" + (" disabled" if why else "")
    return f"<button {kind} {_attributes(attributes)}>Keep</button>"


def _remarks(row: Row) -> list[tuple[str, str]]:
    """Kind and words of what is worth saying about one photo."""
    seen = row.record
    remarks = [("yours", {"keep": "kept by you", "drop": "dropped by you"}.get(row.reviewed, ""))]
    if row.reviewed and row.judged:
        remarks.append(("", f"judged: {_TITLES[row.judged][0].lower()}"))
    remarks += [
        ("", "validation" if row.split == "validation" and not row.reason else ""),
        ("", f"label {row.label}" if row.label else ""),
        ("", "box by hand" if seen.box_by_hand else ""),
        ("", f"turned by {seen.turn}°" if seen.turn else ""),
        ("fault", printable(seen.detail)),
        ("fault", seen.exposure_detail if "exposure" in (row.reason, row.judged) else ""),
        *(("warning", words) for words in row.warnings),
    ]
    return [(kind, words) for kind, words in remarks if words]


def _tags(row: Row, anchors: Mapping[str, str]) -> str:
    tags = [f"<li{f' class={kind}' if kind else ''}>{html.escape(words)}" for kind, words in _remarks(row)]
    if row.repeats:
        name = html.escape(printable(row.repeats))
        tags.append(f'<li class=fault>same as <a href="#{anchors.get(row.repeats, "")}">{name}</a>')
    return f"<ul class=tags>{''.join(tags)}</ul>" if tags else ""


def _scores(row: Row, config: PrepConfig) -> str:
    scores = "".join(_score(score) for score in measured(row, config))
    return f"<ul class=scores>{scores}</ul>" if scores else ""


def _score(score: Score) -> str:
    kinds = [score.level, "more" if score.is_detail else ""]
    attributes = {
        "class": " ".join(kind for kind in kinds if kind),
        "data-score": score.key,
        "data-worse": f"{score.worse:.4g}",
        "data-share": "" if score.share is None else f"{score.share:.3g}",
        "data-limit": score.limit,
        "title": score.limit,
    }
    aloud = "<span class=aloud>, over the limit</span>" if score.level == "over" else ""
    return f"<li {_attributes(attributes)}>{score.word} <b>{score.text}{aloud}</b>"
