"""What `adatune generate` can make: pictures, sheets of variations, shortlists, a page to browse, a film."""

import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adatune.checkpoints import LoadedNetworks
from adatune.errors import UsageError
from adatune.latent.browse import browse_page_name, draw_seeds, save_browse_page
from adatune.latent.film import plan_film
from adatune.latent.film_config import FilmConfig, name_of_keys
from adatune.latent.film_files import film_path, save_film
from adatune.latent.noise_layers import SHEET, parse_noise_layers
from adatune.latent.picture_files import (
    check_sheet,
    output_folder,
    parse_grid,
    save_pictures,
    save_sheet,
    seeds_for,
)
from adatune.latent.progress import Progress
from adatune.latent.sampling import SamplingConfig, draw_pictures
from adatune.latent.seeds import parse_seeds
from adatune.latent.shortlist import (
    Shortlist,
    check_pick,
    find_photos,
    like_photos,
    pick_seeds,
    rank_seeds,
    save_shortlist,
    shown_count,
)
from adatune.latent.targets import Target
from adatune.latent.truncation import layer_psis, psi_in_words
from adatune.latent.variations import (
    Variations,
    class_sheet,
    draw_variations,
    noise_layer_sheet,
    noise_seed_sheet,
    parse_classes,
    save_variation_sheet,
    truncation_sweep,
)
from adatune.metrics.features import choose_features
from adatune.video import find_encoder

_SHEET_SEEDS, _CLASS_SEEDS, _FILM_SEEDS, _SHORTLIST_SEEDS = "0-5", "0-7", "0-5", "0-199"  # by default
_PRINTED = 10  # seeds of a shortlist in the answer


@dataclass(frozen=True)
class GenerateConfig:
    """What is asked for, in the words of the command line; None is the default of what is made."""

    seeds: str | None = None
    psi: float = 0.7
    cutoff: int | None = None  # only so many w are truncated
    layer_psi: str | None = None  # "0-3:0.5,4-7:1"
    classes: str | None = None  # "2", "0-3" or "all"
    square: bool = False
    noise: str = "const"
    noise_seed: str = "0"  # several make a sheet
    noise_layers: str | None = None  # "64-"; several make a sheet
    grid: str | None = None  # "8x8"
    suffix: str = "png"
    out: Path | None = None
    browse: int | None = None  # how many
    draw: int = 0  # which random seeds to browse
    sweep: bool = False
    rank: bool = False
    pick: int | None = None  # how many
    like: tuple[Path, ...] = ()
    features: str = "auto"
    video: bool = False

    def __post_init__(self) -> None:
        if self.seeds is not None:
            parse_seeds(self.seeds)  # a slip is told before a network is looked for
        if self.grid is not None:
            parse_grid(self.grid)
        asked = self.asked
        if len(asked) > 1:
            raise UsageError(
                f"{asked[0]} and {asked[1]} make two different things. Ask for one after the other."
            )
        if asked and self.grid and asked[0] not in ("--rank", "--like", "--pick"):
            raise UsageError(f"{asked[0]} lays its pictures out itself. Leave --grid out.")
        if self.noise_layers is not None and self.noise == "none":
            raise UsageError("--noise none leaves all noise out. Leave it or --noise-layers out.")
        if self.sweep and self.layer_psi is not None:
            raise UsageError("--truncation-sweep varies what --layer-psi fixes. Leave one out.")
        if self.noise_seed_count > 1 and self.noise == "none":
            raise UsageError("--noise none leaves out what several --noise-seed would draw. Leave one out.")
        if self.video:
            self._check_video()

    @property
    def asked(self) -> list[str]:
        """The options that decide what is made; none for plain pictures."""
        options = {
            "--browse": self.browse is not None,
            "--truncation-sweep": self.sweep,
            "several --noise-seed": self.noise_seed_count > 1,
            "several --noise-layers": _is_noise_sheet(self.noise_layers),
            "several classes": _is_class_sheet(self.classes),
            "--rank": self.rank,
            "--pick": self.pick is not None,
            "--like": bool(self.like),
            "--video": self.video,
        }
        return [option for option, is_asked in options.items() if is_asked]

    @property
    def noise_seed_count(self) -> int:
        """How many seeds of the noise there are."""
        if _is_number(self.noise_seed):  # of 64 bits, where seeds of a list have 32
            return 1
        return len(parse_seeds(self.noise_seed, "--noise-seed"))

    def _check_video(self) -> None:
        wrong = {
            "--cutoff": self.cutoff is not None,
            "--layer-psi": self.layer_psi is not None,
            "--noise random": self.noise == "random",
            "--noise-layers": self.noise_layers is not None,
        }
        for option, is_given in wrong.items():
            if is_given:
                raise UsageError(f"--video makes a film with one --psi and still noise. Leave {option} out.")


