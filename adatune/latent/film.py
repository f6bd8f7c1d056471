"""A film from latents: each frame is a function of its time alone, drawn when it is asked for.

However long the film, one batch of frames is in memory.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from adatune import random
from adatune.checkpoints import LoadedNetworks
from adatune.errors import UsageError
from adatune.images import Pixels, undo_aspect
from adatune.latent.film_config import KEY_SECONDS, FilmConfig, Key
from adatune.latent.latent_files import read_latents
from adatune.latent.mixing import mix_styles, parse_layers
from adatune.latent.paths import (
    Curve,
    Numbers,
    arc_lengths,
    cubic_spline,
    frame_times,
    great_circles,
    positions_at,
    random_walk,
    sample_positions,
    straight_lines,
    summed,
    waves_of_walk,
)
from adatune.latent.sampling import (
    SamplingConfig,
    averaged_generator,
    batch_size,
    batches,
    map_latents,
    one_hot,
    synthesize,
)
from adatune.latent.seeds import latents_of_seeds
from adatune.networks import Generator, NetworkConfig
from adatune.networks.generator import Noise
from adatune.random import Purpose

SAMPLES_PER_SEGMENT = 16  # pictures that --even measures between two keys
_SMALLEST = 256  # pixels wide; smaller pictures are enlarged: players show them as stamps, and halve colours
_SMALL = 32  # pixels; what pictures are reduced to before they are compared


@dataclass(frozen=True)
class Film:
    """All that its frames are made of."""

    generator: Generator
    curve: Curve
    styles: Callable[[Numbers], Tensor]  # latents of the curve to w [n, num_ws, w_dim]
    times: Numbers  # of the frames, 0 to 1
    lengths: Numbers  # of the way along the curve, which say what an even speed is
    easing: str
    aspect: float  # height over width
    noise: str  # const or none
    noise_circle: list[tuple[Tensor, Tensor]] | None  # for each layer two planes, a quarter turn apart

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of a frame, pixels."""
        side = self.generator.config.resolution
        return self.shown(Image.new("RGB", (side, side))).size

    def shown(self, tile: Image.Image) -> Image.Image:
        """A TILE of the network as a frame: aspect undone, and enlarged by a whole number if it is small."""
        picture = undo_aspect(tile, self.aspect)
        factor = -(-_SMALLEST // picture.width)
        if factor == 1:
            return picture
        return picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.BICUBIC)


def plan_film(
    networks: LoadedNetworks, keys: Sequence[Key], config: FilmConfig, look: SamplingConfig
) -> Film:
    """Everything about the film of KEYS but its pictures.

    Args:
        networks: draw it.
        keys: seeds and files of latents. LOOK's truncation is that of the seeds; files are taken as they are.
        config: how it moves.
        look: how its pictures are drawn; noise const or none.

    Raises:
        UsageError: the keys do not fit CONFIG, or an option the network.
        UnreadableLatents: a file of latents is damaged or of another network.
        UnreadableNetwork: there is no averaged generator.
    """
    config.check_keys(keys)
    generator = averaged_generator(networks)
    label = one_hot(look.label, networks.config)
    if look.noise == "random":
        raise UsageError("--noise random would flicker from frame to frame. Use const, or --noise-loop.")
    if look.noise == "none" and config.has_noise_loop:
        raise UsageError("--noise none and --noise-loop contradict each other. Leave one out.")
    is_in_w = config.space == "w" or config.is_cubic or config.motion == "sweep"
    if is_in_w or any(isinstance(key, Path) for key in keys):
        curve, styles = _curve_in_w(generator, keys, config, label, look.psi)
    else:
        curve, styles = _curve_in_z(generator, keys, config, label, look)
    count = config.frame_count(curve.segments)
    return Film(
        generator,
        curve,
        _holding_still(styles, curve, config.layers, generator.config),
        frame_times(count, config.is_loop),
        arc_lengths(curve),
        config.pace,
        1.0 if look.is_square else networks.aspect,
        look.noise,
        _noise_circle(generator, look.noise_seed) if config.has_noise_loop else None,
    )


def draw_frames(film: Film) -> Iterator[Pixels]:
    """The frames in order, [height, width, 3] uint8 RGB, as soon as they are drawn."""
    positions = positions_at(film.times, film.lengths, film.curve.segments, film.easing)
    for part in batches(range(len(film.times)), batch_size(film.generator)):
        latents = film.curve.at(positions[part])
        tiles = synthesize(film.generator, film.styles(latents), _noise(film, film.times[part]))
        for tile in tiles:
            yield np.asarray(film.shown(Image.fromarray(tile)))


def draw_samples(film: Film) -> Iterator[Pixels]:
    """Pictures at even positions along the curve, both ends included, for `with_even_speed`."""
    positions = sample_positions(film.curve, SAMPLES_PER_SEGMENT)
    for part in batches(range(len(positions)), batch_size(film.generator)):
        yield from synthesize(film.generator, film.styles(film.curve.at(positions[part])), film.noise)


