"""How much rather a picture shows one text than another, by CLIP: an extra, with weights that are downloaded.

Source: Radford et al. 2021, arXiv:2103.00020; the package open_clip (MIT) with LAION's weights (MIT).
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from PIL import Image

from adatune.errors import FeaturesUnavailable
from adatune.latent.direction_scores import Scorer

MODEL, WEIGHTS = "ViT-B-32", "laion2b_s34b_b79k"
_INSTALL = "pip install 'adatune[text]'"


def text_scorer(text: str, against: str, device: torch.device) -> Scorer:
    """Scores pictures by their similarity to TEXT less that to AGAINST, each the cosine of CLIP's embeddings.

    Args:
        text: what the direction is to lead to, in English.
        against: the same without the trait: what both ends of the direction are.
        device: where CLIP is put.

    Raises:
        FeaturesUnavailable: the package is not installed, or the weights cannot be downloaded.
    """
    model, prepare, tokenize = _clip()
    model = model.to(device).eval()

    @torch.no_grad()
    def score(pictures: Sequence[Image.Image]) -> list[float]:
        images = torch.stack([prepare(picture) for picture in pictures]).to(device)
        seen = model.encode_image(images, normalize=True)
        return (seen @ wanted).tolist()

    with torch.no_grad():
        texts = model.encode_text(tokenize([text, against]).to(device), normalize=True)
        wanted = texts[0] - texts[1]
    return score


def _clip() -> tuple[Any, Any, Any]:
    """The model, what turns a picture into its input, and what does so with texts."""
    try:
        import open_clip
    except ImportError as error:
        raise FeaturesUnavailable(
            f"Texts need a package that is not installed: {_INSTALL} (its weights, 600 MB, are fetched "
            "once). Or name pictures: adatune directions from-seeds."
        ) from error
    try:
        with _silence():
            model, _, prepare = open_clip.create_model_and_transforms(MODEL, pretrained=WEIGHTS)
    except (OSError, RuntimeError) as error:
        reason = str(error).split(". ")[0]
        raise FeaturesUnavailable(
            f"The weights of CLIP cannot be had: {reason}. They are 600 MB and fetched once. Try again when "
            "you are online, or name pictures: adatune directions from-seeds."
        ) from error
    return model, prepare, open_clip.get_tokenizer(MODEL)


@contextmanager
def _silence() -> Iterator[None]:
    """Without the log of open_clip and of its downloads: what goes wrong is raised as well."""
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
