from contextlib import contextmanager

import torch

from adatune.bench.parts import Parts

CPU = torch.device("cpu")


class Tape:
    """Records a part as the order to call it again, on no stream of its own."""

    def __init__(self):
        self.recorded, self.steps = [], 0

    @contextmanager
    def stream(self):
        self.steps += 1
        yield

    def record(self, part):
        self.recorded.append(part)
        return part


def test_without_graphs_a_part_runs_each_time_it_is_handed_out():
    parts, seen = Parts(CPU, with_graphs=False), []
    for number in range(3):
        with parts.stream():
            parts.timed("Gmain", lambda number=number: seen.append(number))
    assert seen == [0, 1, 2]
    assert parts.num_recorded == 0
    assert len(parts.milliseconds()["Gmain"]) == 3


def test_with_graphs_each_part_is_recorded_once_and_replayed():
    tape, seen = Tape(), []
    parts = Parts(CPU, with_graphs=True, recorder=tape)
    for number in range(3):
        with parts.stream():
            parts.run_directly("Gmain", lambda: seen.append("warm"))
            parts.run("Gmain", lambda number=number: seen.append(number))
            parts.timed("Dmain", lambda: None)
    assert seen == ["warm", 0, "warm", 0, "warm", 0]
    assert (parts.num_recorded, len(tape.recorded), tape.steps) == (2, 2, 3)
    assert list(parts.milliseconds()) == ["Dmain"]


def test_a_part_that_cannot_be_recorded_ends_recording_and_runs_as_it_stands():
    class Refusing(Tape):
        def record(self, part):
            if self.recorded:
                raise RuntimeError("operation not permitted when stream is capturing\nand more")
            return super().record(part)

    parts, seen = Parts(CPU, with_graphs=True, recorder=Refusing()), []
    parts.run("Gmain", lambda: None)
    parts.run("Dmain", lambda: seen.append("ran"))
    parts.run("Gmain", lambda: seen.append("ran too"))
    assert seen == ["ran", "ran too"]
    assert parts.num_recorded == 0
    assert parts.why_not_recorded == "Dmain: operation not permitted when stream is capturing"


def test_recording_needs_more_warming_up():
    graphs, eager = Parts(CPU, True, Tape()), Parts(CPU, False)
    assert graphs.warm_up_steps > eager.warm_up_steps >= 1
