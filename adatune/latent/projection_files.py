"""What a projection leaves: latents that other tools read, pictures, a tuned network, a comparison."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from adatune.checkpoints import LoadedNetworks, save_network
from adatune.home import write_atomically
from adatune.images import Pixels, save_picture, undo_aspect
from adatune.latent.labelled_sheet import labelled_sheet
from adatune.latent.project_photos import TITLES, Projected
from adatune.latent.targets import Target

FILE_NAMES = {"w": "w", "w+": "w-plus", "pti": "tuned"}
COMPARISON = "comparison.png"
_FAR = 2.0  # spreads; of 1,000 w that demo32 draws the furthest is at 1.7


@dataclass(frozen=True)
class Summary:
    """What is kept of a picture that was projected: small, unlike a tuned network."""

    target: Target
    pixels: dict[str, Pixels]  # by space
    distances: dict[str, float]  # perceptual
    signal_to_noise: dict[str, float]  # dB
    spreads_from_mean: dict[str, float]  # of w

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        spaces = {
            space: {
                "distance": distance,
                "psnr": self.signal_to_noise[space],
                "spreads_from_mean": self.spreads_from_mean[space],
            }
            for space, distance in self.distances.items()
        }
        return {"name": self.target.name, "source": self.target.source, "spaces": spaces}


def summary_of(projected: Projected) -> Summary:
    """PROJECTED without its latents and networks."""
    results = projected.results.items()
    return Summary(
        projected.target,
        {space: result.pixels for space, result in results},
        {space: result.distance for space, result in results},
        {space: result.signal_to_noise for space, result in results},
        {space: result.spreads_from_mean for space, result in results},
    )


def save_projected(
    projected: Projected, folder: Path, networks: LoadedNetworks, is_square: bool = False
) -> list[Path]:
    """Write the latents, pictures and, if there is one, the tuned network of PROJECTED to FOLDER/NAME.

    Latents are `w` [1, num_ws, w_dim] in projected_w.npz (and projected_w-plus.npz), as every StyleGAN2-ADA
    tool reads them. The tuned network is NAME-tuned.safetensors, for any command, with projected_w.npz.

    Args:
        projected: what was found.
        folder: is made; files of the same names are replaced.
        networks: that it was found in.
        is_square: keep the pictures squashed.

    Returns: the files.
    """
    folder = folder / projected.target.name
    folder.mkdir(parents=True, exist_ok=True)
    aspect = 1.0 if is_square else networks.aspect
    files = [folder / "photo.png"]
    save_picture(undo_aspect(Image.fromarray(projected.target.pixels), aspect), files[0])
    for space, result in projected.results.items():
        name = FILE_NAMES[space]
        files.append(folder / f"{name}.png")
        save_picture(undo_aspect(Image.fromarray(result.pixels), aspect), files[-1])
        if result.generator is None:
            files.append(folder / f"projected_{name}.npz")
            save_latents(result.ws, files[-1])
        else:
            files.append(folder / f"{projected.target.name}-{name}.safetensors")
            about = {name: value for name, value in networks.metadata.items() if name != "format"}
            about |= {"aspect": networks.aspect, "tuned": "to one picture, by pivotal tuning"}
            save_network(files[-1], result.generator, metadata=about)
    return files


def save_latents(ws: Tensor, path: Path) -> None:
    """Write WS [count, num_ws, w_dim] to PATH (.npz) as the array `w`, whole or not at all."""
    write_atomically(path, lambda temporary: np.savez(temporary, w=ws.numpy().astype(np.float32)))


def save_comparison(
    summaries: Sequence[Summary], caption: str, path: Path, aspect: float, first_column: str = "photo"
) -> None:
    """Write a sheet to PATH: a row for each picture, itself first, then what each space has for it.

    Raises:
        UsageError: it would be larger than a picture file can be.
    """
    spaces = list(summaries[0].pixels)
    rows = [
        [undo_aspect(Image.fromarray(pixels), aspect) for pixels in _columns(summary, spaces)]
        for summary in summaries
    ]
    titles = [first_column, *(TITLES[space] for space in spaces)]
    sheet = labelled_sheet(rows, [_shortened(summary.target.name) for summary in summaries], titles, caption)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_picture(sheet, path)


def line_about(summary: Summary) -> str:
    """What to tell people about a picture: how near each space comes."""
    parts = [
        f"{TITLES[space]} {distance:.3f} ({summary.signal_to_noise[space]:.1f} dB)"
        for space, distance in summary.distances.items()
    ]
    away = summary.spreads_from_mean["w"]
    if away > _FAR:
        parts.append(f"w {away:.1f} spreads from the mean (draws: about 1): fewer --steps stay nearer")
    return f"{summary.target.name}: {', '.join(parts)}"


def _columns(summary: Summary, spaces: Sequence[str]) -> list[Pixels]:
    return [summary.target.pixels, *(summary.pixels[space] for space in spaces)]


def _shortened(name: str) -> str:
    return name if len(name) <= 16 else f"{name[:15]}…"
