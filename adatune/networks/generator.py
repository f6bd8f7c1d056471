"""The StyleGAN2 generator: mapping, then synthesis from a 4x4 constant upwards. Nothing about training.

Source: Karras et al. 2020, arXiv:1912.04958. Parameter names are those of the published networks.
"""

from collections.abc import Iterator, Sequence
from math import sqrt
from typing import cast

import torch
from torch import Tensor, nn

from adatune.networks.config import NetworkConfig
from adatune.networks.layers import FILTER_TAPS, Conv2dLayer, FullyConnectedLayer, MappingNetwork, as_dtype
from adatune.networks.precision import Precision, block_dtype
from adatune.ops.conv2d import conv2d_before_filter
from adatune.ops.convolution import conv2d
from adatune.ops.epilogue import epilogue
from adatune.ops.fir_epilogue import fir_epilogue
from adatune.ops.modulated_conv2d import Modulation, modulation, scale_channels
from adatune.ops.to_rgb import to_rgb
from adatune.ops.upfirdn2d import resampling_filter

Noise = str | Sequence[Tensor]  # "const", "random", "none", or one plane [batch, 1, height, width] per layer


class SynthesisLayer(nn.Module):
    """Modulated 3x3 convolution, noise, bias, leaky ReLU."""

    resample_filter: Tensor
    noise_const: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        w_dim: int,
        resolution: int,
        up: int,
        conv_clamp: float | None,
    ) -> None:
        super().__init__()
        self.resolution, self.up, self.conv_clamp = resolution, up, conv_clamp
        self.affine = FullyConnectedLayer(w_dim, in_channels, bias_init=1)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, 3, 3))
        self.register_buffer("resample_filter", resampling_filter(FILTER_TAPS))
        self.register_buffer("noise_const", torch.randn(resolution, resolution))
        self.noise_strength = nn.Parameter(torch.zeros([]))
        self.bias = nn.Parameter(torch.zeros(out_channels))

    def modulation(self, w: Tensor, dtype: torch.dtype) -> Modulation:
        """What w [batch, w_dim] decides about this layer, for features of type DTYPE."""
        return modulation(self.weight, self.affine(w), dtype)

    def forward(
        self,
        x: Tensor,
        modulation: Modulation,
        noise: Tensor | None,
        gain: float = 1.0,
        style: Tensor | None = None,
        residual: Tensor | None = None,
    ) -> Tensor:
        """One layer, but for the scaling of its input.

        Args:
            x: [batch, in_channels, h, w], already multiplied by the modulation's styles.
            modulation: from `modulation` of this layer.
            noise: a plane [height, width] or [batch or 1, 1, height, width] of the output's size, or None.
            gain: multiplies the activation.
            style: [batch, out_channels], multiplies the result: the next layer's styles.
            residual: added to the result.
        """
        terms = (
            modulation.demodulation,
            None if noise is None else noise.reshape(-1, 1, *noise.shape[-2:]),
            self.noise_strength,
            self.bias,
            style,
        )
        gain, clamp = sqrt(2) * gain, None if self.conv_clamp is None else self.conv_clamp * gain
        if self.up == 1:
            x = conv2d(x, modulation.weight, padding=(1, 1))
            return epilogue(x, *terms, residual, gain=gain, clamp=clamp)
        f = self.resample_filter
        x, padding = conv2d_before_filter(x, modulation.weight, f, self.up, padding=1, flip_weight=False)
        x = fir_epilogue(x, f, padding, self.up**2, *terms, gain=gain, clamp=clamp)
        return x if residual is None else x + residual


class ToRGBLayer(nn.Module):
    """Modulated 1x1 convolution to image channels, without demodulation."""

    def __init__(self, in_channels: int, out_channels: int, w_dim: int, conv_clamp: float | None) -> None:
        super().__init__()
        self.conv_clamp, self.weight_gain = conv_clamp, 1 / sqrt(in_channels)
        self.affine = FullyConnectedLayer(w_dim, in_channels, bias_init=1)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(out_channels))

    def forward(self, x: Tensor, w: Tensor, image: Tensor | None = None) -> Tensor:
        """RGB of x [batch, in, h, w] and w [batch, w_dim], plus IMAGE at twice its size: float32."""
        return to_rgb(x, self.weight, self.affine(w) * self.weight_gain, self.bias, self.conv_clamp, image)


