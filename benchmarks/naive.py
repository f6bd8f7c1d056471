"""The baseline: StyleGAN2-ADA's training step as the papers state it, one torch operation after another.

Weights are modulated per sample and convolved in one group per sample; filters are two-dimensional, with the
channels folded into the batch; bias, activation, gain and clamp are four operations; memory is NCHW; the
optimiser is torch.optim.Adam. It reads the parameters of our networks and gives the same numbers
(tests/bench/test_naive.py), so that speeds can be compared. Augmentation is adatune's in both: what differs
is the networks and the optimiser.

Sources: Karras et al. 2020, arXiv:1912.04958; Karras et al. 2020, arXiv:2006.06676.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from math import sqrt

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from adatune.augment import AugmentPipe
from adatune.bench.training import interval_of
from adatune.networks import Discriminator, Generator
from adatune.training.config import TrainConfig

FILTER = (1.0, 3.0, 3.0, 1.0)
SLOPE = 0.2
# How filters are computed: with the channels folded into the batch, or one group per channel, which current
# torch runs many times as fast on a CPU. It knows no second derivative of that but a loop over the channels.
filters_are_depthwise = False


@lru_cache(maxsize=8)
def _kernel(gain: float, device: torch.device, dtype: torch.dtype) -> Tensor:
    taps = torch.tensor(FILTER, device=device, dtype=dtype)
    return (taps.outer(taps) * (gain / taps.sum() ** 2))[None, None]


def filter_2d(x: Tensor, up: int = 1, down: int = 1, padding: Sequence[int] = (0, 0, 0, 0)) -> Tensor:
    """Insert zeros, pad by (x0, x1, y0, y1), filter by [1, 3, 3, 1] along both axes, keep every DOWN-th."""
    batch, channels, height, width = x.shape
    kernel = _kernel(up**2, x.device, x.dtype)
    if up > 1:
        x = x.reshape(batch, channels, height, 1, width, 1)
        x = F.pad(x, [0, up - 1, 0, 0, 0, up - 1])
        x = x.reshape(batch, channels, height * up, width * up)
    x = F.pad(x, list(padding))
    if filters_are_depthwise:
        return F.conv2d(x, kernel.expand(channels, 1, -1, -1), stride=down, groups=channels)
    x = x.reshape(batch * channels, 1, *x.shape[2:])
    x = F.conv2d(x, kernel)[:, :, ::down, ::down]  # symmetric: flipping it changes nothing
    return x.reshape(batch, channels, *x.shape[2:])


def activate(
    x: Tensor, bias: Tensor | None, gain: float, clamp: float | None, is_linear: bool = False
) -> Tensor:
    """Add the bias, leaky ReLU (unless linear), multiply, clamp."""
    if bias is not None:
        x = x + bias.to(x.dtype).reshape([1, -1] + [1] * (x.ndim - 2))
    if not is_linear:
        x = F.leaky_relu(x, SLOPE)
    if gain != 1:
        x = x * gain
    return x if clamp is None else x.clamp(-clamp, clamp)


def affine(layer: nn.Module, x: Tensor, is_linear: bool = True, lr_mul: float = 1.0) -> Tensor:
    """A fully connected layer with an equalised learning rate."""
    x = x @ (layer.weight * (lr_mul / sqrt(layer.weight.shape[1]))).T
    return activate(x, layer.bias * lr_mul, 1.0 if is_linear else sqrt(2), None, is_linear)


def mapping(G: Generator, z: Tensor) -> Tensor:
    """w [batch, w_dim]."""
    x = z * (z.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()
    for index in range(G.config.mapping_layers):
        layer = getattr(G.mapping, f"fc{index}")
        x = affine(layer, x, is_linear=False, lr_mul=G.config.mapping_lr_mul)
    return x


def modulated_convolution(
    x: Tensor, weight: Tensor, styles: Tensor, up: int = 1, demodulate: bool = True
) -> Tensor:
    """A convolution whose weight differs from sample to sample: one group per sample."""
    batch, channels, height, width = x.shape
    outputs, _, size, _ = weight.shape
    if demodulate and x.dtype == torch.float16:  # as published: keeps the products within fp16
        weight = weight / (weight.abs().amax(dim=[1, 2, 3], keepdim=True) * sqrt(weight[0].numel()))
        styles = styles / styles.abs().amax(dim=1, keepdim=True)
    weights = weight[None] * styles[:, None, :, None, None]
    if demodulate:
        norms = (weights.square().sum(dim=[2, 3, 4]) + 1e-8).rsqrt()
        weights = weights * norms[:, :, None, None, None]
    weights = weights.to(x.dtype)
    x = x.reshape(1, batch * channels, height, width)
    if up == 1:
        x = F.conv2d(x, weights.reshape(-1, channels, size, size), padding=size // 2, groups=batch)
        return x.reshape(batch, outputs, height, width)
    weights = weights.transpose(1, 2).reshape(-1, outputs, size, size)
    x = F.conv_transpose2d(x, weights, stride=2, groups=batch)
    return filter_2d(x.reshape(batch, outputs, *x.shape[2:]), padding=(1, 1, 1, 1)) * 4


def synthesis(G: Generator, ws: Tensor, noise: Sequence[Tensor]) -> Tensor:
    """Images of ws [batch, num_ws, w_dim] with one noise plane per layer."""
    planes, position = iter(noise), 0
    x, image = None, None
    for block in G.synthesis.blocks:
        dtype = torch.float16 if block.is_fp16 and ws.is_cuda else torch.float32
        if x is None:
            x = block.const.expand(len(ws), -1, -1, -1).contiguous().to(dtype)
        else:
            x = _layer(block.conv0, x.to(dtype), ws[:, position], next(planes), up=2)
            position += 1
        x = _layer(block.conv1, x, ws[:, position], next(planes))
        position += 1
        torgb = block.torgb
        styles = affine(torgb.affine, ws[:, position]) / sqrt(torgb.weight.shape[1])
        rgb = modulated_convolution(x, torgb.weight, styles, demodulate=False)
        rgb = activate(rgb, torgb.bias, 1.0, torgb.conv_clamp, is_linear=True).float()
        image = rgb if image is None else filter_2d(image, up=2, padding=(2, 1, 2, 1)) + rgb
    return image


def _layer(layer: nn.Module, x: Tensor, w: Tensor, noise: Tensor, up: int = 1) -> Tensor:
    x = modulated_convolution(x, layer.weight, affine(layer.affine, w), up)
    x = x + (noise * layer.noise_strength).to(x.dtype)
    return activate(x, layer.bias, sqrt(2), layer.conv_clamp)


def discriminate(D: Discriminator, images: Tensor) -> Tensor:
    """Logits [batch, 1]; the resnet architecture."""
    x = _append_deviation(activations(D, images)[-1].float(), D.config.mbstd_group)
    x = _convolution(D.b4.conv, x).flatten(1)
    return affine(D.b4.out, affine(D.b4.fc, x, is_linear=False))


def activations(D: Discriminator, images: Tensor) -> list[Tensor]:
    """What comes out of fromRGB and of each block; the resnet architecture."""
    maps: list[Tensor] = []
    for resolution in reversed(D.config.resolutions[1:]):
        block = getattr(D, f"b{resolution}")
        dtype = torch.float16 if block.is_fp16 and images.is_cuda else torch.float32
        if not maps:
            maps.append(_convolution(block.fromrgb, images.to(dtype)))
        x = maps[-1].to(dtype)
        skip = F.conv2d(filter_2d(x, down=2, padding=(1, 1, 1, 1)), _weight(block.skip, x)) * sqrt(0.5)
        x = _convolution(block.conv0, x)
        x = F.conv2d(filter_2d(x, padding=(2, 2, 2, 2)), _weight(block.conv1, x), stride=2)
        clamp = None if block.conv1.conv_clamp is None else block.conv1.conv_clamp * sqrt(0.5)
        maps.append(skip + activate(x, block.conv1.bias, 1.0, clamp))  # sqrt(2) times sqrt(0.5)
    return maps


def _weight(layer: nn.Module, x: Tensor) -> Tensor:
    return (layer.weight / sqrt(layer.weight[0].numel())).to(x.dtype)


def _convolution(layer: nn.Module, x: Tensor) -> Tensor:
    x = F.conv2d(x, _weight(layer, x), padding=layer.weight.shape[-1] // 2)
    return activate(x, layer.bias, sqrt(2), layer.conv_clamp)


def _append_deviation(x: Tensor, group_size: int | None) -> Tensor:
    batch, channels, height, width = x.shape
    size = batch if group_size is None else min(group_size, batch)
    y = x.reshape(size, batch // size, channels, height, width)
    y = y - y.mean(dim=0)
    y = (y.square().mean(dim=0) + 1e-8).sqrt().mean(dim=[1, 2, 3])
    return torch.cat([x, y.repeat(size).reshape(batch, 1, 1, 1).expand(-1, 1, height, width)], dim=1)


class NaiveTraining:
    """Networks, two optimisers, and the four phases."""

    def __init__(self, config: TrainConfig, networks: Sequence[nn.Module], device: torch.device) -> None:
        self.config, self.device = config, device
        self.G, self.D = (_contiguous(network, device) for network in networks[:2])
        self.G_ema = copy.deepcopy(self.G)
        self.pipe = None if config.augs == "none" else AugmentPipe(config.augs).to(device)
        if self.pipe is not None and config.aug_p is not None:
            self.pipe.p.fill_(config.aug_p)
        self.path_length_mean = torch.zeros([], device=device)
        self.optimizer_G = _adam(self.G, config.learning_rate, config.path_length_interval)
        self.optimizer_D = _adam(self.D, config.learning_rate, config.r1_interval)
        self.step = 0

    def train(self, images: Tensor) -> None:
        """One iteration."""
        for name, phase in self.phases(images).items():
            if self.step % interval_of(name, self.config) == 0:
                phase()
        self.step += 1

    def phases(self, images: Tensor) -> dict[str, Callable[[], None]]:
        """Name: call. The average of the generator is the last."""
        return {
            "Gmain": self.train_generator,
            "Greg": self.regularize_generator,
            "Dmain": lambda: self.train_discriminator(images),
            "Dreg": lambda: self.regularize_discriminator(images),
            "average": self.update_average,
        }

    def train_generator(self) -> None:
        """Gmain."""
        with _only(self.G):
            images = synthesis(self.G, self._latents(self.config.batch), self._noise(self.config.batch))
            F.softplus(-self._judge(images)).mean().backward()
        _update(self.optimizer_G)

    def regularize_generator(self) -> None:
        """Greg: path lengths on half the batch."""
        half = max(self.config.batch // 2, 1)
        with _only(self.G):
            ws = self._latents(half)
            images = synthesis(self.G, ws, self._noise(half))
            penalties = self.path_length_penalties(images, ws, torch.randn_like(images))
            loss = penalties.mean() * self.config.path_length_weight * self.config.path_length_interval
            loss.backward()
        _update(self.optimizer_G)

    def path_length_penalties(self, images: Tensor, ws: Tensor, noise: Tensor) -> Tensor:
        """[batch]; moves the running mean first."""
        scaled = noise / sqrt(images.shape[2] * images.shape[3])
        (gradient,) = torch.autograd.grad((images * scaled).sum(), ws, create_graph=True)
        lengths = gradient.square().sum(dim=2).mean(dim=1).sqrt()
        mean = self.path_length_mean.lerp(lengths.mean(), 0.01)
        self.path_length_mean.copy_(mean.detach())
        return (lengths - mean).square()

    def train_discriminator(self, images: Tensor) -> None:
        """Dmain."""
        with _only(self.D):
            with torch.no_grad():
                fakes = synthesis(self.G, self._latents(len(images)), self._noise(len(images)))
            F.softplus(self._judge(fakes)).mean().backward()
            F.softplus(-self._judge(images)).mean().backward()
        _update(self.optimizer_D)

    def regularize_discriminator(self, images: Tensor) -> None:
        """Dreg: R1."""
        with _only(self.D):
            reals = images.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(self._judge(reals).sum(), reals, create_graph=True)
            penalties = gradient.square().sum(dim=[1, 2, 3])
            (penalties.mean() * (self.config.r1_gamma / 2 * self.config.r1_interval)).backward()
        _update(self.optimizer_D)

    @torch.no_grad()
    def update_average(self) -> None:
        """Move G_ema towards G."""
        keep = 0.5 ** (self.config.batch / (self.config.ema_kimg * 1000))
        for average, current in zip(self.G_ema.parameters(), self.G.parameters(), strict=True):
            average.copy_(current.lerp(average, keep))
        for average, current in zip(self.G_ema.buffers(), self.G.buffers(), strict=True):
            average.copy_(current)

    def _latents(self, batch: int) -> Tensor:
        """w per layer, with style mixing."""
        z = torch.randn(2, batch, self.G.z_dim, device=self.device)
        w, num_ws = mapping(self.G, z[0]), self.G.num_ws
        self.G.mapping.w_avg.copy_(w.detach().mean(dim=0).lerp(self.G.mapping.w_avg, 0.995))
        ws = w[:, None].repeat(1, num_ws, 1)
        if torch.rand([]).item() < self.config.style_mixing:
            cutoff = int(torch.randint(1, num_ws, []).item())
            ws = torch.cat(
                [ws[:, :cutoff], mapping(self.G, z[1])[:, None].repeat(1, num_ws - cutoff, 1)], dim=1
            )
        return ws

    def _noise(self, batch: int) -> list[Tensor]:
        sizes = [layer.resolution for layer in self.G.synthesis.layers]
        return [torch.randn(batch, 1, size, size, device=self.device) for size in sizes]

    def _judge(self, images: Tensor) -> Tensor:
        return discriminate(self.D, images if self.pipe is None else self.pipe(images))


def _contiguous(network: nn.Module, device: torch.device) -> nn.Module:
    """A copy in NCHW that requires no gradients."""
    network = copy.deepcopy(network).to(device).requires_grad_(False)
    for parameter in network.parameters():
        parameter.data = parameter.data.contiguous()
    return network


def _adam(network: nn.Module, learning_rate: float, interval: int) -> torch.optim.Adam:
    correction = interval / (interval + 1)
    parameters = list(network.parameters())
    return torch.optim.Adam(parameters, learning_rate * correction, betas=(0.0, 0.99**correction), eps=1e-8)


@contextmanager
def _only(network: nn.Module) -> Iterator[None]:
    """While it lasts, NETWORK requires gradients."""
    network.requires_grad_(True)
    yield
    network.requires_grad_(False)


def _update(optimizer: torch.optim.Adam) -> None:
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            torch.nan_to_num(parameter.grad, nan=0, posinf=1e5, neginf=-1e5, out=parameter.grad)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
