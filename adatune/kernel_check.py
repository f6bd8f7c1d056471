"""Before anything is computed: does every kernel that is needed do on this card what its reference does?

Compilers and cards differ, and a wrong kernel would spoil a run without a word. One that fails is not used,
and the others are.
"""

from collections.abc import Callable, Collection

import torch
from torch import Tensor

from adatune import kernels, random
from adatune.augment import AugmentPipe
from adatune.augment.effects import draw_effects
from adatune.augment.finish import Finish, finish
from adatune.augment.operations import NUM_DRAWS, draw_table
from adatune.errors import UsageError
from adatune.kernels import OpsMode
from adatune.ops import upfirdn2d
from adatune.ops.adam import adam_step
from adatune.ops.epilogue import epilogue
from adatune.ops.epilogue_filter import epilogue_filter
from adatune.ops.fir_epilogue import fir_epilogue
from adatune.ops.to_rgb import to_rgb
from adatune.ops.upfirdn2d import resampling_filter
from adatune.ops.warp import warp

# Those that networks compute with, forward and for gradients.
OF_NETWORKS = ("random", "epilogue", "upfirdn2d", "epilogue_filter", "fir_epilogue", "to_rgb")
CHANNELS = 17  # no multiple of any block
TOLERANCE = 1e-3  # of the largest value, float32; fp16 inputs would hide an error that this shows


def use_kernels(
    device: torch.device,
    ops: OpsMode,
    announce: Callable[[str], object],
    names: Collection[str] | None = None,
) -> None:
    """Let DEVICE compute with kernels if OPS says so, once they are checked there.

    Args:
        device: to compute on.
        ops: auto, fused or torch, for the whole process from now on.
        announce: told what takes a while, and which kernels are not used, and why.
        names: the kernels that will be needed; None: all.

    Raises:
        UsageError: kernels are asked for and cannot run.
    """
    kernels.set_ops(ops)
    if ops == "torch":
        return
    if not kernels.is_available(device):
        if ops == "fused":
            raise UsageError(
                f"--ops fused needs a CUDA card and the package triton, and --device is {device.type}. "
                "Leave --ops out."
            )
        if device.type == "cuda":
            announce("Triton is not installed, so there are no kernels, and all takes longer.")
        return
    unchecked = {name for name in names or _CHECKS if not kernels.is_checked(name)}
    if not unchecked:
        return
    announce("Checking the kernels on this card; the first time they are compiled, which takes a while.")
    for name, reason in check_kernels(device, unchecked).items():
        announce(
            f"The kernel {name} is not used on this card ({reason}); plain torch does its work, more slowly."
        )


def check_kernels(device: torch.device, names: Collection[str] | None = None) -> dict[str, str]:
    """Compare kernels with their references on DEVICE, values and gradients; disable those that differ.

    The others are used from then on.

    Args:
        device: to compute on.
        names: the kernels; None: all.

    Returns: why, by kernel, for those that are not used.
    """
    wanted = {name: check for name, check in _CHECKS.items() if names is None or name in names}
    for kernel, compute in wanted.items():
        with kernels.ops_mode("torch"):
            expected = compute(device)
        with kernels.ops_mode("fused"):
            reason = _difference(compute, device, expected)
        if reason:
            kernels.disable(kernel, reason)
    kernels.trust(wanted)
    return {kernel: reason for kernel, reason in kernels.disabled().items() if kernel in wanted}


def _difference(
    compute: Callable[[torch.device], list[Tensor]], device: torch.device, expected: list[Tensor]
) -> str | None:
    try:
        found = compute(device)
    except Exception as error:  # whatever a compiler may raise; it is reported
        return (str(error) or type(error).__name__).splitlines()[0]
    worst = max(_relative_error(a, b) for a, b in zip(found, expected, strict=True))
    return None if worst <= TOLERANCE else f"it is off by {worst:.1e} of the largest value"


def _relative_error(found: Tensor, expected: Tensor) -> float:
    error = ((found - expected).abs().max() / expected.abs().max().clamp(min=1e-6)).item()
    return float("inf") if error != error else error


def _draw(device: torch.device, *size: int, purpose: int = 0) -> Tensor:
    """Fixed normal numbers."""
    count = torch.Size(size).numel()
    with kernels.ops_mode("torch"):
        samples = torch.zeros(1, dtype=torch.int64, device=device)
        return random.normal(0, 0, purpose, samples, count).reshape(size)


def _with_gradients(result: Tensor, inputs: list[Tensor]) -> list[Tensor]:
    """The result, its gradients, and the gradient of a penalty on the first of them."""
    weights = _draw(result.device, *result.shape, purpose=99)
    first = torch.autograd.grad((result * weights).sum(), inputs, create_graph=True)
    # Of an operation that is linear the penalty has no gradient; the product with zero makes it one of zeros.
    penalty = first[0].square().sum() + 0 * result.sum()
    second = torch.autograd.grad(penalty, inputs, materialize_grads=True)
    return [result.detach(), *(x.detach() for x in first), *second]


