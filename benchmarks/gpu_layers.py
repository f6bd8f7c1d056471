"""For gpu_minutes.py: what convolutions and element-wise operations reach at the sizes of training.

Never run on a card so far.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from adatune.augment import AugmentPipe
from adatune.bench.count import counting
from adatune.bench.timing import time_calls
from adatune.kernels import ops_mode
from adatune.ops import bias_act, upfirdn2d
from adatune.ops.upfirdn2d import resampling_filter

_REPEATS = 10
_FORMATS = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32 or tf32": torch.float32}
_LAYOUTS = {"NHWC": torch.channels_last, "NCHW": torch.contiguous_format}


class Layer(NamedTuple):
    """A convolution of the 512x512 network and how often an image passes one of its size."""

    side: int  # of its input, pixels
    inputs: int
    outputs: int
    kernel: int
    stride: int
    times: int  # in G and D together


LAYERS = (
    Layer(512, 64, 64, 3, 1, 2),
    Layer(513, 64, 128, 3, 2, 2),  # conv1 of D; its adjoint is conv0 of G
    Layer(256, 128, 128, 3, 1, 2),
    Layer(257, 128, 256, 3, 2, 2),
    Layer(128, 256, 256, 3, 1, 2),
    Layer(129, 256, 512, 3, 2, 2),
    Layer(64, 512, 512, 3, 1, 2),
    Layer(65, 512, 512, 3, 2, 2),
    Layer(32, 512, 512, 3, 1, 2),
    Layer(16, 512, 512, 3, 1, 2),
    Layer(256, 64, 128, 1, 1, 1),  # skip of D
    Layer(512, 64, 3, 1, 1, 2),  # toRGB, fromRGB
)
SMALL_LAYERS = (Layer(16, 8, 8, 3, 1, 2), Layer(17, 8, 8, 3, 2, 2))


def convolution_table(device: torch.device) -> dict[str, Any]:
    """TFLOP/s of each layer, forwards and both gradients, in each layout and format, by trial and without."""
    is_card = device.type == "cuda"
    batch, layers = (8, LAYERS) if is_card else (2, SMALL_LAYERS)
    formats = _FORMATS if is_card else {"fp32": torch.float32}
    found: dict[str, Any] = {}
    for by_trial in (True, False):
        with torch.backends.cudnn.flags(enabled=True, benchmark=by_trial, allow_tf32=True):
            for layout, memory in _LAYOUTS.items():
                for name, dtype in formats.items():
                    rows = [_layer(layer, batch, dtype, memory, device) for layer in layers]
                    work = sum(row["gflop"] * layer.times for row, layer in zip(rows, layers, strict=True))
                    spent = sum(
                        row["gflop"] * layer.times / max(row["mean"], 1e-9)
                        for row, layer in zip(rows, layers, strict=True)
                    )
                    title = f"{name} {layout} {'by trial' if by_trial else 'by rule'}"
                    found[title] = {"weighted_tflops": work / spent, "layers": rows}
    return found


def _layer(
    layer: Layer, batch: int, dtype: torch.dtype, memory: torch.memory_format, device: torch.device
) -> dict[str, Any]:
    side, stride, padding = layer.side, layer.stride, layer.kernel // 2 if layer.stride == 1 else 0

    def random(*size: int) -> Tensor:
        return torch.randn(size, device=device).to(dtype, memory_format=memory)

    x = random(batch, layer.inputs, side, side)
    w = random(layer.outputs, layer.inputs, layer.kernel, layer.kernel)
    y = F.conv2d(x, w, stride=stride, padding=padding)
    g = random(*y.shape)

    def gradient(of_input: bool) -> Callable[[], object]:
        mask = [of_input, not of_input, False]
        common = (None, [stride] * 2, [padding] * 2, [1, 1], False, [0, 0], 1, mask)
        return lambda: torch.ops.aten.convolution_backward(g, x, w, *common)

    calls = {
        "fwd": lambda: F.conv2d(x, w, stride=stride, padding=padding),
        "dgrad": gradient(True),
        "wgrad": gradient(False),
    }
    flops = 2 * y.numel() * layer.inputs * layer.kernel**2
    row: dict[str, Any] = {"layer": list(layer), "gflop": flops / 1e9}
    for name, call in calls.items():
        call()
        row[name] = flops / time_calls(call, device, _REPEATS).median / 1e9  # TFLOP/s
    row["mean"] = 3 / sum(1 / row[name] for name in calls)
    return row


def elementwise_table(device: torch.device) -> dict[str, Any]:
    """GB/s of what surrounds the convolutions, plain and fused: bytes as counted, the clock as read."""
    is_card = device.type == "cuda"
    batch, side = (8, 512) if is_card else (2, 16)
    dtype = torch.float16 if is_card else torch.float32
    x = torch.randn(batch, 64, side, side, device=device).to(dtype, memory_format=torch.channels_last)
    bias, taps = torch.randn(64, device=device), resampling_filter([1, 3, 3, 1]).to(device)
    images = torch.rand(batch, 3, side, side, device=device) * 2 - 1
    pipe = AugmentPipe("bgc").to(device)
    calls = {
        "copy": lambda: x.clone(),
        "bias_act": lambda: bias_act(x, bias, clamp=256),
        "filter": lambda: upfirdn2d(x, taps, padding=(2, 1, 2, 1)),
        "filter and halve": lambda: upfirdn2d(x, taps, down=2, padding=1),
        "double and filter": lambda: upfirdn2d(x[:, :, ::2, ::2], taps, up=2, padding=(2, 1, 2, 1), gain=4),
        "augmentation bgc": lambda: pipe(images),
        **_epilogue(x, bias),
    }
    return {
        name: {mode: _bandwidth(call, mode, device) for mode in ("torch", "auto")}
        for name, call in calls.items()
    }


def _epilogue(x: Tensor, bias: Tensor) -> dict[str, Callable[[], object]]:
    """The epilogue of a synthesis layer: forwards, and with its gradients."""
    from adatune.ops.epilogue import epilogue

    batch, channels, side, _ = x.shape
    u, strength = x.clone().requires_grad_(), torch.ones([], device=x.device)
    demodulation = torch.rand(batch, channels, device=x.device).requires_grad_()
    style = torch.rand(batch, channels, device=x.device).requires_grad_()
    noise = torch.randn(batch, 1, side, side, device=x.device)

    def forward() -> Tensor:
        return epilogue(u, demodulation, noise, strength, bias, style, gain=2**0.5, clamp=256)

    def backward() -> object:
        return torch.autograd.grad(forward(), [u, demodulation, style], x)

    return {"epilogue": forward, "epilogue and its gradients": backward}


def _bandwidth(call: Callable[[], object], mode: Any, device: torch.device) -> dict[str, Any]:
    with ops_mode(mode):
        call()
        with counting() as counts:
            call()
        times = time_calls(call, device, _REPEATS)
    moved = counts.bytes_moved
    return {
        "ms": times.median,
        "launches": counts.launches,
        "gb": moved / 1e9,
        "gb_per_s": moved / times.median / 1e6,
    }
