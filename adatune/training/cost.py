"""What a run costs: arithmetic and disk, counted from the architecture before anything is trained.

Counts are exact where they can be (parameters, multiplications of the convolutions); speeds are estimates,
and are called that wherever they are shown.
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
_STEERING = 2.0  # of F_G: a fake forward and one forward and back, on half the batch

# FLOP/s of whole training steps with our kernels and CUDA graphs. Estimates, not measured by us: what a
# roofline allows at 512 pixels (convolutions at 65% of the peak, 80% of the bandwidth, 1.3 us a launch) is
# 3.5e14 on an H200, 1.45e14 A100, 3.9e13 L4, 2.1e13 T4; two thirds of it stand here, since real convolutions
# have been slower than such models before. The others by their peaks beside these four.
_CUDA_SPEEDS = {
    "H200": 2.3e14, "H100": 2.0e14, "A100": 9.7e13, "L40": 5e13, "4090": 5e13, "A10": 2.5e13,
    "L4": 2.6e13, "3090": 2.5e13, "V100": 3.5e13, "T4": 1.4e13, "P100": 4e12,
}  # fmt: skip
_UNKNOWN_CUDA_SPEED = 8e12
_PLAIN_SHARE = 0.45  # of that without kernels: counted, each element-wise step moves its bytes on its own
_MPS_SPEED = 1e12
_CPU_SPEED_PER_THREAD = 6.5e10  # measured: 75-80 GFLOP/s at 32x32 and 64x64 (base 2048) on a Zen 4 core
# Seconds of a step that computes nothing (estimates): 555 launches with our kernels, 3,500 without.
_GRAPH_SECONDS, _FUSED_SECONDS, _PLAIN_SECONDS = 0.002, 0.03, 0.06
_STEP_SECONDS = {"mps": 0.1, "cpu": 0.05}


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


def phase_flops(config: TrainConfig) -> tuple[float, float, float]:
    """Per real image of a step: of Gmain and Dmain, of path length if it runs, of R1 if it runs.

    A phase that CONFIG leaves out is 0.
    """
    generator, discriminator = forward_flops(config.network)
    has_path_length = config.path_length_weight > 0 and not config.freeze_g
    steering = _STEERING * generator if config.steer else 0.0
    return (
        _MAIN[0] * generator + _MAIN[1] * discriminator + steering,
        _REGULARISER / 2 * generator if has_path_length else 0.0,
        _REGULARISER * discriminator if config.r1_gamma > 0 else 0.0,
    )


def training_flops(config: TrainConfig) -> float:
    """Floating-point operations per real image shown, regularisation included."""
    main, path_length, r1 = phase_flops(config)
    return main + path_length / config.path_length_interval + r1 / config.r1_interval


def seconds_per_kimg(config: TrainConfig, device: "torch.device") -> float:
    """An estimate of the training speed on DEVICE, rather too slow than too fast."""
    steps = 1000 / config.batch * (config.batch / config.micro_batch)
    seconds = 1000 * training_flops(config) / _speed(config, device) + steps * _step_seconds(config, device)
    return seconds / config.gpus


def _speed(config: TrainConfig, device: "torch.device") -> float:
    import torch

    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
        fused = next((speed for card, speed in _CUDA_SPEEDS.items() if card in name), _UNKNOWN_CUDA_SPEED)
        return fused * (_PLAIN_SHARE if config.ops == "torch" else 1)
    return _MPS_SPEED if device.type == "mps" else _CPU_SPEED_PER_THREAD * torch.get_num_threads()


def _step_seconds(config: TrainConfig, device: "torch.device") -> float:
    if device.type != "cuda":
        return _STEP_SECONDS[device.type]
    if config.graphs:
        return _GRAPH_SECONDS
    return _PLAIN_SECONDS if config.ops == "torch" else _FUSED_SECONDS


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
