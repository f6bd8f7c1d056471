"""What a film shows and how it moves, checked before anything is loaded or drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from adatune.errors import UsageError
from adatune.latent.paths import EASINGS
from adatune.latent.seeds import parse_seeds

Key = int | Path  # a seed, or a file of latents

KEY_SECONDS = 2.0  # from key to key, where nobody says how long the film is
_WALK_SECONDS, _SWEEP_SECONDS = 20.0, 8.0
_MOST_FRAMES = 1_000_000  # nine hours; more is a slip of the keyboard


@dataclass(frozen=True)
class FilmConfig:
    """How a film moves."""

    motion: str = "keys"  # from key to key; walk: at random from a key; sweep: a key's truncation, -1 to 1
    space: str | None = None  # where it moves, z or w; None: z, or w where only that is possible
    is_cubic: bool = False  # through w without corners
    is_loop: bool = True  # ends where it begins
    is_even: bool = False  # at an even speed as seen, not as measured in latent space
    easing: str | None = None  # between keys; None: linear, for a sweep smooth
    seconds: float | None = None  # None: 2 from key to key, 20 for a walk, 8 for a sweep
    frames_per_second: float = 30.0
    layers: str | None = None  # only these w move, "0-6"; the others stay the first key's
    has_noise_loop: bool = False  # the fine detail goes once round a circle

    def __post_init__(self) -> None:
        if self.easing is not None and self.easing not in EASINGS:
            raise UsageError(f"--easing {self.easing} is unknown. Choose one of {', '.join(EASINGS)}.")
        if self.seconds is not None and not (isfinite(self.seconds) and self.seconds > 0):
            raise UsageError(f"--seconds is {self.seconds}; it must be above 0.")
        if not (isfinite(self.frames_per_second) and 0 < self.frames_per_second <= 240):
            raise UsageError(f"--fps is {self.frames_per_second}; it must be above 0 and at most 240.")
        if self.is_cubic and self.motion != "keys":
            raise UsageError(
                f"--cubic is a way from key to key, and --{self._flag} has one key. Leave it out."
            )
        if self.is_cubic and self.space == "z":
            raise UsageError("--cubic moves in w. Leave --space z out: in z the way is a great circle.")
        if self.motion == "walk" and self.space == "w":
            raise UsageError("--walk moves in z, where every direction is as likely. Leave --space w out.")
        if self.motion == "sweep" and self.space == "z":
            raise UsageError("--truncation-sweep moves in w, where the mean is. Leave --space z out.")
        if self.motion == "walk" and self.easing not in (None, "linear"):
            raise UsageError("--easing acts between keys, and --walk has one. Leave it out.")

    @property
    def _flag(self) -> str:
        return {"walk": "walk", "sweep": "truncation-sweep"}.get(self.motion, self.motion)

    @property
    def pace(self) -> str:
        """The easing that is meant."""
        return self.easing or ("smooth" if self.motion == "sweep" else "linear")

    def duration(self, segments: int) -> float:
        """Seconds, of a film with so many SEGMENTS from key to key."""
        usual = {"walk": _WALK_SECONDS, "sweep": _SWEEP_SECONDS if self.is_loop else _SWEEP_SECONDS / 2}
        return self.seconds or usual.get(self.motion, KEY_SECONDS * segments)

    def frame_count(self, segments: int) -> int:
        """Frames of a film with so many SEGMENTS, at least 2.

        Raises:
            UsageError: more than a million.
        """
        count = max(2, round(self.duration(segments) * self.frames_per_second))
        if count > _MOST_FRAMES:
            raise UsageError(f"The film would have {count:,} frames. Use fewer --seconds or a lower --fps.")
        return count

    def check_keys(self, keys: Sequence[Key]) -> None:
        """Refuse KEYS that a film of this kind cannot have.

        Raises:
            UsageError: too many, too few, or files where only seeds make sense.
        """
        files = [key for key in keys if isinstance(key, Path)]
        if files and (self.space == "z" or self.motion == "walk"):
            option = "--walk" if self.motion == "walk" else "--space z"
            raise UsageError(f"{option} moves in z, and {files[0]} holds a w. Leave {option} out.")
        if self.motion != "keys" and len(keys) > 1:
            raise UsageError(
                f"--{self._flag} shows one key, and --seeds lists {len(keys)}. Make a film of each."
            )
        if len(keys) > self.frame_count(len(keys)):
            raise UsageError(f"The film has fewer frames than its {len(keys):,} keys. Use more --seconds.")


def parse_keys(text: str) -> list[Key]:
    """The keys that TEXT lists, such as "1,5-7,me.npz": in that order, seeds and files of latents.

    Raises:
        UsageError: a seed is out of range, a range runs backwards, or something is missing.
    """
    keys: list[Key] = []
    for part in text.split(","):
        if any(letter.isalpha() for letter in part):
            keys.append(Path(part.strip()).expanduser())
        else:
            keys.extend(parse_seeds(part))
    return keys


def name_of_keys(keys: Sequence[Key], config: FilmConfig) -> str:
    """A file's name for the film of KEYS, without its suffix: "video-1-5-9-3"."""
    words = [key.stem if isinstance(key, Path) else str(key) for key in keys]
    if len(words) > 6:
        words = [*words[:2], f"{len(words) - 3}more", words[-1]]
    kind = "video" if config.motion == "keys" else config.motion
    return "-".join([kind, *words])