def _epilogue(device: torch.device) -> list[Tensor]:
    u, d, s = _draw(device, 2, CHANNELS, 9, 7), _draw(device, 2, CHANNELS), _draw(device, 2, CHANNELS)
    noise, strength, bias = _draw(device, 2, 1, 9, 7), _draw(device, 1)[0], _draw(device, CHANNELS)
    inputs = [x.requires_grad_() for x in (u, d, strength, bias, s)]
    result = epilogue(u, d, noise, strength, bias, s, u.detach(), gain=1.4, clamp=2.0)
    return _with_gradients(result, inputs)


def _upfirdn2d(device: torch.device) -> list[Tensor]:
    f = resampling_filter([1, 3, 3, 1]).to(device)
    x = _draw(device, 2, CHANNELS, 9, 7).requires_grad_()
    up = upfirdn2d(x, f, up=2, padding=(2, 1, 2, 1), gain=4)
    return [
        *_with_gradients(up, [x]),
        *_with_gradients(upfirdn2d(x, f, down=2, padding=1), [x]),
        *_with_gradients(upfirdn2d(x, f, padding=(1, 1, 1, 1)), [x]),
    ]


def _epilogue_filter(device: torch.device) -> list[Tensor]:
    u, bias = _draw(device, 2, CHANNELS, 9, 7).requires_grad_(), _draw(device, CHANNELS).requires_grad_()
    f = resampling_filter([1, 3, 3, 1]).to(device)
    return _with_gradients(epilogue_filter(u, bias, f, 2, 0.8, gain=1.4, clamp=2.0), [u, bias])


def _fir_epilogue(device: torch.device) -> list[Tensor]:
    u, d, s = _draw(device, 2, CHANNELS, 9, 7), _draw(device, 2, CHANNELS), _draw(device, 2, CHANNELS)
    noise, strength, bias = _draw(device, 2, 1, 8, 6), _draw(device, 1)[0], _draw(device, CHANNELS)
    inputs = [x.requires_grad_() for x in (u, d, strength, bias, s)]
    f = resampling_filter([1, 3, 3, 1]).to(device)
    return _with_gradients(fir_epilogue(u, f, 1, 4, d, noise, strength, bias, s, 1.4, 2.0), inputs)


def _to_rgb(device: torch.device) -> list[Tensor]:
    x, image = _draw(device, 2, CHANNELS, 8, 6), _draw(device, 2, 3, 4, 3)
    weight, styles, bias = _draw(device, 3, CHANNELS, 1, 1), _draw(device, 2, CHANNELS), _draw(device, 3)
    inputs = [t.requires_grad_() for t in (x, weight, styles, bias, image)]
    return _with_gradients(to_rgb(x, weight, styles, bias, clamp=4.0, image=image), inputs)


def _warp(device: torch.device) -> list[Tensor]:
    images = _draw(device, 2, 3, 5, 4).requires_grad_()
    turned = torch.tensor([[0.8, -0.5, 1.3], [0.6, 0.9, -0.7], [0, 0, 1]], device=device)
    return _with_gradients(warp(images, turned.expand(2, 3, 3)), [images])


def _effects(device: torch.device, batch: int) -> Tensor:
    table = draw_table(AugmentPipe("bgcfnc").augment_parameters)
    table = table._replace(columns=table.columns.to(device), numbers=table.numbers.to(device))
    with kernels.ops_mode("torch"):
        draws = random.uniform(0, 0, 1, torch.arange(batch, device=device), NUM_DRAWS)
    return draw_effects(table, draws, torch.full([], 0.5, device=device), 9, 7)


def _augment_draw(device: torch.device) -> list[Tensor]:
    return [_effects(device, CHANNELS)]


def _finish(device: torch.device) -> list[Tensor]:
    with kernels.ops_mode("torch"):
        effects = _effects(device, 2)
    steps = Finish(effects, _draw(device, 2, 3, 9, 7), has_color=True, has_cutout=True)
    grid = _draw(device, 2, 3, 28, 24).requires_grad_()
    pictures = _draw(device, 2, 3, 9, 7).requires_grad_()
    return [
        *_with_gradients(finish(grid, steps, is_grid=True), [grid]),
        *_with_gradients(finish(pictures, steps, is_grid=False), [pictures]),
    ]


def _random(device: torch.device) -> list[Tensor]:
    samples = torch.arange(5, device=device) * 3
    step = torch.tensor(7, device=device)
    return [
        random.uniform(1, step, 2, samples, 37),
        random.normal(1, step, 2, samples, 37),
    ]


def _adam(device: torch.device) -> list[Tensor]:
    values, gradients, squares = (_draw(device, 1003, purpose=number) for number in range(3))
    gradients[:3] = torch.tensor([torch.nan, torch.inf, -torch.inf], device=device)
    steps = torch.tensor(3, device=device)
    adam_step(values, gradients, squares.square_(), learning_rate=0.01, beta2=0.99, epsilon=1e-8, steps=steps)
    return [values, gradients, squares]


# In this order: what comes later makes use of what came before.
_CHECKS: dict[str, Callable[[torch.device], list[Tensor]]] = {
    "random": _random,
    "adam": _adam,
    "epilogue": _epilogue,
    "upfirdn2d": _upfirdn2d,
    "epilogue_filter": _epilogue_filter,
    "fir_epilogue": _fir_epilogue,
    "to_rgb": _to_rgb,
    "warp": _warp,
    "augment_draw": _augment_draw,
    "finish": _finish,
}
