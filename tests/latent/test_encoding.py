"""Threads beside the drawing: order, bounded memory, errors."""

import threading

import pytest
from PIL import Image

from adatune.latent.encoding import encoded


def pictures(count, drawn=None):
    for seed in range(count):
        if drawn is not None:
            drawn.append(seed)
        yield seed, Image.new("RGB", (2, 2), (seed, 0, 0))


def test_results_come_in_order_whichever_is_ready_first():
    second_done = threading.Event()

    def encode(seed, picture):
        if seed == 0:
            assert second_done.wait(30), "nothing ran beside the first"
        if seed == 1:
            second_done.set()
        return seed, picture.getpixel((0, 0))[0]

    assert list(encoded(pictures(20), encode, threads=2)) == [(seed, seed) for seed in range(20)]


def test_no_more_than_two_pictures_a_thread_wait():
    drawn = []
    results = encoded(pictures(50, drawn), lambda seed, _: seed, threads=3)
    for expected in range(20):
        assert next(results) == expected
        assert len(drawn) <= expected + 2 * 3
    results.close()


def test_an_error_of_a_thread_reaches_the_caller():
    def encode(seed, _):
        if seed == 3:
            raise OSError(28, "No space left on device")
        return seed

    with pytest.raises(OSError, match="No space left"):
        list(encoded(pictures(9), encode, threads=2))


def test_what_is_drawn_before_the_drawing_fails_is_encoded():
    def failing():
        yield from pictures(3)
        raise MemoryError

    done = []
    with pytest.raises(MemoryError):
        list(encoded(failing(), lambda seed, _: done.append(seed), threads=4))
    assert sorted(done) == [0, 1, 2]


def test_no_pictures_are_no_results():
    assert list(encoded(pictures(0), lambda seed, _: seed)) == []
