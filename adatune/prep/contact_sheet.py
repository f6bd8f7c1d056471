"""One self-contained page: each photo with its crop drawn in, the result, and why it was kept or not."""

import html
from collections.abc import Sequence
from string import Template

from adatune.prep.config import PrepConfig
from adatune.prep.judge import REASONS
from adatune.prep.manifest import Row
from adatune.prep.record import Record

_TITLES = {
    "": ("Kept", "In the dataset, in the order of their file names."),
    "unreadable": ("Unreadable", "No picture could be read from these files."),
    "no-face": ("No face", "The detector is not sure of any face, in any of four directions."),
    "small-face": ("Face too small", "The face would have to be enlarged too much."),
    "small": ("Too small", "The picture would have to be enlarged too much."),
    "not-frontal": ("Not frontal", "The head is turned, raised or lowered too far."),
    "occluded": ("Covered", "Something covers part of the face."),
    "blurred": ("Blurred", "The edges of the face are soft."),
    "several-faces": ("Several faces", "Only photos with a single face were asked for."),
    "exposure": ("Badly lit", "The face is too dark, burnt out or flat."),
    "border": ("Cut off", "Too much of the crop lies outside the photo and would be invented."),
    "colour": ("Odd colours", "Grey, or under another light than the rest."),
    "review": ("Dropped by you", "Left out by the review."),
    "duplicate": ("Duplicates", "The same picture is kept from a sharper file."),
}


def contact_sheet(name: str, config: PrepConfig, rows: Sequence[Row]) -> str:
    """The page as HTML; it needs no other file and no network."""
    groups = [(reason, [row for row in rows if row.reason == reason]) for reason in ("", *REASONS)]
    groups = [(reason, members) for reason, members in groups if members]
    kept = sum(not row.reason for row in rows)
    return _PAGE.substitute(
        title=html.escape(f"{_printable(name)}: contact sheet"),
        name=html.escape(_printable(name)),
        summary=f"{kept} of {len(rows)} photos kept, at {config.size} × {config.size} pixels"
        + (" (shown unsquashed, 4 wide and 5 high)" if config.aspect != 1 else ""),
        links="".join(_link(reason, len(members)) for reason, members in groups),
        sections="".join(_section(reason, members, config) for reason, members in groups),
    )


