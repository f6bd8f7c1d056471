from dataclasses import replace

import pytest
import torch

from adatune.bench.ceilings import Ceilings
from adatune.bench.config import BenchConfig, resolve, train_config
from adatune.bench.count import Counts, counting
from adatune.bench.timing import Times
from adatune.bench.training import Phase, TrainingResult, bench_training, by_phase, count_training, new_state
from adatune.kernels import ops_mode
from adatune.training.cost import forward_flops
from adatune.training.step import training_step


@pytest.fixture
def plain_torch():
    with ops_mode("torch"):
        yield


CPU = torch.device("cpu")
PEAKS = Ceilings(bytes_per_second=1e12, flops_per_second={"float32": 1e12})
SMALL = resolve(BenchConfig(resolution=16, channel_base=128, batch=4, repeats=2, iterations=3), "cpu")


def test_the_counted_flops_are_those_of_the_formula():
    # Gmain 3 F_G + 2 F_D, Greg 6 F_G on half the batch, Dmain F_G + 6 F_D, Dreg 6 F_D. The formula has no
    # affine layers, no second mapping of style mixing and no products of the augmentation: feature maps wide
    # enough to drown the first two, and no augmentation.
    setting = resolve(BenchConfig(resolution=64, channel_base=16384, batch=4, augs="none"), "cpu")
    generator, discriminator = forward_flops(train_config(setting, "cpu").network)
    counts = count_training(setting, is_card=False)
    expected = {
        "Gmain": 3 * generator + 2 * discriminator,
        "Greg": 3 * generator,
        "Dmain": generator + 6 * discriminator,
        "Dreg": 6 * discriminator,
    }
    for name, flops in expected.items():
        assert counts[name].all_flops == pytest.approx(4 * flops, rel=0.01), name
    assert counts["average"].all_flops == 0


def test_counting_without_computing_finds_the_products_that_are_computed():
    setting = resolve(BenchConfig(resolution=16, channel_base=128, batch=4, augs="none"), "cpu")
    state, counted, found = new_state(setting, CPU), count_training(setting, is_card=False), {}

    def run(name, part):
        with counting(found.setdefault(name.removesuffix(" update"), Counts())):
            part()

    state.step = 16
    training_step(state, torch.zeros(4, 3, 16, 16), None, run)
    for name, counts in counted.items():
        assert counts.flops == found[name].flops, name
        for operation in ("convolution", "convolution_backward", "mm"):
            assert counts.operations.get(operation, [0])[0] == found[name].operations.get(operation, [0])[0]


@pytest.mark.usefixtures("plain_torch")
def test_half_precision_is_counted_where_there_is_none():
    counts = count_training(replace(SMALL, precision="fp16"), is_card=True)["Dreg"]
    assert counts.flops["float16"] > counts.flops["float32"] > 0
    assert set(count_training(SMALL, is_card=True)["Dreg"].flops) == {"float32"}


def test_every_phase_is_timed_and_counted():
    result = bench_training(SMALL, CPU, PEAKS)
    assert [phase.name for phase in result.phases] == ["Gmain", "Greg", "Dmain", "Dreg", "average", "data"]
    assert [phase.interval for phase in result.phases] == [1, 4, 1, 16, 1, 1]
    assert all(phase.times.repeats == 2 and phase.times.median > 0 for phase in result.phases)
    assert all(phase.counts.launches > 0 for phase in result.phases)
    assert (result.batch, result.wall_iterations, result.has_graphs) == (4, 3, False)
    assert result.wall_seconds_per_kimg > 0
    assert result.roofline_fraction > 0


def test_the_sum_weights_each_phase_by_its_interval():
    def phase(name, interval, milliseconds):
        times = Times(milliseconds, milliseconds, milliseconds, 1)
        return Phase(name, interval, times, Counts(), roofline_ms=milliseconds / 2)

    phases = [phase("Gmain", 1, 100.0), phase("Greg", 4, 80.0), phase("Dreg", 16, 160.0)]
    result = TrainingResult(8, False, "", phases, 0.0, 1, 0.0)
    assert result.seconds_per_kimg == (100 + 20 + 10) / 8  # 125 iterations a kimg
    assert result.roofline_fraction == 0.5


def test_the_times_of_a_phase_are_sums_over_its_parts():
    found = by_phase({"Gmain": [1.0, 2.0], "Gmain update": [0.5, 0.25], "average": [3.0]})
    assert found == {"Gmain": [1.5, 2.25], "average": [3.0]}
