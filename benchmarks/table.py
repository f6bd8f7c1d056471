"""Writes the table of speeds in README.md from the files in results/; what has no file is said to have none.

python benchmarks/table.py
"""

import json
from pathlib import Path
from typing import Any

from adatune import home

FOLDER = Path(__file__).parent
README = FOLDER.parent / "README.md"
START, END = "<!-- speeds: made by benchmarks/table.py -->\n", "<!-- end of speeds -->\n"
NONE = "not yet measured"
CPU_SIZES = ((32, 2048), (64, 2048), (64, 16384))
GPU_SIZES = ((256, 16384, 16), (512, 32768, 8), (1024, 32768, 4))


def table(results: Path) -> str:
    """The table in Markdown: s/kimg of adatune and of the naive step, measured in turns in one run."""
    lines = ["| training, bgc | on | s/kimg | naive step | times as fast |", "|---|---|---|---|---|"]
    gpu, cpu = _read(results / "gpu_minutes-3.json"), _read(results / "cpu_step.json")
    lines += [_gpu_row(gpu, *size) for size in GPU_SIZES]
    lines += [_cpu_row(cpu, *size) for size in CPU_SIZES]
    return "\n".join(lines) + "\n"


def with_table(readme: str, results: Path) -> str:
    """README with its table made anew."""
    before, rest = readme.split(START)
    return before + START + table(results) + END + rest.split(END)[1]


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text()) if path.exists() else {}


def _gpu_row(result: dict[str, Any], resolution: int, base: int, batch: int) -> str:
    what = f"{resolution}x{resolution}, base {base}, batch {batch}"
    found = result.get("stages", {}).get(f"comparison {resolution}", {}).get("result", {})
    if not found.get("fused"):
        return f"| {what} | CUDA card | {NONE} | {NONE} | {NONE} |"
    on, naive, ours = result["machine"]["device"], found["naive"], found["fused"]["seconds_per_kimg"]
    return f"| {what} | {on} | {ours:.2f} | {naive:.2f} | {naive / ours:.2f} |"


def _cpu_row(result: dict[str, Any], resolution: int, base: int) -> str:
    what, size = f"{resolution}x{resolution}, base {base}, batch 8", (resolution, base)
    rows = [row for row in result.get("sizes", []) if (row["resolution"], row["channel_base"]) == size]
    if not rows:
        return f"| {what} | CPU | {NONE} | {NONE} | {NONE} |"
    row, machine = rows[0], result["machine"]
    ours, naive = (row[name]["iteration"] / row["batch"] for name in ("ours_ms", "naive_ms"))
    on = f"{machine['cpu']}, {machine['threads']} threads"
    return f"| {what} | {on} | {ours:.1f} | {naive:.1f} | {row['times_as_fast']:.2f} |"


if __name__ == "__main__":
    home.write_text(README, with_table(README.read_text(), FOLDER / "results"))
