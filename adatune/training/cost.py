"""What a run costs: arithmetic, memory and disk, counted from the architecture before anything is trained.

Counts are exact where they can be (parameters, multiplications of the convolutions); speeds and memory are
estimates, and are called that wherever they are shown.
"""

from functools import lru_cache
from typing import TYPE_CHECKING

from adatune.networks.config import NetworkConfig
from adatune.training.config import TrainConfig

if TYPE_CHECKING:
    import torch

# A forward pass of G costs F_G, of D F_D. Path length every 4 steps on half a batch (6 F_G) and R1 every 16
# (6 F_D) make it 4.75 F_G + 8.375 F_D an image: their second backward also runs the forward graph back.
_MAIN = (4.0, 8.0)  # of F_G and F_D: Gmain 3 F_G + 2 F_D, Dmain F_G + 6 F_D
_REGULARISER = 6.0

# FLOP/s reached in whole training steps. A100 and V100: from the speeds published for them (41 and 73 s/kimg
# at 512, 1598 GFLOP an image); the others by their tensor peaks in that ratio. Not measured by us.
_CUDA_SPEEDS = {
    "H200": 1.2e14, "H100": 1.0e14, "A100": 3.9e13, "L40": 3.0e13, "4090": 2.5e13, "A10": 1.5e13,
    "L4": 1.4e13, "3090": 1.5e13, "V100": 2.1e13, "T4": 8e12, "P100": 3e12,
}  # fmt: skip
_UNKNOWN_CUDA_SPEED = 8e12
_MPS_SPEED = 1e12
_CPU_SPEED_PER_THREAD = 5e10  # measured: 115-121 GFLOP/s on 2 threads
_STEP_SECONDS = {"cuda": 0.06, "mps": 0.1, "cpu": 0.2}  # of a step that computes nothing: 3,500 launches

# Bytes held at the worst moment (R1 or path length, differentiated twice) per byte of activations.
_GRAPH_FACTOR = 5.0
_FIXED_BYTES = {"cuda": 1.0e9, "mps": 0.5e9, "cpu": 0.5e9}  # libraries and their workspaces


def forward_flops(network: NetworkConfig) -> tuple[float, float]:
    """Floating-point operations of one forward pass per image: of the generator, of the discriminator."""
    generator = 2.0 * network.mapping_layers * network.w_dim**2
    discriminator = 0.0
    for resolution in network.resolutions:
        features, below = network.feature_maps(resolution), network.feature_maps(resolution // 2)
        area = resolution**2
        generator += 18 * features**2 * area + 2 * features * network.channels * area
        if resolution == 4:
            discriminator += 18 * features**2 * area + 2 * features**2 * area
        else:
            between = 18 * features * below * area / 4
            generator += between
            discriminator += 18 * features**2 * area + between
            discriminator += 2 * features * below * area / 4 if network.d_architecture == "resnet" else 0
    top = network.feature_maps(network.resolution) * network.resolution**2
    return generator, discriminator + 2 * network.channels * top


def training_flops(config: TrainConfig) -> float:
    """Floating-point operations per real image shown, regularisation included."""
    generator, discriminator = forward_flops(config.network)
    has_path_length = config.path_length_weight > 0 and not config.freeze_g
    path_length = _REGULARISER / 2 / config.path_length_interval if has_path_length else 0
    r1 = _REGULARISER / config.r1_interval if config.r1_gamma > 0 else 0
    return (_MAIN[0] + path_length) * generator + (_MAIN[1] + r1) * discriminator


def seconds_per_kimg(config: TrainConfig, device: "torch.device") -> float:
    """An estimate of the training speed on DEVICE, rather too slow than too fast."""
    steps = 1000 / config.batch * (config.batch / config.micro_batch)
    return 1000 * training_flops(config) / _speed(device) + steps * _STEP_SECONDS[device.type]


def _speed(device: "torch.device") -> float:
    import torch

    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
        return next((speed for card, speed in _CUDA_SPEEDS.items() if card in name), _UNKNOWN_CUDA_SPEED)
    return _MPS_SPEED if device.type == "mps" else _CPU_SPEED_PER_THREAD * torch.get_num_threads()


def activation_bytes(network: NetworkConfig, is_half: bool) -> tuple[float, float]:
    """Bytes of all activations of one forward pass per image: of the generator, of the discriminator."""
    generator = discriminator = 0.0
    for resolution in network.resolutions:
        size = 2 if is_half and network.is_fp16(resolution) else 4
        features, below = network.feature_maps(resolution), network.feature_maps(resolution // 2)
        area = resolution**2
        # Each convolution with its input and its output before and after the non-linearity.
        generator += size * area * (3 * features + (3 * features if resolution > 4 else 0))
        discriminator += size * area * (4 * features + (features + 3 * below) / 4)
    return generator, discriminator


def memory_bytes(network: NetworkConfig, micro_batch: int, device_type: str) -> float:
    """An estimate of the most memory that training takes, weights and optimisers included."""
    half, whole = activation_bytes(network, is_half=device_type == "cuda")
    weights = 4 * sum(parameter_counts(network))
    state = 4.5 * weights  # weights, gradients, second moments, the average, and copies while stepping
    return state + micro_batch * max(half, whole) * _GRAPH_FACTOR + _FIXED_BYTES[device_type]


def parameter_counts(network: NetworkConfig) -> tuple[int, int]:
    """Parameters of the generator and of the discriminator."""
    counts = parameters_by_name(network)
    return sum(counts[0].values()), sum(counts[1].values())


@lru_cache(maxsize=8)
def parameters_by_name(network: NetworkConfig) -> tuple[dict[str, int], dict[str, int]]:
    """Sizes of the parameters of G and D by name, without allocating them."""
    import torch

    from adatune.networks import Discriminator, Generator

    with torch.device("meta"):
        networks = Generator(network), Discriminator(network)
    G, D = ({name: p.numel() for name, p in module.named_parameters()} for module in networks)
    return G, D


def snapshot_bytes(config: TrainConfig) -> int:
    """Size of one network-*.safetensors."""
    generator, discriminator = parameter_counts(config.network)
    return 4 * (generator + (0 if config.light else discriminator))


def disk_bytes(config: TrainConfig) -> int:
    """The most that a run folder takes: the snapshots that are kept, one being written, the state twice."""
    generator, discriminator = parameter_counts(config.network)
    kept = config.keep_last + 1 + int(config.length_kimg / config.keep_every_kimg)
    # Three networks and two second moments; the old state stays until the new one is whole.
    return kept * snapshot_bytes(config) + 2 * 4 * (3 * generator + 2 * discriminator)