@dataclass(frozen=True)
class Made:
    """What was made."""

    files: list[Path]
    seeds: list[int]
    details: dict[str, Any] = field(default_factory=dict[str, Any])  # for the JSON
    remarks: list[str] = field(default_factory=list[str])  # for people


def make(config: GenerateConfig, path: Path, networks: LoadedNetworks, progress: Progress) -> Made:
    """Make what CONFIG asks for.

    Args:
        config: what.
        path: the file of the network, after which folders and captions are called.
        networks: from it.
        progress: shows how far the work is.

    Raises: what `generate` does; UsageError where the network lacks what is asked for.
    """
    classes = parse_classes(config.classes, networks.config)
    look = _look(config, networks, classes)
    folder = output_folder(path) if config.out is None else config.out
    caption = f"{path.name} · {psi_in_words(look.psi, look.layer_psi)}"
    variations = _variations(config, look, classes, networks)
    if variations is not None:
        caption = caption if variations.fixes_psi else path.name
        seeds = parse_seeds(config.seeds or (_CLASS_SEEDS if variations.is_down else _SHEET_SEEDS))
        return _make_variations(networks, seeds, variations, folder, config.suffix, caption, progress)
    if config.browse is not None:
        seeds = draw_seeds(config.browse, config.draw) if config.seeds is None else parse_seeds(config.seeds)
        return _make_page(networks, seeds, look, folder, path, config, progress)
    if config.video:
        return _make_film(networks, config, look, path, progress)
    if config.rank or config.pick is not None or config.like:
        return _make_shortlist(networks, config, look, folder, path, caption, progress)
    return _make_pictures(networks, config, look, folder, progress)


def _look(config: GenerateConfig, networks: LoadedNetworks, classes: list[int]) -> SamplingConfig:
    psis = layer_psis(config.psi, config.cutoff, config.layer_psi, networks.config)
    wanted = None
    if config.noise_layers is not None and not _is_noise_sheet(config.noise_layers):
        (wanted,) = parse_noise_layers(config.noise_layers, networks.config).values()
    noise_seed = int(config.noise_seed) if _is_number(config.noise_seed) else 0
    label = classes[0] if classes else None
    return SamplingConfig(config.psi, config.noise, noise_seed, label, config.square, psis, wanted)


def _variations(
    config: GenerateConfig, look: SamplingConfig, classes: list[int], networks: LoadedNetworks
) -> Variations | None:
    if config.sweep:
        return truncation_sweep(look, config.cutoff, networks.config)
    if config.noise_seed_count > 1:
        return noise_seed_sheet(look, config.noise_seed)
    if config.noise_layers is not None and _is_noise_sheet(config.noise_layers):
        return noise_layer_sheet(look, config.noise_layers, networks.config)
    if _is_class_sheet(config.classes):
        return class_sheet(look, classes)
    return None


def _make_variations(
    networks: LoadedNetworks,
    seeds: list[int],
    variations: Variations,
    folder: Path,
    suffix: str,
    caption: str,
    progress: Progress,
) -> Made:
    drawn = progress(draw_variations(networks, seeds, variations), len(seeds) * len(variations.configs))
    file = folder / f"{variations.kind}-seeds{_ends(seeds)}.{suffix}"
    save_variation_sheet(drawn, seeds, variations, caption, file)
    return Made([file], seeds, {"made": variations.kind, "settings": list(variations.configs)})


def _make_page(
    networks: LoadedNetworks,
    seeds: list[int],
    look: SamplingConfig,
    folder: Path,
    path: Path,
    config: GenerateConfig,
    progress: Progress,
) -> Made:
    file, options = folder / browse_page_name(seeds), _look_options(config)
    command = f"adatune generate {shlex.quote(str(path))} {options}"
    pictures = progress(draw_pictures(networks, seeds, look), len(seeds))
    save_browse_page(pictures, file, path.name, command, options)
    return Made([file], seeds, {"made": "browse"}, ["Open it in a browser, click what you like, export."])


