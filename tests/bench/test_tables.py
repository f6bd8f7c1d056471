import re

import torch

from adatune.bench.ceilings import Ceilings
from adatune.bench.config import BenchConfig, resolve
from adatune.bench.machine import machine
from adatune.bench.run import BenchResult, count
from adatune.bench.tables import print_counts, print_result
from adatune.bench.training import bench_training

CPU = torch.device("cpu")
PEAKS = Ceilings(bytes_per_second=2.5e10, flops_per_second={"float32": 1.5e11})


def test_training_is_a_table_of_phases_that_ends_with_what_matters(capsys):
    setting = resolve(BenchConfig(resolution=8, channel_base=64, batch=2, repeats=1, iterations=1), "cpu")
    training = bench_training(setting, CPU, PEAKS)
    result = BenchResult(
        machine(CPU), setting, "torch", 3.0, 3.0, ["The kernel x is not used."], PEAKS, training
    )
    print_result(result, BenchConfig(subjects=("training", "prep")))
    text = capsys.readouterr().out
    for words in ("Gmain", "Greg, every 4th", "Dreg, every 16th", "average iteration", "of roofline"):
        assert words in text
    assert re.search(rf"{training.seconds_per_kimg:.1f} s/kimg by phases, .* by the clock over 1 iter", text)
    assert "copy 25 GB/s, float32 150 GFLOP/s" in text
    assert "The machine was busy (load 3)" in text
    assert "The kernel x is not used." in text
    assert "--photos" in text
    assert max(len(line) for line in text.splitlines()) <= 100
    assert "…" not in text


def test_counts_are_a_table_of_phases(capsys):
    print_counts(count(BenchConfig(resolution=8, channel_base=64, batch=2, ops="torch")))
    text = capsys.readouterr().out
    assert "8x8 · channel base 64 · batch 2" in text
    assert "Counted as on a card; nothing was computed." in text
    assert re.search(r"Dmain +[\d,]+ +[\d.]+ +[\d.]+ +[\d.]+", text)
    assert "Most memory traffic" in text
    assert max(len(line) for line in text.splitlines()) <= 100
