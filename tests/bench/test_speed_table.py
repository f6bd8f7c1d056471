"""The README's table of speeds says what the files in benchmarks/results say."""

import importlib.util
import json
from pathlib import Path

ROOT = Path(__file__).parents[2]
SPECIFICATION = importlib.util.spec_from_file_location("table", ROOT / "benchmarks" / "table.py")
table = importlib.util.module_from_spec(SPECIFICATION)
SPECIFICATION.loader.exec_module(table)


def test_the_readme_holds_the_table_of_the_results():
    readme = (ROOT / "README.md").read_text()
    assert table.with_table(readme, ROOT / "benchmarks" / "results") == readme


def test_without_results_every_row_says_so(tmp_path):
    rows = table.table(tmp_path).splitlines()[2:]
    assert len(rows) == 6
    assert all(row.count("not yet measured") == 3 for row in rows)


def test_a_measured_row_shows_seconds_a_kimg(tmp_path):
    size = {"resolution": 64, "channel_base": 2048, "batch": 8, "times_as_fast": 1.75}
    size |= {"ours_ms": {"iteration": 400.0}, "naive_ms": {"iteration": 700.0}}
    result = {"machine": {"cpu": "Some CPU", "threads": 2}, "sizes": [size]}
    (tmp_path / "cpu_step.json").write_text(json.dumps(result))
    row = "| 64x64, base 2048, batch 8 | Some CPU, 2 threads | 50.0 | 87.5 | 1.75 |"
    assert row in table.table(tmp_path).splitlines()
