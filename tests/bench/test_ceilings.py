import pytest
import torch

from adatune.bench.ceilings import Ceilings, measure_ceilings
from adatune.bench.count import Counts


def test_the_least_time_is_that_of_products_or_of_memory_whichever_is_longer():
    ceilings = Ceilings(bytes_per_second=100, flops_per_second={"float32": 10, "float16": 40})
    assert ceilings.seconds(Counts(bytes_read=50, bytes_written=150)) == 2
    work = Counts(bytes_read=50, flops={"float32": 10, "float16": 120})
    assert ceilings.seconds(work) == 1 + 3
    assert ceilings.seconds(Counts(flops={"float64": 20})) == 2  # a dtype that was not measured


@pytest.mark.slow
def test_the_ceilings_of_a_machine_are_those_of_a_machine():
    ceilings = measure_ceilings(torch.device("cpu"))
    assert 1e8 < ceilings.bytes_per_second < 1e13
    assert 1e8 < ceilings.flops_per_second["float32"] < 1e15