def _printable(text: str) -> str:
    """A file name as it can be shown: control characters and undecodable bytes as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _anchor(reason: str) -> str:
    return reason or "kept"


def _link(reason: str, count: int) -> str:
    kind = "bad" if reason else "good"
    return f'<a href="#{_anchor(reason)}" class={kind}>{_TITLES[reason][0]} <b>{count}</b></a>'


def _section(reason: str, rows: Sequence[Row], config: PrepConfig) -> str:
    title, meaning = _TITLES[reason]
    cards = "".join(_card(row, config) for row in rows)
    return (
        f'<section id="{_anchor(reason)}"><h2>{title} <span>{len(rows)}</span></h2>'
        f"<p>{meaning}</p><div class=cards>{cards}</div></section>"
    )


def _card(row: Row, config: PrepConfig) -> str:
    name = html.escape(_printable(row.record.source))
    return (
        f'<article class="{"good" if not row.reason else "bad"}">'
        f"<div class=pictures>{_photo(row.record)}{_result(row.record, config)}</div>"
        f'<div class=text><h3 title="{name}">{name}</h3>{_facts(row, config)}</div></article>'
    )


def _photo(record: Record) -> str:
    if not record.photo_thumbnail:
        return '<div class="photo empty">no picture</div>'
    outline = ""
    if record.corners:
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in record.corners)
        outline = f'<polygon points="{points}"/>'
    return (
        f'<svg class=photo viewBox="0 0 {record.width} {record.height}" role=img aria-label="photo">'
        f'<image href="data:image/webp;base64,{record.photo_thumbnail}" width="{record.width}" '
        f'height="{record.height}" preserveAspectRatio="none"/>{outline}</svg>'
    )


def _result(record: Record, config: PrepConfig) -> str:
    if not record.crop_thumbnail:
        return ""
    return (
        f'<img class=result style="aspect-ratio:1/{config.aspect}" alt="result" '
        f'src="data:image/webp;base64,{record.crop_thumbnail}">'
    )


def _facts(row: Row, config: PrepConfig) -> str:
    record = row.record
    if record.detail:
        return f"<p class=note>{html.escape(_printable(record.detail))}</p>"
    notes = ""
    if row.repeats:
        notes = f"<p class=note>same as {html.escape(_printable(row.repeats))}</p>"
    elif not row.reason and record.upscale > config.warn_upscale:
        notes = f"<p class=note>enlarged {record.upscale:.1f} times</p>"
    facts = [("size", f"{record.width} × {record.height}", False)]
    facts += [("enlarged", f"{record.upscale:.2f}×", record.upscale > config.max_upscale)]
    if config.align != "none":
        facts += [
            ("turned", f"{record.yaw:+.0f}° {record.pitch:+.0f}°", row.reason == "not-frontal"),
            ("blur", f"{record.blur:.1f} px", row.reason == "blurred"),
            ("covered", f"{record.occlusion:.2f}", row.reason == "occluded"),
            ("outside", f"{record.invented:.0%}", row.reason == "border"),
        ]
        if record.faces > 1:
            facts += [("faces", str(record.faces), False)]
    cells = "".join(
        f"<div{' class=over' if over else ''}><dt>{word}</dt><dd>{value}</dd></div>"
        for word, value, over in facts
    )
    return f"{notes}<dl>{cells}</dl>"


_PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { color-scheme: light dark; --back: #f6f5f2; --card: #fff; --ink: #1d1c1a; --soft: #6d6a64;
  --line: #e2dfd8;  --good: #17724a; --bad: #b3402a; --mark: #ffd23f; }
@media (prefers-color-scheme: dark) { :root { --back: #161513; --card: #211f1d; --ink: #eceae5;
  --soft: #a09c94; --line: #35322e; --good: #5cc795; --bad: #f08a72; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
header { padding: 2.5rem clamp(1rem, 4vw, 3.5rem) 1rem; }
h1 { margin: 0; font-size: 2rem; line-height: 1.2; font-weight: 650;
  letter-spacing: -.02em; overflow-wrap: anywhere; }
header p, section > p { margin: .25rem 0 0; color: var(--soft); }
nav { position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; gap: .5rem;
  background: var(--back);  padding: .75rem clamp(1rem, 4vw, 3.5rem); border-bottom: 1px solid var(--line); }
nav a { padding: .2rem .8rem; border: 1px solid var(--line); border-radius: 2rem; background: var(--card);
  color: inherit; text-decoration: none; font-size: .9rem; }
nav a:hover, nav a:focus-visible { border-color: currentColor; }
nav .good b { color: var(--good); } nav .bad b { color: var(--bad); }
section { padding: 1.75rem clamp(1rem, 4vw, 3.5rem) .5rem; scroll-margin-top: 3rem; }
h2 { margin: 0; font-size: 1.25rem; font-weight: 620; } h2 span { color: var(--soft); font-weight: 400; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(21rem, 1fr)); gap: 1rem;
  margin-top: 1rem; }
article { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; overflow: hidden;
  display: flex; flex-direction: column; content-visibility: auto; contain-intrinsic-size: auto 16rem; }
.pictures { display: flex; height: 11.5rem; background: color-mix(in srgb, var(--ink) 6%, var(--card)); }
.photo { flex: 1; min-width: 0; height: 100%; padding: .6rem; }
.photo.empty { display: grid; place-items: center; color: var(--soft); font-size: .9rem; }
.photo polygon { fill: none; stroke: var(--mark); stroke-width: 2.5; vector-effect: non-scaling-stroke; }
.result { height: 100%; flex: none; }
.text { padding: .7rem .9rem .8rem; border-top: 3px solid var(--good); }
.bad .text { border-top-color: var(--bad); } .bad .result { filter: grayscale(.6); opacity: .75; }
h3 { margin: 0; font-size: .95rem; font-weight: 600; white-space: nowrap; overflow: hidden;
  text-overflow: ellipsis; }
.note { margin: .15rem 0 0; font-size: .875rem; color: var(--bad); overflow-wrap: anywhere; }
.good .note { color: var(--soft); }
dl { display: flex; flex-wrap: wrap; gap: .15rem 1.1rem; margin: .35rem 0 0; font-size: .8125rem; }
dl div { display: flex; gap: .35rem; } dt { color: var(--soft); }
dd { margin: 0; font-variant-numeric: tabular-nums; } .over dd { color: var(--bad); font-weight: 650; }
footer { padding: 2rem clamp(1rem, 4vw, 3.5rem); color: var(--soft); font-size: .875rem; }
@media print { nav { display: none; } article { break-inside: avoid; } }
</style></head>
<body>
<header><h1>$name</h1><p>$summary</p></header>
<nav aria-label="Groups">$links</nav>
<main>$sections</main>
<footer>Made by adatune prep. The outline is the crop; what lies outside the photo is its reflection.
The same in numbers: manifest.csv.</footer>
</body></html>
""")
