"""Does training generator and walk together widen what an edit can do? Three arms, on small real faces.

    python benchmarks/joint_training.py --data faces32.npy --work FOLDER

From one network (trained here on the same faces, 40 kimg, or given by --base) each arm trains on for --kimg:
"plain"; "augmented", which sees about every other photo edited; and "joint", `adatune train --steer`. Then a
walk is learned for the first two, and for a second look at the third, which also has its own. All are
measured alike: what is achieved of each asked strength, how far pictures are from the edit, KID. Writes
results/joint_training.json and .png, which show no face; the networks in --work would. Needs matplotlib.
"""

import argparse
import json
import platform
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from math import inf
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import torch
from curves import RESULTS, STEPS, frechet8, make_config, read_images
from torch import Tensor

import adatune
from adatune.augment.edits import Edit, edited_photos, make_edit, masked_squares
from adatune.checkpoints import LoadedNetworks, save_network
from adatune.data.loader import batch_items
from adatune.home import write_text
from adatune.latent.sampling import averaged_generator
from adatune.latent.steering import SteeringConfig, learn_walk, new_walk
from adatune.latent.steering_limits import Limits, LimitsConfig, measure_limits
from adatune.metrics.features import discriminator_features
from adatune.networks.walks import Walk, start, to_ws
from adatune.training.config import TrainConfig
from adatune.training.sources import starting_networks
from adatune.training.state import TrainingState
from adatune.training.step import training_step
from adatune.training.trained_walk import SPACE, TrainedWalk

mpl.use("Agg")
from matplotlib import pyplot as plt

ARMS = ("plain", "augmented", "joint")
SEEDS = (1, 2, 3)
WALK_STEPS, SAMPLES = 1000, 128
KID_BOUNDS = (5.0, 10.0, 20.0, 50.0)  # x 1000


def train_arm(config: TrainConfig, arm: str, reals: Tensor, edit: Edit, steps: int) -> TrainingState:
    """Train on for STEPS; the reals are edited here where the step does not do it."""
    state = TrainingState(config, starting_networks(config), None, torch.device("cpu"))
    random, trained = (
        np.random.default_rng(config.seed),
        TrainedWalk(replace(config, steer=edit.name), state.G),
    )
    for _ in range(steps):
        items = batch_items(config.seed, state.images_shown, config.batch, 2 * len(reals))
        images = reals[items % len(reals)]
        images = torch.where(
            torch.from_numpy(items >= len(reals))[:, None, None, None], images.flip(3), images
        )
        if arm == "augmented":
            sliders = trained.sliders(torch.from_numpy(random.random((config.batch, 2))).float())
            images = edited_photos(edit.name, images, edit.alphas_of(sliders))
        training_step(state, images, None)
    return state


def networks_of(state: TrainingState) -> LoadedNetworks:
    """As they would be loaded."""
    return LoadedNetworks(state.config.network, state.G, state.D, state.G_ema, state.p, 1.0, {})


def learned(networks: LoadedNetworks, edit: Edit, seed: int) -> Walk:
    """A line in W+ for a generator that stays as it is, learned by the same loss as the joint one."""
    config = SteeringConfig(SPACE, loss="l2", steps=WALK_STEPS, seed=seed)
    walk = new_walk(averaged_generator(networks), edit, config)
    for _ in learn_walk(networks, edit, config, None, walk):
        pass
    return walk


def measured(networks: LoadedNetworks, edit: Edit, walk: Walk, features: Any) -> dict[str, Any]:
    """Limits, and the mean square of what differs from the edit, strength by strength."""
    *_, limits = measure_limits(
        networks, edit, 0, SPACE, walk, edit.shown, features, LimitsConfig(samples=SAMPLES)
    )
    assert isinstance(limits, Limits), "the last one is the result"
    return {**limits.to_dict(), "errors": errors(networks, edit, walk)}


def achieved_range(rows: list[dict[str, Any]], edit: Edit, most_kid: float) -> float:
    """From the least to the most that is achieved, in slider units, while KID x 1000 stays below MOST_KID.

    Both ways from alpha 0, between the measured strengths in a line.
    """
    centre = next(index for index, row in enumerate(rows) if row["slider"] == 0)
    ends = [0.0]
    for way in (rows[centre::-1], rows[centre:]):
        for before, row in pairwise(way):
            low, high = 1000 * before["kid"], 1000 * row["kid"]
            share = 1.0 if high <= most_kid else (most_kid - low) / (high - low)
            first, last = (edit.slider_of(each["achieved"]) for each in (before, row))
            ends.append(first + share * (last - first))
            if share < 1:
                break
    return max(ends) - min(ends)


@torch.no_grad()
def errors(networks: LoadedNetworks, edit: Edit, walk: Walk) -> dict[str, float]:
    """The mean square of what differs from the edit of the same pictures, by alpha."""
    G = averaged_generator(networks)
    begun = start(
        G, SPACE, torch.from_numpy(np.random.RandomState(777).randn(SAMPLES, G.z_dim)).float(), None, 0.7
    )
    source = G.synthesis(to_ws(G, SPACE, begun.positions, begun), "const")
    found: dict[str, float] = {}
    for alpha in edit.shown:
        sliders = torch.tensor([[edit.slider_of(alpha)]])
        images = G.synthesis(to_ws(G, SPACE, walk(begun.positions, sliders), begun), "const")
        found[f"{alpha:g}"] = float(
            masked_squares(images, edit.apply(source, torch.tensor([[alpha]]))).mean()
        )
    return found