def sample_count(film: Film) -> int:
    """How many pictures `draw_samples` draws."""
    return film.curve.segments * SAMPLES_PER_SEGMENT + 1


def with_even_speed(film: Film, samples: Iterable[Pixels]) -> Film:
    """FILM at a speed that looks even: pictures, not latents, change by the same amount from frame to frame.

    The change is the root mean square difference of neighbouring SAMPLES (from `draw_samples`) after both are
    averaged down to 32 x 32 pixels, so that texture which shifts by a pixel counts for little.
    """
    steps: list[float] = []
    last: Numbers | None = None
    for sample in samples:
        small = _reduced(sample)
        if last is not None:
            steps.append(float(np.sqrt(np.mean((small - last) ** 2))))
        last = small
    return replace(film, lengths=summed(np.array(steps)))


def _curve_in_z(
    generator: Generator, keys: Sequence[Key], config: FilmConfig, label: Tensor | None, look: SamplingConfig
) -> tuple[Curve, Callable[[Numbers], Tensor]]:
    seeds = [key for key in keys if isinstance(key, int)]
    latents = latents_of_seeds(seeds, generator.z_dim).double().numpy()
    if config.motion == "walk":
        waves = waves_of_walk(config.duration(1), config.is_loop, KEY_SECONDS)
        samples = torch.arange(2 * waves)
        draws = random.normal(seeds[0], 0, Purpose.LATENT_WALK, samples, generator.z_dim).double().numpy()
        curve = random_walk(latents[0], draws.reshape(2, waves, -1), config.is_loop)
    else:
        _check_several(latents)
        curve = great_circles(latents, config.is_loop)

    def styles(points: Numbers) -> Tensor:
        return map_latents(generator, torch.from_numpy(points).float(), label, look.psi)

    return curve, styles


def _curve_in_w(
    generator: Generator, keys: Sequence[Key], config: FilmConfig, label: Tensor | None, psi: float
) -> tuple[Curve, Callable[[Numbers], Tensor]]:
    def style(key: Key) -> Tensor:
        if isinstance(key, Path):
            return read_latents(key, generator.config)
        return map_latents(generator, latents_of_seeds([key], generator.z_dim), label, psi).cpu()

    styles = torch.cat([style(key) for key in keys]).double().numpy()
    if config.motion == "sweep":
        mean = generator.mapping.w_avg.cpu().double().numpy()
        styles = np.stack([2 * mean - styles[0], styles[0]])
    _check_several(styles)
    curve = (cubic_spline if config.is_cubic else straight_lines)(styles, config.is_loop)
    return curve, lambda points: torch.from_numpy(points).float()


def _check_several(keys: Numbers) -> None:
    if len(keys) < 2:
        raise UsageError(
            "A film needs two keys or more, and --seeds lists one. Add one, or use --walk or "
            "--truncation-sweep."
        )


def _holding_still(
    styles: Callable[[Numbers], Tensor], curve: Curve, layers: str | None, config: NetworkConfig
) -> Callable[[Numbers], Tensor]:
    """STYLES of which only LAYERS move; the other w stay those of the start."""
    if layers is None:
        return styles
    moving = parse_layers(layers, config, "--mix-layers")
    start = styles(curve.at(np.zeros(1)))

    def mixed(points: Numbers) -> Tensor:
        return mix_styles(start.expand(len(points), -1, -1), styles(points), moving)

    return mixed


def _noise_circle(generator: Generator, seed: int) -> list[tuple[Tensor, Tensor]]:
    """For each layer its stored noise and as much of standard normal noise, [1, 1, height, width]."""
    first = torch.zeros(1, dtype=torch.int64)
    return [
        (
            layer.noise_const[None, None],
            random.normal(seed, index, Purpose.NOISE_CIRCLE, first, layer.resolution**2)
            .reshape(1, 1, layer.resolution, layer.resolution)
            .to(layer.noise_const.device),
        )
        for index, layer in enumerate(generator.synthesis.layers)
    ]


def _noise(film: Film, times: Numbers) -> Noise:
    """The noise at TIMES. On its circle it begins at the stored noise and keeps its strength."""
    if film.noise_circle is None:
        return film.noise
    angles = (
        torch.from_numpy(2 * np.pi * times).float().reshape(-1, 1, 1, 1).to(film.noise_circle[0][0].device)
    )
    return [angles.cos() * stored + angles.sin() * drawn for stored, drawn in film.noise_circle]


def _reduced(pixels: Pixels) -> Numbers:
    """PIXELS [side, side, 3] averaged down to at most 32 x 32, float64."""
    side = min(_SMALL, len(pixels))
    block = len(pixels) // side
    return pixels.reshape(side, block, side, block, 3).mean(axis=(1, 3), dtype=np.float64)
