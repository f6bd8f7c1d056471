"""Which parameters stay as the source network has them: Freeze-D, Freeze-G, Freeze-M.

Sources: Freeze-D, Mo et al. 2020, arXiv:2002.10964; Freeze-G, Lee 2020 (github.com/bryandlee/FreezeG).
"""

from torch import Tensor, nn

from adatune.errors import UsageError
from adatune.networks import Discriminator, Generator, NetworkConfig


def discriminator_layers(config: NetworkConfig) -> list[str]:
    """Names of the layers that can freeze, from the image side; the 4x4 end never freezes."""
    names: list[str] = []
    for resolution in reversed(config.resolutions[1:]):
        is_top = resolution == config.resolution
        layers = ["fromrgb"] if is_top or config.d_architecture == "skip" else []
        layers += ["conv0", "conv1"] + (["skip"] if config.d_architecture == "resnet" else [])
        names += [f"b{resolution}.{layer}" for layer in layers]
    return names


def trainable_discriminator(network: Discriminator, freeze_d: int) -> dict[str, Tensor]:
    """Parameters by name, without the first FREEZE_D layers counted from the image side.

    Raises:
        UsageError: there are not so many layers.
    """
    layers = discriminator_layers(network.config)
    if freeze_d > len(layers):
        raise UsageError(
            f"--freezed {freeze_d} is too many: this discriminator has {len(layers)} layers that can freeze."
        )
    return _without(network, tuple(f"{name}." for name in layers[:freeze_d]))


def trainable_generator(network: Generator, freeze_g: int, freeze_m: int) -> dict[str, Tensor]:
    """Parameters by name, without what Freeze-G and Freeze-M hold.

    Args:
        network: the generator.
        freeze_g: synthesis blocks held, from 4x4 up, with their toRGB, affine and noise strengths; any number
            above 0 also holds the mapping network and the constant.
        freeze_m: leading layers of the mapping network held (and the label embedding before them).

    Raises:
        UsageError: there are not so many blocks or layers.
    """
    resolutions, depth = network.config.resolutions, network.config.mapping_layers
    if freeze_g > len(resolutions):
        raise UsageError(f"--freezeg {freeze_g} is too many: this generator has {len(resolutions)} blocks.")
    if freeze_m > depth:
        raise UsageError(f"--freezem {freeze_m} is too many: this mapping network has {depth} layers.")
    frozen = [f"mapping.fc{index}." for index in range(freeze_m)] + (["mapping.embed."] if freeze_m else [])
    if freeze_g:
        frozen += ["mapping."] + [f"synthesis.b{resolution}." for resolution in resolutions[:freeze_g]]
    return _without(network, tuple(frozen))


def _without(network: nn.Module, prefixes: tuple[str, ...]) -> dict[str, Tensor]:
    return {name: p for name, p in network.named_parameters() if not name.startswith(prefixes)}
