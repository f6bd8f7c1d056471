"""What a network sees in pictures: activations, scaled so that squared distances say how different two look.

Two kinds. The discriminator of the network at hand is always there. LPIPS compares better with what people
say, but needs the `lpips` package and the weights of an image classifier, which are downloaded.
"""

import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from adatune.checkpoints import LoadedNetworks
from adatune.errors import FeaturesUnavailable, UsageError
from adatune.networks import Discriminator

CHOICES = ("auto", "discriminator", "lpips")
_LPIPS_SIDE = 256  # pixels; larger pictures are reduced before they are compared
_INSTALL = "pip install 'adatune[metrics]'"


@dataclass(frozen=True)
class Features:
    """A network to compare pictures with."""

    name: str  # for people and for result files
    activations: Callable[[Tensor], list[Tensor]]  # images to maps [batch, channels, height, width], any type
    weights: Sequence[Tensor | float]  # of each map: one number, or one a channel, [channels]
    # Of the mean squared difference of pixels, for who looks for a picture by these features: a discriminator
    # hardly sees the brightness. With it the w of a photo came nearer by its own measure too: 0.35, not 0.50.
    pixel_weight: float = 0.0
    fallback_reason: str = ""  # why it is not the one that would have been better

    def maps(self, images: Tensor) -> list[Tensor]:
        """The activations of unit length at each position, weighted and shared out over the positions.

        The squared distance between two pictures' maps, added up over all, is their perceptual distance.

        Args:
            images: [batch, channels, height, width] in [-1, 1].

        Source: Zhang et al. 2018, arXiv:1801.03924, equation 1.
        """
        return [
            _unit_length(x.float()) * _scale(weight, x)
            for x, weight in zip(self.activations(images), self.weights, strict=True)
        ]

    @torch.no_grad()
    def embed(self, images: Tensor) -> Tensor:
        """One vector a picture: every activation's mean over the positions, [batch, channels of all maps]."""
        return torch.cat([x.float().mean(dim=(2, 3)) for x in self.activations(images)], dim=1)


def choose_features(networks: LoadedNetworks, wanted: str = "auto") -> Features:
    """The features that WANTED names, on the device of NETWORKS; `auto` is LPIPS where it can be had.

    Raises:
        UsageError: WANTED is not among the choices.
        FeaturesUnavailable: they cannot be had; for `auto`, neither can.
    """
    if wanted not in CHOICES:
        raise UsageError(f"--features {wanted} is unknown. Choose one of {', '.join(CHOICES)}.")
    if wanted == "discriminator":
        return discriminator_features(networks.D)
    generator = networks.G_ema or networks.G
    device = next(generator.parameters()).device if generator else torch.device("cpu")
    try:
        return lpips_features(device)
    except FeaturesUnavailable as error:
        if wanted == "lpips":
            raise
        return discriminator_features(networks.D, str(error))


def discriminator_features(D: Discriminator | None, fallback_reason: str = "") -> Features:
    """The first layer of D, pixel by pixel, and what comes out of each of its blocks; all count the same.

    Raises:
        FeaturesUnavailable: there is no D (the network file is a light one).
    """
    if D is None:
        raise FeaturesUnavailable(
            "This file holds no discriminator to compare pictures with. Name one that does (a run's own "
            f"network-*.safetensors, a published .pkl), or: {_INSTALL}"
        )

    def activations(images: Tensor) -> list[Tensor]:
        names = [f"b{resolution}" for resolution in reversed(D.config.resolutions[1:])]
        maps = [cast("Any", D.get_submodule(names[0])).fromrgb(images)]
        x, picture = None, images
        for name in names:
            x, picture = D.get_submodule(name)(x, picture)
            maps.append(x)
        return maps

    count = len(D.config.resolutions)
    return Features("discriminator", activations, [1 / count] * count, 1.0, fallback_reason)


def lpips_features(device: torch.device, trunk: str = "vgg", is_trained: bool = True) -> Features:
    """LPIPS 0.1 of the `lpips` package, for pictures with 1 or 3 channels.

    Args:
        device: where it is put.
        trunk: the classifier: "vgg", "alex" or "squeeze".
        is_trained: False leaves the classifier as it is drawn, for tests without a network connection.

    Raises:
        FeaturesUnavailable: the package is not installed, or the classifier cannot be downloaded.
    """
    model = _lpips_model(trunk, is_trained).to(device)

    def activations(images: Tensor) -> list[Tensor]:
        if images.shape[1] == 1:
            images = images.expand(-1, 3, -1, -1)
        if images.shape[-1] > _LPIPS_SIDE:  # sides are powers of two; interpolation by area does not repeat
            images = F.avg_pool2d(images, images.shape[-1] // _LPIPS_SIDE)
        return list(model.net(model.scaling_layer(images)))

    weights = [layer.model[-1].weight.detach().flatten() for layer in model.lins]
    return Features(f"LPIPS ({trunk})", activations, weights)


def _lpips_model(trunk: str, is_trained: bool) -> Any:
    try:
        import lpips
    except ImportError as error:
        raise FeaturesUnavailable(
            f"LPIPS needs a package that is not installed: {_INSTALL} (its classifier, a download of up to "
            "530 MB, is fetched once). Or use --features discriminator."
        ) from error
    try:
        # torch.hub says on stdout, which a program may read, what it fetches.
        # lpips calls torchvision as was right years ago.
        with redirect_stdout(sys.stderr), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model: Any = lpips.LPIPS(net=trunk, pnet_rand=not is_trained, verbose=False)
    except (OSError, RuntimeError) as error:  # no connection, a broken download
        raise FeaturesUnavailable(
            f"The classifier of LPIPS could not be downloaded ({error}). Try again where there is a "
            "connection, or use --features discriminator."
        ) from error
    return model.eval().requires_grad_(False)


def _unit_length(x: Tensor) -> Tensor:
    # The root of 0 has no finite derivative, and masked pictures have places where nothing is seen.
    return x / ((x.square().sum(dim=1, keepdim=True) + 1e-24).sqrt() + 1e-10)


def _scale(weight: Tensor | float, x: Tensor) -> Tensor | float:
    positions = x.shape[2] * x.shape[3]
    if isinstance(weight, Tensor):
        return (weight.clamp(min=0) / positions).sqrt()[:, None, None]
    return (weight / positions) ** 0.5