def base_network(work: Path, reals: Tensor) -> Path:
    """The network that all arms begin with, trained if it is not there."""
    path = work / "base.safetensors"
    if not path.is_file():
        config = make_config("bgc", 1)
        state = train_arm(config, "plain", reals, make_edit("shiftx", config.resolution), STEPS)
        metadata = {"aspect": 1.0, "augment_p": state.p, "kimg": state.images_shown / 1000, "augs": "bgc"}
        save_network(path, state.G_ema, D=state.D, G=state.G, config=config.network, metadata=metadata)
    return path


def plot(result: dict[str, Any], edit: Edit, path: Path) -> None:
    """Achieved over asked, error and KID over asked: a line an arm, the spread of the seeds around it."""
    panels = {
        "achieved": f"achieved, {edit.unit} (median)",
        "error": "mean square from the edit",
        "kid": "KID x 1000 against alpha 0",
    }
    figure, axes = plt.subplots(1, len(panels), figsize=(15, 4.6), constrained_layout=True)
    colors = {"plain": "#7a7468", "augmented": "#c4622d", "joint": "#3a6ea5"}
    asked = [row["alpha"] for row in result["runs"][0]["walks"][ARMS[0]]["rows"]]
    for axis, (key, title) in zip(axes, panels.items(), strict=True):
        for arm, color in colors.items():
            runs = [run["walks"][arm] for run in result["runs"] if run["arm"] == arm]
            values = np.array([_series(run, key) for run in runs])
            axis.plot(asked, values.mean(axis=0), color=color, label=arm, linewidth=2)
            axis.fill_between(asked, values.min(axis=0), values.max(axis=0), color=color, alpha=0.2)
        if key == "achieved":
            axis.plot(asked, asked, color="#b8b2a6", linestyle=":", label="all that is asked")
        axis.set_title(title, fontsize=11)
        axis.set_xlabel(f"asked: {edit.name}, {edit.unit}")
        axis.grid(color="#e4dfd7")
        axis.legend(frameon=False, fontsize=9)
    figure.suptitle(f"Joint training on 32x32 faces: {len(SEEDS)} seeds, mean and range")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _series(run: dict[str, Any], key: str) -> list[float]:
    if key == "error":
        return [run["errors"][f"{row['alpha']:g}"] for row in run["rows"]]
    return [row[key] * (1000 if key == "kid" else 1) for row in run["rows"]]


def summary(result: dict[str, Any], edit: Edit) -> dict[str, Any]:
    """Ranges by arm and seed for some bounds of KID, and how many times as wide the joint ones are."""
    found: dict[str, Any] = {}
    for most_kid in (*KID_BOUNDS, inf):
        ranges = {
            arm: [
                achieved_range(run["walks"][arm]["rows"], edit, most_kid)
                for run in result["runs"]
                if run["arm"] == arm
            ]
            for arm in ARMS
        }
        pairs = zip(ranges["joint"], ranges["plain"], strict=False)
        found[f"KID x 1000 up to {most_kid:g}"] = {
            "range_in_slider_units": {arm: [round(x, 3) for x in each] for arm, each in ranges.items()},
            "joint_over_plain": [round(joint / plain, 3) for joint, plain in pairs],
        }
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Run all arms and seeds, one after the other; what is there already is not run again."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="uint8 images 32x32, .npy")
    parser.add_argument("--work", type=Path, required=True, help="folder for networks (they show faces)")
    parser.add_argument("--base", type=Path, help="network to begin with  [default: trained in --work]")
    parser.add_argument("--edit", default="shiftx")
    parser.add_argument("--kimg", type=float, default=10.0)
    parser.add_argument("--out", type=Path, default=RESULTS / "joint_training.json")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    options.work.mkdir(parents=True, exist_ok=True)
    reals = read_images(options.data)
    base = options.base or base_network(options.work, reals)
    source, edit = adatune.load(base, device="cpu"), make_edit(options.edit, reals.shape[-1])
    features = discriminator_features(source.D)
    result: dict[str, Any] = json.loads(options.out.read_text()) if options.out.exists() else {"runs": []}
    result |= {
        "what": f"{options.edit}, {options.kimg:g} kimg from one network, {WALK_STEPS} steps for a walk, CPU",
        "machine": {"python": platform.python_version(), "torch": torch.__version__, "threads": 1},
    }
    done = {(run["arm"], run["seed"]) for run in result["runs"]}
    for seed in SEEDS:
        for arm in ARMS:
            if (arm, seed) in done:
                continue
            config = replace(
                make_config("bgc", seed), **source.config.to_dict(), resume=str(base),
                initial_p=source.augment_p or 0.0, steer=options.edit if arm == "joint" else "",
            )  # fmt: skip
            state = train_arm(config, arm, reals, edit, round(options.kimg * 1000 / config.batch))
            networks = networks_of(state)
            own = {arm: state.trained_walk.walk} if state.trained_walk else {}
            walks: dict[str, Walk] = {
                ("learned afterwards" if own else arm): learned(networks, edit, seed),
                **own,
            }
            found = {name: measured(networks, edit, walk, features) for name, walk in walks.items()}
            result["runs"].append(
                {"arm": arm, "seed": seed, "p": state.p, "frechet8": frechet8(state, reals), "walks": found}
            )
            write_text(options.out, json.dumps(result, indent=1) + "\n")
            print(f"seed {seed}, {arm}: done", flush=True)
    result["summary"] = summary(result, edit)
    write_text(options.out, json.dumps(result, indent=1) + "\n")
    plot(result, edit, options.out.with_suffix(".png"))
    print(json.dumps(result["summary"], indent=1))


if __name__ == "__main__":
    main()