def _look_options(config: GenerateConfig) -> str:
    """The options that draw one of the pictures again."""
    options = {
        "--psi": f"{config.psi:g}",
        "--cutoff": config.cutoff,
        "--layer-psi": config.layer_psi,
        "--class": config.classes,
        "--noise": None if config.noise == "const" else config.noise,
        "--noise-seed": config.noise_seed if config.noise == "random" else None,
        "--noise-layers": config.noise_layers,
    }
    words = [f"{option} {value}" for option, value in options.items() if value is not None]
    return " ".join([*words, "--square"] if config.square else words)


def _make_film(
    networks: LoadedNetworks, config: GenerateConfig, look: SamplingConfig, path: Path, progress: Progress
) -> Made:
    seeds, film_config = parse_seeds(config.seeds or _FILM_SEEDS), FilmConfig()
    film = plan_film(networks, seeds, film_config, look)
    name = name_of_keys(seeds, film_config)
    target, encoder = film_path(config.out, output_folder(path), name), find_encoder()
    caption = f"{path.name} · {name} · psi {look.psi:g}"
    made = save_film(film, target, film_config.frames_per_second, False, caption, encoder, progress)
    details = {"made": "video", "frames": made.frames, "seconds": made.seconds, "written_by": encoder.name}
    return Made([made.film, made.sheet], seeds, details, ["adatune video has all the ways to move."])


def _make_shortlist(
    networks: LoadedNetworks,
    config: GenerateConfig,
    look: SamplingConfig,
    folder: Path,
    path: Path,
    caption: str,
    progress: Progress,
) -> Made:
    seeds = parse_seeds(config.seeds or _SHORTLIST_SEEDS)
    layout = None if config.grid is None else parse_grid(config.grid)
    shown, remarks = shown_count(layout, networks.config.resolution), list[str]()
    photos: list[Target] = []
    if config.pick is not None:  # first what may be wrong: features may be a large download
        check_pick(config.pick, len(seeds))
    elif config.like:
        photos, remarks = find_photos(config.like, path, networks)
        shown = max(1, shown - len(photos))  # they stand first on the sheet
    if config.rank:
        found = rank_seeds(networks, seeds, look, shown, progress)
    else:
        features = choose_features(networks, config.features)
        remarks += [features.fallback_reason] if features.fallback_reason else []
        if config.pick is not None:
            found = pick_seeds(networks, seeds, look, features, config.pick, progress)
        else:
            found = like_photos(networks, seeds, look, photos, features, shown, progress)
    file = folder / f"{found.kind}-seeds{_ends(seeds)}.{config.suffix}"
    save_shortlist(found, file, caption, None if layout is None else layout[0])
    return Made([file], [entry.seed for entry in found.entries], _listed(found), remarks + _first(found))


def _make_pictures(
    networks: LoadedNetworks, config: GenerateConfig, look: SamplingConfig, folder: Path, progress: Progress
) -> Made:
    layout = None if config.grid is None else parse_grid(config.grid)
    seeds = seeds_for(config.seeds, layout)
    if layout is not None:
        check_sheet(layout, networks.config.resolution, networks.config.resolution)
    pictures = progress(draw_pictures(networks, seeds, look), len(seeds))
    if layout is None:
        files = save_pictures(pictures, folder, config.suffix)
    else:
        files = [save_sheet(pictures, seeds, layout, folder, config.suffix)]
    return Made(files, seeds)


def _listed(found: Shortlist) -> dict[str, Any]:
    order = [{"seed": entry.seed, found.word: entry.value, **entry.more} for entry in found.entries]
    return {"made": found.kind, "method": found.method, "order": order, **found.facts}


def _first(found: Shortlist) -> list[str]:
    count = len(found.entries) if found.kind == "pick" else _PRINTED
    first = found.entries[:count]
    values = ", ".join(f"{entry.seed} ({entry.value:.3g})" for entry in first)
    return [
        f"By {found.method}:",
        f"{values}",
        f"--seeds {','.join(str(entry.seed) for entry in first)}",
    ]


def _is_number(text: str) -> bool:
    return text.strip().removeprefix("-").isdecimal()


def _is_noise_sheet(text: str | None) -> bool:
    return text is not None and ("," in text or text.strip() == SHEET)


def _is_class_sheet(text: str | None) -> bool:
    return text is not None and ("," in text or text.strip() == "all" or "-" in text.strip()[1:])


def _ends(seeds: list[int]) -> str:
    return f"{seeds[0]:04d}-{seeds[-1]:04d}"
