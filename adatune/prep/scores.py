"""The measurements of one face in words, each with the limit that it was judged by, for people to read."""

from dataclasses import dataclass

from adatune.prep.config import PrepConfig
from adatune.prep.manifest import Row
from adatune.prep.record import Record


@dataclass(frozen=True)
class Score:
    """One measurement."""

    key: str  # as the manifest calls it
    word: str
    text: str  # the value with its unit
    worse: float  # the larger the worse
    limit: str = ""  # in words
    share: float | None = None  # of the limit that the value takes up; over 1: too much
    level: str = ""  # 'over' the limit, 'warn' where it only gives a warning
    is_detail: bool = False  # without a limit; shown in the large view only


def measured(row: Row, config: PrepConfig) -> list[Score]:
    """What was measured and what it is judged by; nothing where no face was found."""
    seen = row.record
    if seen.problem:
        return []
    scores = [_enlarged(seen, config)]
    if config.align == "none":
        return scores
    return [*scores, *_judged(seen, config), _eyes(seen, config), *_details(row)]


def _upper(key: str, word: str, text: str, value: float, limit: float, limit_text: str) -> Score:
    share = abs(value) / limit if limit > 0 else 2.0 * (value != 0)
    level = "over" if abs(value) > limit else ""
    return Score(key, word, text, abs(value), f"limit {limit_text}", min(share, 99.0), level)


def _enlarged(seen: Record, config: PrepConfig) -> Score:
    limit = config.max_upscale
    score = _upper("upscale", "enlarged", f"{seen.upscale:.2f}×", seen.upscale, limit, f"{limit:g}×")
    if not score.level and seen.upscale > config.warn_upscale:
        return Score(score.key, score.word, score.text, score.worse, score.limit, score.share, "warn")
    return score


def _judged(seen: Record, config: PrepConfig) -> list[Score]:
    covered, outside = config.max_occlusion, config.max_border
    return [
        _upper("blur", "blur", f"{seen.blur:.1f} px", seen.blur, config.max_blur, f"{config.max_blur:g} px"),
        _upper(
            *("exposure", "exposure", f"{seen.exposure:.2f}", seen.exposure),
            *(config.max_exposure, f"{config.max_exposure:g}"),
        ),
        _upper("yaw", "turned", _degrees(seen.yaw), seen.yaw, config.max_yaw, f"{config.max_yaw:g}°"),
        _upper(
            "pitch", "raised", _degrees(seen.pitch), seen.pitch, config.max_pitch, f"{config.max_pitch:g}°"
        ),
        _upper("occlusion", "covered", f"{seen.occlusion:.2f}", seen.occlusion, covered, f"{covered:g}"),
        _upper("border", "outside", f"{seen.invented:.0%}", seen.invented, outside, f"{outside:.0%}"),
    ]


def _degrees(angle: float) -> str:
    return f"{angle:+.0f}°".replace("-", "−").replace("+0°", "0°").replace("−0°", "0°")


def _eyes(seen: Record, config: PrepConfig) -> Score:
    level = "warn" if seen.eyes < config.warn_eyes else ""
    limit = f"warning below {config.warn_eyes:g}"
    return Score("eyes", "eyes", f"{seen.eyes:.2f}", -seen.eyes, limit, level=level)


def _details(row: Row) -> list[Score]:
    """What is measured and has no limit of its own."""
    seen = row.record
    odd = "over" if "colour" in (row.reason, row.judged) else ""
    scores = [
        Score("score", "face", f"{seen.score:.3f}", -seen.score),
        Score("eye_px", "between the eyes", f"{seen.eye_px:.0f} px", -seen.eye_px, is_detail=True),
        Score("roll", "tilted", _degrees(seen.roll), abs(seen.roll), is_detail=True),
        Score("chroma", "colour", f"{seen.colour[0]:.1f}", -seen.colour[0], level=odd, is_detail=not odd),
    ]
    if seen.second is not None:
        scores.append(Score("second", "second opinion", f"{seen.second:.3f}", -seen.second, is_detail=True))
    return scores
