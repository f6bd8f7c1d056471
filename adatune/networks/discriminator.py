"""The StyleGAN2 discriminator: from an image to one logit. Nothing about training.

Source: Karras et al. 2020, arXiv:1912.04958; projection of labels: Miyato and Koyama 2018, arXiv:1802.05637.
"""

from math import sqrt

from torch import Tensor, nn

from adatune.networks.config import NetworkConfig
from adatune.networks.layers import (
    FILTER_TAPS,
    Conv2dLayer,
    FullyConnectedLayer,
    MappingNetwork,
    as_dtype,
    minibatch_std,
)
from adatune.networks.precision import Precision, block_dtype
from adatune.ops import upfirdn2d
from adatune.ops.upfirdn2d import filter_beside, resampling_filter


class DiscriminatorBlock(nn.Module):
    """One resolution down: fromRGB where the architecture wants it, conv0, conv1, and a residual skip."""

    resample_filter: Tensor

    def __init__(self, config: NetworkConfig, resolution: int) -> None:
        super().__init__()
        self.architecture, self.is_fp16 = config.d_architecture, config.is_fp16(resolution)
        self.precision: Precision = "auto"
        is_first = resolution == config.resolution
        features, features_below = config.feature_maps(resolution), config.feature_maps(resolution // 2)
        clamp = config.conv_clamp
        self.register_buffer("resample_filter", resampling_filter(FILTER_TAPS))
        self.has_fromrgb = is_first or self.architecture == "skip"
        if self.has_fromrgb:
            self.fromrgb = Conv2dLayer(config.channels, features, 1, activation="lrelu", conv_clamp=clamp)
        self.conv0 = Conv2dLayer(features, features, 3, activation="lrelu", conv_clamp=clamp)
        self.conv1 = Conv2dLayer(features, features_below, 3, activation="lrelu", down=2, conv_clamp=clamp)
        if self.architecture == "resnet":
            self.skip = Conv2dLayer(features, features_below, 1, bias=False, down=2)

    def forward(self, x: Tensor | None, img: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """x [batch, channels, h, w] or None in the first block; img the picture still to be read, or None."""
        dtype = block_dtype(self.precision, self.is_fp16, self.conv0.weight.device)
        if self.has_fromrgb:
            assert img is not None, "a block with fromRGB is given the picture"
            rgb = self.fromrgb(as_dtype(img, dtype))
            x = rgb if x is None else as_dtype(x, dtype) + rgb
            img = (
                upfirdn2d(img, self.resample_filter, down=2, padding=1)
                if self.architecture == "skip"
                else None
            )
        assert x is not None, "every block but the first is given features"
        x = as_dtype(x, dtype)
        gain, residual = 1.0, None
        if self.architecture == "resnet":
            gain = sqrt(0.5)
            x, small = filter_beside(x, self.resample_filter, down=2, padding=1)
            residual = self.skip(small, gain, is_filtered=True)
        x = self.conv0(x, filter_padding=2)
        return self.conv1(x, gain, residual, is_filtered=True), img


class DiscriminatorEpilogue(nn.Module):
    """The 4x4 end: minibatch standard deviation, a convolution, two fully connected layers. Always fp32."""

    def __init__(self, config: NetworkConfig, cmap_dim: int) -> None:
        super().__init__()
        features = config.feature_maps(4)
        self.mbstd_group, self.cmap_dim = config.mbstd_group, cmap_dim
        self.has_fromrgb = config.d_architecture == "skip" or config.resolution == 4
        if self.has_fromrgb:
            self.fromrgb = Conv2dLayer(config.channels, features, 1, activation="lrelu")
        self.conv = Conv2dLayer(features + 1, features, 3, activation="lrelu", conv_clamp=config.conv_clamp)
        self.fc = FullyConnectedLayer(features * 16, features, activation="lrelu")
        self.out = FullyConnectedLayer(features, cmap_dim or 1)

    def forward(self, x: Tensor | None, img: Tensor | None, cmap: Tensor | None) -> Tensor:
        """x [batch, channels, 4, 4], cmap [batch, cmap_dim] or None, to logits [batch, 1]."""
        if self.has_fromrgb:
            assert img is not None, "an epilogue with fromRGB is given the picture"
            rgb = self.fromrgb(img.float())
            x = rgb if x is None else x.float() + rgb
        assert x is not None, "the epilogue is given features or a picture"
        features = minibatch_std(x.float().contiguous(), self.mbstd_group)
        out: Tensor = self.out(self.fc(self.conv(features).flatten(1)))
        return out if cmap is None else (out * cmap).sum(dim=1, keepdim=True) / sqrt(self.cmap_dim)


class Discriminator(nn.Module):
    """StyleGAN2's discriminator."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config, self.c_dim = config, config.c_dim
        cmap_dim = config.feature_maps(4) if config.c_dim else 0
        for resolution in reversed(config.resolutions[1:]):
            self.add_module(f"b{resolution}", DiscriminatorBlock(config, resolution))
        if config.c_dim:
            self.mapping = MappingNetwork(
                0,
                config.c_dim,
                cmap_dim,
                config.d_mapping_layers,
                config.d_mapping_lr_mul,
                keeps_average=False,
            )
        self.b4 = DiscriminatorEpilogue(config, cmap_dim)

    def forward(self, img: Tensor, c: Tensor | None = None) -> Tensor:
        """Logits [batch, 1] of images [batch, channels, resolution, resolution] and labels [batch, c_dim]."""
        x, picture = None, img
        for resolution in reversed(self.config.resolutions[1:]):
            x, picture = self.get_submodule(f"b{resolution}")(x, picture)
        return self.b4(x, picture, self.mapping(None, c) if self.c_dim else None)
