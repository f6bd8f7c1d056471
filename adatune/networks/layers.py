"""Layers with an equalised learning rate: stored weights are unit normal and scaled at run time.

Source: Karras et al. 2018, arXiv:1710.10196, section 4.1 (and section 3: minibatch std).
"""

from math import sqrt

import torch
from torch import Tensor, nn

from adatune.ops import conv2d_resample
from adatune.ops.affine import affine
from adatune.ops.convolution import conv2d
from adatune.ops.epilogue import epilogue
from adatune.ops.epilogue_filter import epilogue_filter
from adatune.ops.scaled import scaled
from adatune.ops.upfirdn2d import resampling_filter

FILTER_TAPS = (1, 3, 3, 1)


def normalize_second_moment(x: Tensor) -> Tensor:
    """Divide each row of x [batch, features] by its root mean square (epsilon 1e-8 under the root)."""
    return x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-8)


def as_dtype(x: Tensor, dtype: torch.dtype) -> Tensor:
    """x in DTYPE and laid out channels-last, which tensor cores and CPUs read fastest."""
    return x.to(dtype, memory_format=torch.channels_last)


class FullyConnectedLayer(nn.Module):
    """Affine map with an equalised learning rate and an activation."""

    def __init__(
        self,
        in_features: int,
        out_features: int,
        activation: str = "linear",
        lr_mul: float = 1.0,
        bias_init: float = 0.0,
    ) -> None:
        super().__init__()
        self.activation, self.lr_mul, self.weight_gain = activation, lr_mul, lr_mul / sqrt(in_features)
        self.weight = nn.Parameter(torch.randn(out_features, in_features) / lr_mul)
        self.bias = nn.Parameter(torch.full([out_features], bias_init / lr_mul))

    def forward(self, x: Tensor) -> Tensor:
        """[batch, in_features] to [batch, out_features], in the dtype of x."""
        weight, bias = self.weight.to(x.dtype), self.bias.to(x.dtype)
        if self.activation == "linear":
            return affine(x, weight, bias if self.lr_mul == 1 else bias * self.lr_mul, self.weight_gain)
        # A factor passes through the activation: that of the bias becomes one of the whole.
        x = affine(x, weight, None, self.weight_gain / self.lr_mul)[:, :, None, None]
        return epilogue(x, bias=bias, act=self.activation, gain=sqrt(2) * self.lr_mul)[:, :, 0, 0]


class Conv2dLayer(nn.Module):
    """Convolution of the discriminator and of residual skips: equalised, resampled, activated."""

    resample_filter: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        bias: bool = True,
        activation: str = "linear",
        up: int = 1,
        down: int = 1,
        conv_clamp: float | None = None,
    ) -> None:
        super().__init__()
        self.activation, self.up, self.down, self.conv_clamp = activation, up, down, conv_clamp
        self.padding = kernel_size // 2
        self.weight_gain = 1 / sqrt(in_channels * kernel_size**2)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None
        self.register_buffer("resample_filter", resampling_filter(FILTER_TAPS))

    def forward(
        self,
        x: Tensor,
        gain: float = 1.0,
        residual: Tensor | None = None,
        is_filtered: bool = False,
        filter_padding: int | None = None,
    ) -> Tensor:
        """[batch, in_channels, h, w] to [batch, out_channels, h*up//down, w*up//down].

        Args:
            x: features.
            gain: multiplies the result.
            residual: of the result's shape, added last.
            is_filtered: x has been through the filter that going down begins with.
            filter_padding: the result is padded so and filtered: the filter that the next layer begins with.
        """
        is_linear = self.activation == "linear" and self.bias is None and self.conv_clamp is None
        # In float32 the epilogue multiplies and spares the weight two passes. Unscaled fp16 would overflow.
        is_scaled_late = not is_linear and x.dtype == torch.float32
        weight = self.weight
        if not is_scaled_late:
            weight = scaled(weight, self.weight_gain * gain if is_linear else self.weight_gain, x.dtype)
        x = self._convolve(x, weight, is_filtered)
        if is_linear:
            return x if residual is None else x + residual
        factor = self.weight_gain if is_scaled_late else 1.0
        clamp = None if self.conv_clamp is None else self.conv_clamp * gain
        gain = (sqrt(2) if self.activation == "lrelu" else 1.0) * gain
        if filter_padding is not None:
            assert self.bias is not None, "layers before a filter have a bias"
            return epilogue_filter(x, self.bias, self.resample_filter, filter_padding, factor, gain, clamp)
        scale = x.new_full(x.shape[:2], factor) if is_scaled_late else None
        return epilogue(
            x, scale, bias=self.bias, residual=residual, act=self.activation, gain=gain, clamp=clamp
        )

    def _convolve(self, x: Tensor, weight: Tensor, is_filtered: bool) -> Tensor:
        if is_filtered:
            return conv2d(x, weight, stride=1 if weight.shape[2] == 1 else self.down)
        f = self.resample_filter if self.up > 1 or self.down > 1 else None
        return conv2d_resample(x, weight, f, self.up, self.down, self.padding, flip_weight=self.up == 1)


