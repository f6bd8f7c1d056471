"""Linear and nonlinear walks compared on demo32: how far each reaches, and how real the pictures stay.

python benchmarks/steering.py [OUT.json]

Writes benchmarks/results/steering.json and prints its table. Every walk is learned for the same number of
steps, otherwise as by default. "reach" is the achieved change at the end of the training range (slider 1; for
colours 0.5, for zoom ln 2) as a share of what is asked, the mean of both ways; "at twice" that at twice as
much. KID is against other latents' unmoved pictures, by the discriminator. For shiftx the centre of mass of
200 faces is followed.
"""

import json
import platform
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import adatune
from adatune.augment.edits import make_edit
from adatune.home import write_text
from adatune.latent.steering import SteeringConfig, learn_walk, new_walk, with_defaults
from adatune.latent.steering_limits import LimitsConfig, measure_limits
from adatune.metrics.features import discriminator_features
from adatune.networks.walks import Walk, start, to_ws

ROOT = Path(__file__).parents[1]
NETWORK = ROOT / "pretrained" / "demo32.safetensors"
STEPS, SAMPLES, FACES, SIDE = 200, 96, 200, 32
ENDS = {"shiftx": 1.0, "brightness": 0.5, "zoom": float(np.log(2))}
WALKS = (("w+", False), ("w+", True), ("z", False))


@torch.no_grad()
def centres(networks: Any, space: str, walk: Walk, sliders: list[float]) -> Tensor:
    """Where FACES faces are, pixels across: [sliders, faces], by what differs from the upper border."""
    latents = torch.from_numpy(np.random.RandomState(777).randn(FACES, networks.config.z_dim)).float()
    begun = start(networks.G_ema, space, latents, None, 0.7)
    rows: list[Tensor] = []
    for slider in sliders:
        ws = to_ws(networks.G_ema, space, walk(begun.positions, torch.tensor([[slider]])), begun)
        images = networks.G_ema.synthesis(ws, "const")
        mass = (images - images[..., :2, :].mean(dim=(-2, -1), keepdim=True)).abs().sum(dim=1)
        rows.append((mass * torch.arange(SIDE)).sum(dim=(-2, -1)) / mass.sum(dim=(-2, -1)))
    return torch.stack(rows)


def measure(networks: Any, name: str, space: str, is_nonlinear: bool) -> dict[str, Any]:
    """Learn one walk and measure it."""
    edit = make_edit(name, SIDE)
    config = with_defaults(SteeringConfig(space, is_nonlinear, steps=STEPS), networks.G_ema, edit)
    features, walk = discriminator_features(networks.D), new_walk(networks.G_ema, edit, config)
    started = time.monotonic()
    losses = list(learn_walk(networks, edit, config, features, walk))
    seconds = time.monotonic() - started
    end = ENDS[name]
    alphas = [edit.alpha_of(value * end) for value in (-2, -1.5, -1, -0.5, 0.5, 1, 1.5, 2)]
    *_, limits = measure_limits(
        networks, edit, 0, space, walk, alphas, features, LimitsConfig(samples=SAMPLES)
    )
    assert limits is not None, "the last one is the result"
    result = {
        "edit": name, "space": space, "walk": "nonlinear" if is_nonlinear else "linear",
        "batch": config.batch, "learning_rate": config.learning_rate, "loss": sum(losses[-30:]) / 30,
        "seconds_learning": round(seconds, 1), "limits": limits.to_dict(),
    }  # fmt: skip
    if name == "shiftx":
        where = centres(networks, space, walk, [-1.0, -0.5, 0.0, 0.5, 1.0])
        steps = where.diff(dim=0)
        result["centre_of_mass"] = {
            "pixels": (where.mean(dim=1) - where[2].mean()).tolist(),
            "seeds_that_move_the_asked_way": float((where[-1] > where[0]).float().mean()),
            "seeds_monotone": float((steps > 0).all(dim=0).float().mean()),
        }
    return result


def at(result: dict[str, Any], times: float, key: str) -> float:
    """The mean of KEY over both ways at TIMES the end of the training range."""
    rows, wanted = result["limits"]["rows"], times * ENDS[result["edit"]]
    return float(np.mean([row[key] for row in rows if abs(abs(row["slider"]) - wanted) < 1e-6]))


def table(results: list[dict[str, Any]]) -> str:
    """In Markdown."""
    lines = [
        "| edit | walk | space | reach | KID x1000 | distance | reach at twice | KID x1000 |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for each in results:
        reach, twice = (f"{at(each, times, 'share'):.0%}" for times in (1, 2))
        kid, far = (f"{1000 * at(each, times, 'kid'):.1f}" for times in (1, 2))
        distance = f"{at(each, 1, 'distance'):.2f}"
        cells = each["edit"], each["walk"], each["space"], reach, kid, distance, twice, far
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main(out: Path) -> None:
    """Measure all of them."""
    torch.set_num_threads(1)
    networks = adatune.load(NETWORK, device="cpu")
    results: list[dict[str, Any]] = []
    for name in ENDS:
        for space, is_nonlinear in WALKS:
            results.append(measure(networks, name, space, is_nonlinear))
            print(table(results[-1:]).splitlines()[-1], flush=True)
            machine = {"python": platform.python_version(), "torch": torch.__version__, "threads": 1}
            command = "python benchmarks/steering.py"
            document = {
                "machine": machine,
                "command": command,
                "steps": STEPS,
                "results": results,
            }
            write_text(out, json.dumps(document, indent=1) + "\n")
    print(table(results))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "benchmarks" / "results" / "steering.json")
