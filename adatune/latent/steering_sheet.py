"""The sheet of a walk: strengths across, seeds down, under each what the edit itself would make of it."""

from collections.abc import Iterator, Sequence

import torch
from PIL import Image

from adatune.augment.edits import Edit, alphas_for
from adatune.checkpoints import LoadedNetworks
from adatune.images import to_pixels, undo_aspect
from adatune.latent.labelled_sheet import labelled_sheet
from adatune.latent.sampling import SamplingConfig, averaged_generator, batches, one_hot
from adatune.latent.seeds import latents_of_seeds
from adatune.latent.steering import repeatable
from adatune.networks.walks import Walk, start, to_ws

Row = list[Image.Image]
_BATCH = 4  # seeds at a time; fixed, so that the last bits do not follow how many are asked for


@torch.no_grad()
def draw_rows(
    networks: LoadedNetworks,
    edit: Edit,
    number: int,
    space: str,
    walk: Walk,
    alphas: Sequence[float],
    seeds: Sequence[int],
    look: SamplingConfig,
) -> Iterator[tuple[Row, Row]]:
    """For each of SEEDS its pictures along WALK and those that EDIT makes of the first one, one an alpha.

    Args:
        networks: whose averaged generator draws, with its stored noise.
        edit: what the walk was learned for.
        number: of its sliders; the others rest.
        space: of the walk.
        walk: moves positions.
        alphas: asked for.
        seeds: of the latents.
        look: truncation, class and aspect.

    Raises:
        UsageError: a seed is out of range, or a class is missing or superfluous.
    """
    generator, aspect = averaged_generator(networks), 1.0 if look.is_square else networks.aspect
    label = one_hot(look.label, networks.config)
    for part in batches(seeds, _BATCH):
        begun = start(generator, space, latents_of_seeds(part, generator.z_dim), label, look.psi)
        source = generator.synthesis(to_ws(generator, space, begun.positions, begun), "const")
        columns: list[tuple[Row, Row]] = []
        for alpha in alphas:
            row = torch.zeros(1, len(edit.labels))
            row[0, number] = edit.slider_of(alpha)
            with repeatable():
                moved = walk(begun.positions, row)
                images = generator.synthesis(to_ws(generator, space, moved, begun), "const")
            target, mask = edit.apply(source, alphas_for(edit, number, alpha, source.device))
            columns.append(
                (_pictures(images, aspect), _pictures(mask * target + (mask - 1), aspect))
            )  # what nothing is asked for is black
        for index in range(len(part)):
            yield [walked[index] for walked, _ in columns], [edited[index] for _, edited in columns]


def steering_sheet(
    rows: Sequence[tuple[Row, Row]], seeds: Sequence[int], alphas: Sequence[float], caption: str
) -> Image.Image:
    """The ROWS of `draw_rows` on one sheet, with CAPTION below.

    Raises:
        UsageError: the sheet would be larger than a picture file can be.
    """
    lines = [row for pair in rows for row in pair]
    labels = [label for seed in seeds for label in (f"{seed} walk", "edit")]
    return labelled_sheet(lines, labels, [f"{alpha:.3g}" for alpha in alphas], caption)


def _pictures(images: torch.Tensor, aspect: float) -> Row:
    return [undo_aspect(Image.fromarray(tile), aspect) for tile in to_pixels(images)]
