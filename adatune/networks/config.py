"""The architecture of a generator and its discriminator, one frozen record that travels with the weights."""

from dataclasses import asdict, dataclass
from math import log2
from typing import Any

ARCHITECTURES = ("orig", "skip", "resnet")


@dataclass(frozen=True)
class NetworkConfig:
    """What is needed to build both networks. The defaults are the published FFHQ-512 network."""

    resolution: int = 512  # pixels, a power of two from 4 to 1024
    channels: int = 3  # of the images: 3 for RGB, 1 for grey
    z_dim: int = 512  # width of the input latent
    w_dim: int = 512  # width of the mapped latent
    c_dim: int = 0  # number of label classes; 0 for none
    mapping_layers: int = 8  # fully connected layers of the generator's mapping network
    channel_base: int = 32768  # feature maps: min(channel_base // resolution, channel_max)
    channel_max: int = 512
    g_architecture: str = "skip"
    d_architecture: str = "resnet"
    num_fp16_res: int = 4  # the highest resolutions that run in fp16 on a GPU; on a CPU everything is fp32
    conv_clamp: float | None = 256  # activations are limited to this; None for no limit
    mbstd_group: int | None = 4  # images per group of the minibatch standard deviation; None: the whole batch
    d_mapping_layers: int = 8  # layers of the discriminator's label mapping
    mapping_lr_mul: float = 0.01  # learning rate multiplier of the generator's mapping network
    d_mapping_lr_mul: float = 0.01  # the same for the discriminator's label mapping

    def __post_init__(self) -> None:
        if self.resolution not in [2**n for n in range(2, 11)]:
            raise ValueError(f"resolution is {self.resolution}; it must be a power of two from 4 to 1024")
        for name in ("g_architecture", "d_architecture"):
            if getattr(self, name) not in ARCHITECTURES:
                raise ValueError(
                    f"{name} is {getattr(self, name)!r}; it must be one of {', '.join(ARCHITECTURES)}"
                )
        for name in ("channels", "z_dim", "w_dim", "mapping_layers", "channel_base", "channel_max"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")

    @property
    def resolutions(self) -> list[int]:
        """Block resolutions from 4 up."""
        return [2**n for n in range(2, int(log2(self.resolution)) + 1)]

    @property
    def num_ws(self) -> int:
        """Copies of w that the synthesis network takes."""
        return 2 * int(log2(self.resolution)) - 2

    def feature_maps(self, resolution: int) -> int:
        """Feature maps at RESOLUTION."""
        return max(min(self.channel_base // resolution, self.channel_max), 1)

    def is_fp16(self, resolution: int) -> bool:
        """Does the block at RESOLUTION run in fp16 on a GPU? Never below 8x8."""
        return resolution >= max(8, self.resolution // 2**self.num_fp16_res * 2)

    def to_dict(self) -> dict[str, Any]:
        """Plain values by field name, for JSON."""
        return asdict(self)
