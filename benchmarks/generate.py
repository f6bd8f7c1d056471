"""Compares what `adatune generate` takes, files and all, with the bare synthesis loop, in turns in one run.

python benchmarks/generate.py                       # 64, 256 and 512, about 5 minutes on two cores
python benchmarks/generate.py --sizes 64:2048:64 --rounds 3 --json none

The bare loop draws the same pictures from w that are mapped before, in the same batches, and drops them.
Generation maps, draws, turns to pixels and writes a PNG each. The goal is a ratio of at most 1.2. The same
pictures written one after another, without threads, are measured beside them.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch
from recording import RESULTS, circumstances, write

from adatune import device as devices
from adatune.checkpoints import LoadedNetworks
from adatune.images import save_picture
from adatune.latent.picture_files import save_pictures
from adatune.latent.sampling import SamplingConfig, batch_size, draw_pictures, map_latents, synthesize
from adatune.latent.seeds import latents_of_seeds
from adatune.networks import Generator, NetworkConfig

SIZES = "64:2048:64,256:16384:8,512:32768:4"  # resolution:channel_base:pictures
GOAL = 1.2


def compare(
    resolution: int, channel_base: int, count: int, rounds: int, device: torch.device
) -> dict[str, Any]:
    """Seconds for COUNT pictures of a random network: bare, by `generate`, and by one thread."""
    torch.manual_seed(0)
    config = NetworkConfig(resolution=resolution, channel_base=channel_base)
    generator = Generator(config).eval().requires_grad_(requires_grad=False).to(device)
    networks = LoadedNetworks(config, None, None, generator, None, 1.0, {})
    seeds, look = list(range(count)), SamplingConfig()
    ws = map_latents(generator, latents_of_seeds(seeds, generator.z_dim), None, look.psi)

    def bare() -> None:
        for part in ws.split(batch_size(generator)):
            with torch.no_grad():
                generator.synthesis(part, "const")

    def without_threads() -> None:
        with tempfile.TemporaryDirectory() as folder:
            for seed, picture in draw_pictures(networks, seeds, look):
                save_picture(picture, Path(folder) / f"{seed}.png")

    def whole() -> None:
        with tempfile.TemporaryDirectory() as folder:
            save_pictures(draw_pictures(networks, seeds, look), Path(folder), "png")

    synthesize(generator, ws[:1], "const")
    clock: dict[str, list[float]] = {"bare": [], "generate": [], "without_threads": []}
    cores: dict[str, list[float]] = {name: [] for name in clock}
    for _ in range(rounds):
        for name, work in (("bare", bare), ("generate", whole), ("without_threads", without_threads)):
            elapsed, used = seconds(work, device)
            clock[name].append(elapsed)
            cores[name].append(used)
    return {
        "resolution": resolution,
        "channel_base": channel_base,
        "pictures": count,
        "rounds": rounds,
        "seconds": clock,
        "core_seconds": cores,
        "ratio": median(clock["generate"]) / median(clock["bare"]),
        "ratio_without_threads": median(clock["without_threads"]) / median(clock["bare"]),
        "ratio_of_core_seconds": median(cores["generate"]) / median(cores["bare"]),
    }


def seconds(work: Callable[[], None], device: torch.device) -> tuple[float, float]:
    """How long WORK takes until DEVICE is done: by the clock, and of all cores together."""
    started = time.perf_counter(), time.process_time()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started[0], time.process_time() - started[1]


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sizes", default=SIZES)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", default=str(RESULTS / "generate.json"))
    options = parser.parse_args()
    device = devices.pick_device(options.device)
    result: dict[str, Any] = circumstances(device)
    result["goal"] = GOAL
    result["sizes"] = []
    for size in options.sizes.split(","):
        resolution, channel_base, count = map(int, size.split(":"))
        found = compare(resolution, channel_base, count, options.rounds, device)
        result["sizes"].append(found)
        print(
            f"{resolution}: {median(found['seconds']['bare']) / count:.3f} s a picture bare, "
            f"x{found['ratio']:.2f} with files, x{found['ratio_without_threads']:.2f} without threads; "
            f"core time x{found['ratio_of_core_seconds']:.2f}",
            flush=True,
        )
    if options.json != "none":
        write(Path(options.json), result)


if __name__ == "__main__":
    main()
