import time

import pytest
import torch

from adatune.bench.timing import Stopwatch, summarize, time_calls

CPU = torch.device("cpu")


def test_the_summary_is_the_median_and_the_medians_of_the_halves():
    times = summarize([4.0, 1.0, 3.0, 2.0, 100.0])
    assert (times.median, times.low, times.high, times.repeats) == (3.0, 2.0, 4.0, 5)


def test_one_time_is_its_own_median_and_quartiles():
    times = summarize([7.0])
    assert (times.median, times.low, times.high) == (7.0, 7.0, 7.0)


def test_every_call_is_timed_and_made_once():
    calls = []
    times = time_calls(lambda: calls.append(time.sleep(0.002)), CPU, 3)
    assert len(calls) == times.repeats == 3
    assert times.low >= 2


def test_times_are_kept_by_name_in_their_order():
    stopwatch = Stopwatch(CPU)
    for name in ("long", "short", "long"):
        stopwatch.run(name, lambda: time.sleep(0.001))
    assert [len(times) for times in stopwatch.milliseconds().values()] == [2, 1]
    assert list(stopwatch.milliseconds()) == ["long", "short"]


@pytest.mark.gpu
def test_a_card_is_timed_by_its_own_events():
    device, x = torch.device("cuda"), torch.randn(2048, 2048, device="cuda")
    assert 0 < time_calls(lambda: x @ x, device, 5).median < 1000
