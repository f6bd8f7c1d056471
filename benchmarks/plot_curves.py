"""Overlay the curves of `curves.py` on the published ones, and put the difference in numbers.

    python benchmarks/plot_curves.py --reference curves.json

Reads results/curves.json; writes results/curves.png and results/curves-compared.json. Needs matplotlib.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
from matplotlib import pyplot as plt

RESULTS = Path(__file__).parent / "results"
Rows = list[dict[str, Any]]
# A column of panels each: our runs, the published runs, and a title.
COLUMNS = [
    (("ada_seed1", "ada_seed2"), ("ada_seed1", "ada_seed2"), "all images, ADA"),
    (("noaug_seed1", "noaug_seed2"), ("noaug_seed1",), "all images, no augmentation"),
    (("ada_first100_seed1",), ("ada_first100_seed1",), "first 100 images, ADA"),
]
PANELS = {
    "p": "augmentation p",
    "Loss/signs/real": "r_t (sign of reals)",
    "Loss/G/loss": "generator loss",
    "Loss/D/loss": "discriminator loss",
    "Loss/r1_penalty": "R1 penalty",
    "frechet8_train": "Frechet distance, 8x8",
}
LATE_KIMG = 20  # differences are means from here on, when the start no longer matters


def series(rows: Rows, name: str) -> tuple[list[float], list[float]]:
    """kimg and values of NAME, where it was measured."""
    pairs = [(row["kimg"], row[name]) for row in rows if row.get(name) is not None]
    return [kimg for kimg, _ in pairs], [value for _, value in pairs]


def late_mean(rows: Rows, name: str) -> float:
    """Mean of NAME over the rows from LATE_KIMG on."""
    return float(
        np.mean([value for kimg, value in zip(*series(rows, name), strict=True) if kimg >= LATE_KIMG])
    )


def compare(ours: dict[str, Rows], published: dict[str, Rows]) -> dict[str, Any]:
    """Late means by run and quantity, ours and published, and how far the two published seeds are apart."""
    table: dict[str, Any] = {}
    for name in PANELS:
        seeds = [late_mean(published[run], name) for run in ("ada_seed1", "ada_seed2")]
        table[name] = {"published_seeds_apart": round(abs(seeds[0] - seeds[1]), 4)}
        for run in ours:
            if run in published:
                pair = {"ours": ours[run], "published": published[run]}
                table[name][run] = {who: round(late_mean(rows, name), 4) for who, rows in pair.items()}
                if name == "frechet8_train":
                    table[name][run] |= {
                        f"{who}_last": series(rows, name)[1][-1] for who, rows in pair.items()
                    }
    return table


def plot(ours: dict[str, Rows], published: dict[str, Rows], path: Path) -> None:
    """One row of panels per quantity, one column per kind of run."""
    plt.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    figure, axes = plt.subplots(len(PANELS), len(COLUMNS), figsize=(12, 14), sharex=True, sharey="row")
    for row, (name, label) in zip(axes, PANELS.items(), strict=True):
        row[0].set_ylabel(label)
        for axis, (our_runs, published_runs, title) in zip(row, COLUMNS, strict=True):
            for style, run in zip(("-", "--"), published_runs, strict=False):
                axis.plot(*series(published[run], name), style, color="0.55", label=f"published, {run[-5:]}")
            for style, run in zip(("-", "--"), our_runs, strict=False):
                if run in ours:
                    axis.plot(*series(ours[run], name), style, color="#c8502d", label=f"adatune, {run[-5:]}")
            if name == "p":
                axis.set_title(title)
                axis.legend(frameon=False, fontsize=8)
            if name == "frechet8_train":
                axis.set_yscale("log")
                axis.set_xlabel("kimg")
    figure.tight_layout()
    figure.savefig(path, dpi=80)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the plot and the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--reference", type=Path, required=True, help="the published curves.json")
    options = parser.parse_args(arguments)
    ours = json.loads((RESULTS / "curves.json").read_text())["runs"]
    published = json.loads(options.reference.read_text())["runs"]
    plot(ours, published, RESULTS / "curves.png")
    text = json.dumps(compare(ours, published), indent=1)
    (RESULTS / "curves-compared.json").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
