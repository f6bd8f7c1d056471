"""What training holds in memory, counted from the architecture, and what of it fits the card.

The activations are counted as our graphs hold them (tests compare that with autograd itself). What comes on
top, and so every sum here, is an estimate. A first step that does not fit is taken again in smaller parts.
"""

from typing import TYPE_CHECKING

from adatune.networks.config import NetworkConfig
from adatune.training.config import TrainConfig
from adatune.training.cost import parameter_counts

if TYPE_CHECKING:
    import torch

_MEMORY_SHARE = 0.8  # of the free memory may be planned for
# The second backward of R1 holds the gradients of the first on top of the activations. Counted: 1.2 to 1.3
# times the activations at 64x64 and 128x128. Path length holds as much again, and runs on half a batch.
_R1_FACTOR = 2.3
_AUGMENTATION_IMAGES = 16  # float32 pictures held to differentiate all operations of one (counted: 12 to 16)
_PASSING_TENSORS = 3  # of the largest size, alive while a layer is differentiated
_FIXED_BYTES = {"cuda": 1.0e9, "mps": 0.5e9, "cpu": 0.5e9}  # libraries and their workspaces


def activation_bytes(network: NetworkConfig, is_half: bool) -> tuple[float, float]:
    """Bytes that one forward pass holds for the backward pass, per image: generator, discriminator.

    Generator, of each resolution: both convolutions' results, the scaled input of the second, the block's
    output, and at half size the scaled input of the first. Discriminator: the input, the first convolution's
    result before and after its filter, and at half size the second's and the skip's input.
    """
    generator = discriminator = 0.0
    for resolution in network.resolutions:
        size = 2 if is_half and network.is_fp16(resolution) else 4
        features, below = network.feature_maps(resolution), network.feature_maps(resolution // 2)
        area = resolution**2
        is_lowest = resolution == 4
        generator += size * area * (2 * features if is_lowest else 4 * features + below / 4)
        discriminator += size * area * (3 * features + (0 if is_lowest else (features + below) / 4))
    return generator, discriminator


def memory_bytes(
    network: NetworkConfig,
    micro_batch: int,
    device_type: str,
    precision: str = "auto",
    is_one_pass: bool = False,
) -> float:
    """An estimate of the most memory that training takes, weights and optimisers included.

    Args:
        network: the architecture.
        micro_batch: images per forward pass.
        device_type: cuda, mps or cpu.
        precision: as in `TrainConfig`.
        is_one_pass: the discriminator sees fakes and reals together.
    """
    is_half = precision in ("fp16", "bf16") or (precision == "auto" and device_type == "cuda")
    is_half = is_half and device_type == "cuda"  # a CPU's bf16 is of the convolutions' operands only
    generator, discriminator = activation_bytes(network, is_half)
    area = network.resolution**2
    augmented = discriminator + _AUGMENTATION_IMAGES * 4 * network.channels * area
    passing = _PASSING_TENSORS * (2 if is_half else 4) * network.feature_maps(network.resolution) * area
    phases = {
        "Gmain": generator + augmented + passing,
        "Dmain": (augmented + passing) * (2 if is_one_pass else 1),
        "Dreg": _R1_FACTOR * augmented + passing,
    }
    return _state_bytes(network) + micro_batch * max(phases.values()) + _FIXED_BYTES[device_type]


def _state_bytes(network: NetworkConfig) -> float:
    """Weights, gradients, second moments and the weights that a pass scales, of both; the average of G."""
    generator, discriminator = parameter_counts(network)
    return 4.0 * (5 * generator + 4 * discriminator)


def one_pass_fits(config: TrainConfig, device: "torch.device") -> bool:
    """May the discriminator see fakes and reals in one pass? It saves launches, and takes memory.

    Ask it with the networks and the pictures on DEVICE. Never off CUDA, where it gains nothing, nor with
    `deterministic`: the answer depends on what else is on the card, and the sums are in another order.
    """
    if device.type != "cuda" or config.deterministic:
        return False
    needed = memory_bytes(config.network, config.micro_batch, "cuda", config.precision, is_one_pass=True)
    return needed <= available_bytes(device)


def available_bytes(device: "torch.device") -> float:
    """Memory of a CUDA card that a run may be planned to take, with what this process holds there already."""
    import torch

    free, _ = torch.cuda.mem_get_info(device)
    return (free + torch.cuda.memory_reserved(device)) * _MEMORY_SHARE
