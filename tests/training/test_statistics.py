"""Means over a tick."""

import torch

from adatune.training.statistics import Statistics


def test_means_weigh_every_value_alike() -> None:
    statistics = Statistics(torch.device("cpu"))
    statistics.add("loss_G", torch.tensor([1.0, 2.0, 3.0]))
    statistics.add("loss_G", torch.tensor(6.0))
    assert statistics.means()["loss_G"] == 3.0


def test_what_never_came_is_none() -> None:
    assert Statistics(torch.device("cpu")).means()["r1"] is None


def test_values_that_are_not_finite_are_left_out_and_counted() -> None:
    statistics = Statistics(torch.device("cpu"))
    statistics.add_logits("real", torch.tensor([[2.0], [float("nan")], [float("inf")], [-1.0]]))
    means = statistics.means()
    assert means["score_real"] == 0.5
    assert means["sign_real"] == 0
    assert means["not_finite"] == 4  # two scores and their signs


def test_sums_of_two_processes_make_the_means_of_one() -> None:
    together, first, second = (Statistics(torch.device("cpu")) for _ in range(3))
    values = torch.tensor([1.0, 2.0, 3.0, torch.nan])
    together.add("loss_D", values)
    first.add("loss_D", values[:1])
    second.add("loss_D", values[1:])
    for one, other in zip(first.state_dict().values(), second.state_dict().values(), strict=True):
        one += other  # as processes.collect does
    assert first.means() == together.means()


def test_the_sums_of_an_older_state_are_taken_over() -> None:
    first, second = Statistics(torch.device("cpu")), Statistics(torch.device("cpu"))
    first.add("r1", torch.tensor(2.0))
    second.load_state_dict({name: x[:-1] if x.dim() else x for name, x in first.state_dict().items()})
    assert second.means()["r1"] == 2
    assert second.means()["loss_edit"] is None


def test_a_restored_tick_goes_on() -> None:
    first, second = Statistics(torch.device("cpu")), Statistics(torch.device("cpu"))
    first.add("r1", torch.tensor(2.0))
    second.load_state_dict(first.state_dict())
    second.add("r1", torch.tensor(4.0))
    assert second.means()["r1"] == 3.0
    second.clear()
    assert second.means()["r1"] is None
