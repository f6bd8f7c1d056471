"""Does it learn as the published code does? Trains from scratch on small faces and compares the curves.

    python benchmarks/curves.py --data faces32.npy

Runs the settings of the published curves (32x32, 40 kimg, one CPU thread a run) and writes
`results/curves.json`; `plot_curves.py` overlays them on the published ones.
"""

import argparse
import copy
import json
import platform
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from adatune.data.loader import batch_items
from adatune.images import grid, save_picture, to_pixels
from adatune.training.config import TrainConfig
from adatune.training.sources import fresh_networks
from adatune.training.state import TrainingState
from adatune.training.step import training_step

RESULTS = Path(__file__).parent / "results"
STEPS, ROW_STEPS, FRECHET_STEPS = 2500, 64, 256
# name: augmentations, images used (None: all), seed.
RUNS: dict[str, tuple[str, int | None, int]] = {
    "ada_seed1": ("bgc", None, 1),
    "noaug_seed1": ("none", None, 1),
    "ada_first100_seed1": ("bgc", 100, 1),
    "ada_seed2": ("bgc", None, 2),
    "noaug_seed2": ("none", None, 2),
}
# Published name of a mean: ours.
MEANS = {
    "Loss/scores/real": "score_real",
    "Loss/scores/fake": "score_fake",
    "Loss/signs/real": "sign_real",
    "Loss/signs/fake": "sign_fake",
    "Loss/G/loss": "loss_G",
    "Loss/G/reg": "loss_G_reg",
    "Loss/D/loss": "loss_D",
    "Loss/D/reg": "loss_D_reg",
    "Loss/pl_penalty": "path_length_penalty",
    "Loss/r1_penalty": "r1",
}


def make_config(augs: str, seed: int) -> TrainConfig:
    """The settings of the published runs."""
    return TrainConfig(
        data="faces32",
        resolution=32,
        channel_base=1024,
        channel_max=64,
        z_dim=64,
        w_dim=64,
        mapping_layers=2,
        num_fp16_res=0,
        conv_clamp=None,
        batch=16,
        micro_batch=16,
        learning_rate=0.0025,
        r1_gamma=0.0002 * 32**2 / 16,
        ema_kimg=16 * 10 / 32,
        ema_rampup=0.05,
        augs=augs,
        ada_kimg=100,
        p_max=1.0,
        seed=seed,
    )


def read_images(data: Path) -> Tensor:
    """The pictures of an .npy file, uint8 [n, 3, h, w] or [n, h, w, 3], as [n, 3, h, w] in [-1, 1]."""
    images = torch.from_numpy(np.load(data)).float() / 127.5 - 1
    return images if images.shape[1] == 3 else images.permute(0, 3, 1, 2).contiguous()


def frechet8(state: TrainingState, reals: Tensor) -> float:
    """Frechet distance of 1024 averaged-generator samples to REALS, both average-pooled to 8x8x3."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        fakes = [
            state.G_ema(torch.randn(64, state.G.z_dim, generator=generator), noise="const").clamp(-1, 1)
            for _ in range(16)
        ]
    (mean_a, cov_a), (mean_b, cov_b) = _moments(torch.cat(fakes)), _moments(reals)
    # tr sqrt(AB) from the eigenvalues of AB, which are those of a positive semi-definite matrix.
    eigenvalues = np.linalg.eigvals(cov_a @ cov_b).real.clip(min=0)
    return float(((mean_a - mean_b) ** 2).sum() + np.trace(cov_a + cov_b) - 2 * np.sqrt(eigenvalues).sum())


def _moments(images: Tensor) -> tuple[Any, Any]:
    small = torch.nn.functional.avg_pool2d(images.double(), 4).flatten(1).numpy()
    return small.mean(axis=0), np.cov(small, rowvar=False)


def run(name: str, data: Path, pictures: Path | None, steps: int) -> list[dict[str, Any]]:
    """Train one run on one thread and return its rows."""
    torch.set_num_threads(1)
    augs, count, seed = RUNS[name]
    reals = read_images(data)[:count]
    config = make_config(augs, seed)
    state = TrainingState(config, fresh_networks(config), None, torch.device("cpu"))
    rows: list[dict[str, Any]] = []
    started = time.monotonic()
    for step in range(1, steps + 1):
        items = batch_items(seed, state.images_shown, config.batch, 2 * len(reals))
        images = reals[items % len(reals)]
        is_mirrored = torch.from_numpy(items >= len(reals))[:, None, None, None]
        training_step(state, torch.where(is_mirrored, images.flip(3), images), None)
        if step % ROW_STEPS == 0:
            means = state.statistics.means()
            row = {"kimg": state.images_shown / 1000, "p": state.p} | {
                key: means[ours] for key, ours in MEANS.items()
            }
            if step % FRECHET_STEPS == 0:
                row["frechet8_train"] = frechet8(state, reals)
            rows.append(row)
            state.statistics.clear()
            print(
                f"{name} {row['kimg']:.1f} kimg {time.monotonic() - started:.0f} s",
                json.dumps(row),
                flush=True,
            )
    if pictures:
        samples = torch.randn(64, config.z_dim, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            save_picture(
                grid(to_pixels(copy.deepcopy(state.G_ema)(samples, noise="const")), 8),
                pictures / f"{name}.png",
            )
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is asked for, merge it into results/curves.json."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="uint8 images [n, 3, 32, 32] or [n, 32, 32, 3], .npy"
    )
    parser.add_argument("--runs", default=",".join(list(RUNS)[:3]), help="names, with commas")
    parser.add_argument("--pictures", type=Path, help="folder for a sample sheet per run (they show faces)")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--out", type=Path, default=RESULTS / "curves.json")
    options = parser.parse_args(arguments)
    names = options.runs.split(",")
    if options.pictures:
        options.pictures.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(options.processes) as pool:
        futures = {
            name: pool.submit(run, name, options.data, options.pictures, options.steps) for name in names
        }
        for name, future in futures.items():
            merged = json.loads(options.out.read_text()) if options.out.exists() else {"runs": {}}
            merged["what"] = (
                "adatune's curves with the settings of the published ones, CPU, fp32, one thread a run"
            )
            merged["machine"] = {
                "cpu": platform.processor() or platform.machine(),
                "torch": torch.__version__,
            }
            merged["runs"][name] = future.result()
            options.out.write_text(json.dumps(merged, indent=1))


if __name__ == "__main__":
    main()