class MappingNetwork(nn.Module):
    """From z (and a label) to w. Without z (`z_dim` 0) it maps a label alone, as the discriminator does."""

    w_avg: Tensor

    def __init__(
        self,
        z_dim: int,
        c_dim: int,
        w_dim: int,
        num_layers: int,
        lr_mul: float,
        num_ws: int | None = None,
        keeps_average: bool = True,
    ) -> None:
        super().__init__()
        self.z_dim, self.c_dim, self.num_layers, self.num_ws = z_dim, c_dim, num_layers, num_ws
        widths = [z_dim + (w_dim if c_dim else 0)] + [w_dim] * num_layers
        if c_dim:
            self.embed = FullyConnectedLayer(c_dim, w_dim)
        for index in range(num_layers):
            layer = FullyConnectedLayer(widths[index], widths[index + 1], "lrelu", lr_mul)
            self.add_module(f"fc{index}", layer)
        if keeps_average:
            self.register_buffer("w_avg", torch.zeros(w_dim))

    def forward(
        self,
        z: Tensor | None,
        c: Tensor | None = None,
        psi: float = 1.0,
        cutoff: int | None = None,
    ) -> Tensor:
        """Map latents.

        Args:
            z: [batch, z_dim], standard normal; None when the network has none.
            c: [batch, c_dim] one-hot labels; required when the network has labels.
            psi: truncation towards the mean w; 1 leaves w, 0 is the mean.
            cutoff: number of leading copies that are truncated; None is all.

        Returns:
            [batch, num_ws, w_dim], or [batch, w_dim] when the network makes no copies.
        """
        x = self._inputs(z, c)
        for index in range(self.num_layers):
            x = self.get_submodule(f"fc{index}")(x)
        if self.num_ws is None:
            return x
        ws = x[:, None].expand(-1, self.num_ws, -1)
        if psi == 1:
            return ws
        truncated = self.w_avg.lerp(ws, psi)
        return truncated if cutoff is None else torch.cat([truncated[:, :cutoff], ws[:, cutoff:]], dim=1)

    def _inputs(self, z: Tensor | None, c: Tensor | None) -> Tensor:
        parts: list[Tensor] = []
        if self.z_dim:
            if z is None or z.shape[1] != self.z_dim:
                raise ValueError(
                    f"latents must be [batch, {self.z_dim}]; got {None if z is None else list(z.shape)}"
                )
            parts.append(normalize_second_moment(z.float()))
        if self.c_dim:
            if c is None or c.shape[1] != self.c_dim:
                raise ValueError(
                    f"labels must be [batch, {self.c_dim}]; got {None if c is None else list(c.shape)}"
                )
            parts.append(normalize_second_moment(self.embed(c.float())))
        return torch.cat(parts, dim=1)


def minibatch_std(x: Tensor, group_size: int | None) -> Tensor:
    """Append one channel: the standard deviation over a group of images, averaged over channels and pixels.

    Args:
        x: [batch, channels, height, width].
        group_size: images per group, at most the batch; None is the whole batch. Groups are strided: image i
            belongs with i + batch/group_size.

    Raises:
        ValueError: the group size does not divide the batch.
    """
    batch, channels, height, width = x.shape
    size = batch if group_size is None else min(group_size, batch)
    if size == 0 or batch % size:
        raise ValueError(f"a batch of {batch} does not split into minibatch-std groups of {size}")
    y = x.reshape(size, batch // size, channels, height, width)
    y = (y - y.mean(dim=0)).square().mean(dim=0)
    y = (y + 1e-8).sqrt().mean(dim=[1, 2, 3])
    return torch.cat([x, y.repeat(size)[:, None, None, None].expand(-1, 1, height, width)], dim=1)
