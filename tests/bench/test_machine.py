import os
import socket

import torch

from adatune import __version__
from adatune.bench.machine import load, machine


def test_a_result_says_what_it_was_measured_with():
    found = machine(torch.device("cpu"))
    assert found["adatune"] == __version__
    assert found["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert found["cores"] == os.cpu_count()
    assert found["threads"] == torch.get_num_threads()


def test_a_result_does_not_say_whose_machine_it_was():
    text = str(machine(torch.device("cpu")))
    assert socket.gethostname() not in text
    assert os.path.expanduser("~") not in text


def test_the_load_is_a_number_or_unknown():
    assert load() is None or load() >= 0
