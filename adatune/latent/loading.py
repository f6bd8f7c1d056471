"""Networks to draw with: on the device, in the number format and by the kernels that were asked for."""

from collections.abc import Callable
from pathlib import Path
from typing import cast

from adatune.checkpoints import LoadedNetworks, load
from adatune.device import check_precision, make_current, pick_device
from adatune.kernel_check import OF_NETWORKS, use_kernels
from adatune.kernels import OpsMode
from adatune.networks.precision import Precision, set_precision


def load_to_draw(
    path: Path, device: str, ops: str, precision: str, announce: Callable[[str], object]
) -> LoadedNetworks:
    """Read the networks of the file PATH and get their device ready.

    Args:
        path: as for `adatune.load`.
        device: auto, cpu, cuda, cuda:1 or mps.
        ops: auto (kernels on a CUDA card), fused or torch, for the whole process.
        precision: of the network's `num_fp16_res` highest resolutions: auto (fp16 on a CUDA card if the
            network was made for it, so with clamps; else fp32), fp16 or fp32.
        announce: told what takes a while, and which kernels are not used, and why.

    Raises: what `adatune.load` does; UsageError where the device has no such precision or no kernels.
    """
    place = pick_device(device)
    check_precision(place, precision)
    make_current(place)
    use_kernels(place, cast("OpsMode", ops), announce, OF_NETWORKS)
    networks = load(path, place)
    if precision == "auto" and networks.config.conv_clamp is None:
        precision = "fp32"  # without clamps large activations overflow fp16
    for network in (networks.G, networks.D, networks.G_ema):
        if network is not None:
            set_precision(network, cast("Precision", precision))
    return networks