class SynthesisBlock(nn.Module):
    """One resolution: two synthesis layers (one at 4x4) and, where the architecture wants it, toRGB."""

    resample_filter: Tensor

    def __init__(self, config: NetworkConfig, resolution: int) -> None:
        super().__init__()
        self.resolution, self.architecture, self.is_fp16 = (
            resolution,
            config.g_architecture,
            config.is_fp16(resolution),
        )
        self.precision: Precision = "auto"
        is_first, is_last = resolution == 4, resolution == config.resolution
        features = config.feature_maps(resolution)
        layer = (config.w_dim, resolution)
        self.register_buffer("resample_filter", resampling_filter(FILTER_TAPS))
        if is_first:
            self.const = nn.Parameter(torch.randn(features, 4, 4))
        else:
            features_below = config.feature_maps(resolution // 2)
            self.conv0 = SynthesisLayer(features_below, features, *layer, up=2, conv_clamp=config.conv_clamp)
            if self.architecture == "resnet":
                self.skip = Conv2dLayer(features_below, features, 1, bias=False, up=2)
        self.conv1 = SynthesisLayer(features, features, *layer, up=1, conv_clamp=config.conv_clamp)
        self.has_torgb = is_last or self.architecture == "skip"
        if self.has_torgb:
            self.torgb = ToRGBLayer(features, config.channels, config.w_dim, config.conv_clamp)
        self.num_conv = 1 if is_first else 2

    def forward(
        self, x: Tensor | None, img: Tensor | None, ws: Sequence[Tensor], noise: Iterator[Tensor | None]
    ) -> tuple[Tensor, Tensor | None]:
        """One resolution up.

        Args:
            x: features [batch, channels, h/2, w/2] from the block below; None at 4x4.
            img: the RGB sum so far (fp32), or None.
            ws: num_conv + 1 times [batch, w_dim]; the last one is toRGB's.
            noise: yields one plane (or None) per layer.
        """
        dtype = block_dtype(self.precision, self.is_fp16, ws[0].device)
        last = self.conv1.modulation(ws[self.num_conv - 1], dtype)
        gain, residual = 1.0, None
        if x is None:
            features = as_dtype(self.const.expand(len(ws[0]), -1, -1, -1), dtype)
            features = scale_channels(features, last.styles)
        else:
            x = as_dtype(x, dtype)
            if self.architecture == "resnet":
                gain = sqrt(0.5)
                residual = self.skip(x, gain)
            first = self.conv0.modulation(ws[0], dtype)
            features = scale_channels(x, first.styles)
            features = self.conv0(features, first, next(noise), style=last.styles)
        features = self.conv1(features, last, next(noise), gain, residual=residual)
        if self.has_torgb:
            img = self.torgb(features, ws[self.num_conv], img)
        return features, img


class SynthesisNetwork(nn.Module):
    """From one w per layer to an image."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config, self.num_ws = config, config.num_ws
        for resolution in config.resolutions:
            self.add_module(f"b{resolution}", SynthesisBlock(config, resolution))

    @property
    def blocks(self) -> list[SynthesisBlock]:
        """The blocks from 4x4 up."""
        return [cast("SynthesisBlock", self.get_submodule(f"b{r}")) for r in self.config.resolutions]

    @property
    def layers(self) -> list[SynthesisLayer]:
        """The layers that take noise, in the order in which they run."""
        return [
            layer
            for block in self.blocks
            for layer in ([block.conv0] if block.num_conv == 2 else []) + [block.conv1]
        ]

    def forward(self, ws: Tensor, noise: Noise = "random") -> Tensor:
        """Draw images.

        Args:
            ws: [batch, num_ws, w_dim].
            noise: "const" (the stored planes), "random" (torch's generator), "none", or one plane
                [batch or 1, 1, height, width] per layer in running order.

        Returns:
            [batch, channels, resolution, resolution], float32, about [-1, 1].
        """
        if ws.ndim != 3 or ws.shape[1] != self.num_ws:
            raise ValueError(f"ws must be [batch, {self.num_ws}, {self.config.w_dim}]; got {list(ws.shape)}")
        planes = iter(self._noise_planes(ws, noise))
        rows = ws.float().unbind(1)  # at once: each selection by itself has a gradient as large as ws
        x, img, position = None, None, 0
        for block in self.blocks:
            x, img = block(x, img, rows[position : position + block.num_conv + 1], planes)
            position += block.num_conv
        assert img is not None, "the last block always has toRGB"
        return img

    def _noise_planes(self, ws: Tensor, noise: Noise) -> Sequence[Tensor | None]:
        layers = self.layers
        if not isinstance(noise, str):
            if len(noise) != len(layers):
                raise ValueError(f"noise has {len(noise)} planes; this network takes {len(layers)}")
            return noise
        if noise == "none":
            return [None] * len(layers)
        if noise == "const":
            return [layer.noise_const for layer in layers]
        if noise == "random":
            return [
                torch.randn(len(ws), 1, layer.resolution, layer.resolution, device=ws.device)
                for layer in layers
            ]
        raise ValueError(f"noise is {noise!r}; choose const, random or none")


class Generator(nn.Module):
    """StyleGAN2's generator."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config, self.z_dim, self.c_dim, self.num_ws = config, config.z_dim, config.c_dim, config.num_ws
        self.synthesis = SynthesisNetwork(config)
        self.mapping = MappingNetwork(
            config.z_dim,
            config.c_dim,
            config.w_dim,
            config.mapping_layers,
            config.mapping_lr_mul,
            config.num_ws,
        )

    def forward(
        self,
        z: Tensor,
        c: Tensor | None = None,
        psi: float = 1.0,
        cutoff: int | None = None,
        noise: Noise = "random",
    ) -> Tensor:
        """Images [batch, channels, height, width] of latents z [batch, z_dim] and labels c [batch, c_dim]."""
        return self.synthesis(self.mapping(z, c, psi, cutoff), noise)
