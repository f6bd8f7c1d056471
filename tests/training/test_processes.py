"""Several processes on the CPU, over gloo: sums and decisions, and whole runs equal to those of one."""

import socket
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_runs import (
    START,
    assert_equal,
    make_config,
    read_state,
    rows,
    start_process,
    start_python,
    start_together,
)

from adatune.errors import UsageError
from adatune.training.loop import resume, train
from adatune.training.processes import ALONE, Processes, taking_part

# Ten steps; the four phases, two adjustments of p, ticks in the middle of their intervals.
TEN_STEPS = {
    "batch": 8, "micro_batch": 4, "length_kimg": 0.08, "tick_kimg": 0.04, "snap_ticks": 2, "augs": "bg",
}  # fmt: skip
MEETING = """
import torch
from adatune.training.processes import taking_part
with taking_part() as processes:
    rank = processes.rank
    everywhere, collected = torch.tensor([1.0, 10.0]) * (rank + 1), torch.ones(1)
    processes.add_up(everywhere)
    processes.collect(collected)
    answers = processes.any_of(False, rank == 1, rank == 0)
    word = processes.decided_by_first(lambda: f"from {rank}")
    print(rank, processes.own, everywhere.tolist(), collected.tolist(), answers, word)
    processes.decided_by_first(lambda: 1 / 0)
"""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_alone_nothing_is_added_up_and_everything_is_ones_own_decision() -> None:
    tensor = torch.ones(2)
    ALONE.add_up(tensor)
    ALONE.collect(tensor)
    assert tensor.tolist() == [1, 1]
    assert ALONE.any_of(True, False) == [True, False]
    assert ALONE.decided_by_first(lambda: "mine") == "mine"
    assert [*range(4)][ALONE.own] == [0, 1, 2, 3]
    with taking_part() as processes:
        assert processes is ALONE


def test_each_process_has_a_device_of_its_own_or_says_why_not() -> None:
    assert Processes(1, 2, 1).device("cpu") == torch.device("cpu")
    with pytest.raises(UsageError, match="CUDA_VISIBLE_DEVICES"):
        Processes(1, 2, 1).device("cuda:1")
    with pytest.raises(UsageError, match="needs a card for each"):
        Processes(99, 100, 99).device("cuda")


def test_processes_add_up_collect_and_decide_together() -> None:
    processes = start_together(partial(start_python, ["-c", MEETING]), 2, free_port())
    (first, first_error), (second, second_error) = (process.communicate(timeout=120) for process in processes)
    shared = "[3.0, 30.0]", "[False, True, True] from 0\n"
    assert first == f"0 slice(0, None, 2) {shared[0]} [2.0] {shared[1]}"
    assert second == f"1 slice(1, None, 2) {shared[0]} [0.0] {shared[1]}"
    # Where the first fails, it says so, and the others leave without a word.
    assert "ZeroDivisionError" in first_error
    assert second_error == ""
    assert [process.returncode for process in processes] == [1, 1]


@pytest.mark.parametrize("changes", [{}, {"steer": "shiftx"}], ids=str)
def test_two_processes_train_ten_steps_as_one_does_and_one_goes_on_where_two_stopped(
    dataset: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    one, two, settings = tmp_path / "one", tmp_path / "two", TEN_STEPS | changes
    config = make_config(dataset, gpus=2, **settings)
    pair = start_together(partial(start_process, START, config, two), 2, free_port())
    one.mkdir()
    train(make_config(dataset, **settings), one)
    assert [process.wait(120) for process in pair] == [0, 0], [p.communicate() for p in pair]

    # Gradients are added up in another order: measured, the weights differ by their last bit (2.4e-7).
    assert_equal(read_state(one), read_state(two), "state", tolerance=2e-6)
    assert_equal(rows(one), rows(two), "row", tolerance=2e-6)
    assert rows(two)[-1]["r_t"] is not None
    assert sorted(path.name for path in one.iterdir()) == sorted(path.name for path in two.iterdir())

    resume(one, {"length_kimg": 0.096})
    resume(two, {"length_kimg": 0.096, "gpus": 1})
    assert_equal(read_state(one), read_state(two), "state", tolerance=2e-6)
    assert_equal(rows(one), rows(two), "row", tolerance=2e-6)
