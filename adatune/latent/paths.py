"""Curves through latent space, and the pace at which a film goes along them. Plain numbers, no network.

A curve has a position for each point, 0 at the first key, 1 at the second; a pace turns times into positions.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

EASINGS: dict[str, Callable[[Numbers], Numbers]] = {  # from 0..1 to 0..1, between two keys
    "linear": lambda t: t,
    "smooth": lambda t: t * t * (3 - 2 * t),  # rests at the keys
    "smoother": lambda t: t**3 * (t * (6 * t - 15) + 10),  # rests longer
    "in": lambda t: t * t,  # starts slowly
    "out": lambda t: t * (2 - t),  # ends slowly
}
_SAMPLES = 64  # of a bent segment: speeds are even to about 1%


@dataclass(frozen=True)
class Curve:
    """A way through latent space."""

    segments: int  # from key to key; positions go from 0 to this
    is_closed: bool  # does it end where it began?
    is_round: bool  # is the way on a sphere, where only directions count?
    samples: int  # steps in which a segment's length is measured; 1 where its speed is the same all along
    at: Callable[[Numbers], Numbers]  # positions [n] to latents [n, *shape of a key]


def great_circles(keys: Numbers, is_closed: bool) -> Curve:
    """From key to key along great circles of the sphere (slerp); lengths go evenly from one to the other.

    Within a segment the angle grows evenly with the position.

    Args:
        keys: [2 or more, dim], none zero.
        is_closed: goes back from the last to the first.

    Source: Shoemake 1985, "Animating rotation with quaternion curves".
    """
    lengths = np.linalg.norm(keys, axis=1, keepdims=True)
    directions = keys / lengths

    def at(positions: Numbers) -> Numbers:
        first, second, t = _ends(positions, len(keys), is_closed)
        a, b = directions[first], directions[second]
        # By the chord: the cosine of a small angle has lost its digits.
        angle = 2 * np.arcsin(np.clip(np.linalg.norm(a - b, axis=1, keepdims=True) / 2, 0, 1))
        divisor = np.where(angle < 1e-6, 1, np.sin(angle))
        share_a = np.where(angle < 1e-6, 1 - t, np.sin((1 - t) * angle) / divisor)
        share_b = np.where(angle < 1e-6, t, np.sin(t * angle) / divisor)
        return (share_a * a + share_b * b) * ((1 - t) * lengths[first] + t * lengths[second])

    return Curve(_segments(keys, is_closed), is_closed, is_round=True, samples=1, at=at)


def straight_lines(keys: Numbers, is_closed: bool) -> Curve:
    """From key to key in straight lines (lerp). KEYS is [2 or more, ...]."""

    def at(positions: Numbers) -> Numbers:
        first, second, t = _ends(positions, len(keys), is_closed)
        t = t.reshape(-1, *[1] * (keys.ndim - 1))
        return (1 - t) * keys[first] + t * keys[second]

    return Curve(_segments(keys, is_closed), is_closed, is_round=False, samples=1, at=at)


def cubic_spline(keys: Numbers, is_closed: bool) -> Curve:
    """Through the keys without a corner: cubics whose first and second derivatives meet at each key.

    Open ones are natural (no curvature at the ends), closed ones periodic. KEYS is [2 or more, ...].

    Source: de Boor 1978, "A practical guide to splines", chapter IV.
    """
    flat = keys.reshape(len(keys), -1)
    bends = _second_derivatives(flat, is_closed)

    def at(positions: Numbers) -> Numbers:
        first, second, t = _ends(positions, len(keys), is_closed)
        s = 1 - t
        values = s * flat[first] + t * flat[second]
        values = values + ((s**3 - s) * bends[first] + (t**3 - t) * bends[second]) / 6
        return values.reshape(-1, *keys.shape[1:])

    return Curve(_segments(keys, is_closed), is_closed, is_round=False, samples=_SAMPLES, at=at)


def random_walk(start: Numbers, draws: Numbers, is_closed: bool) -> Curve:
    """A smooth walk from START whose every point is distributed like START: standard normal.

    A sum of waves round a circle, each with normal coefficients, conditioned on its first point. An open walk
    is half of a circle, whose ends have nothing to do with each other.

    Args:
        start: [dim], a standard normal latent.
        draws: [2, waves, dim], standard normal; more waves turn more often.
        is_closed: comes back to START.
    """
    cosines, sines = draws / np.sqrt(draws.shape[1])
    cosines = cosines + (start - cosines.sum(axis=0)) / len(cosines)
    frequencies = np.arange(1, len(cosines) + 1)
    segments = 2 * len(cosines)  # half waves: pieces that are simple enough to be measured as one
    turn = 2 * np.pi if is_closed else np.pi

    def at(positions: Numbers) -> Numbers:
        angles = turn * positions[:, None] / segments * frequencies
        return np.cos(angles) @ cosines + np.sin(angles) @ sines

    return Curve(segments, is_closed, is_round=True, samples=_SAMPLES, at=at)


def waves_of_walk(seconds: float, is_closed: bool, keys_seconds: float) -> int:
    """How many waves a walk of SECONDS has to turn as fast as a film with a key each KEYS_SECONDS.

    Keys are a right angle apart; K waves on a circle move by sqrt((K + 1)(2K + 1) / 6) radians a radian.
    """
    turn = 2 * np.pi if is_closed else np.pi
    wanted = np.pi / 2 / keys_seconds * seconds / turn
    return max(1, round(float(np.sqrt(3) * wanted - 0.75)))


def frame_times(count: int, is_loop: bool) -> Numbers:
    """The times of COUNT frames, from 0 to 1. A loop leaves out 1, which is its first frame again."""
    return np.arange(count) / (count if is_loop else max(1, count - 1))


def sample_positions(curve: Curve, per_segment: int) -> Numbers:
    """Evenly spaced positions along all of CURVE, PER_SEGMENT a segment, and its end."""
    return np.arange(curve.segments * per_segment + 1) / per_segment


def arc_lengths(curve: Curve) -> Numbers:
    """How long the way is up to each of `sample_positions`: angles on a sphere, else distances."""
    steps: list[Numbers] = []
    for segment in range(curve.segments):  # one at a time: all points of a long film would fill the memory
        points = curve.at(segment + np.arange(curve.samples + 1) / curve.samples).reshape(
            curve.samples + 1, -1
        )
        if curve.is_round:
            points = points / np.linalg.norm(points, axis=1, keepdims=True)
        chords = np.linalg.norm(np.diff(points, axis=0), axis=1)
        steps.append(2 * np.arcsin(np.clip(chords / 2, 0, 1)) if curve.is_round else chords)
    return summed(np.concatenate(steps))


def summed(steps: Numbers) -> Numbers:
    """From the lengths of steps to the length of the way before each of them, and all of it."""
    return np.concatenate([[0.0], np.cumsum(steps)])


def positions_at(times: Numbers, lengths: Numbers, segments: int, easing: str = "linear") -> Numbers:
    """Where to be at TIMES in order to go at an even pace, but for EASING between each two keys.

    Args:
        times: from 0 to 1.
        lengths: of the way, at evenly spaced positions from 0 to SEGMENTS, a whole number of them in each
            segment. They say what even means.
        segments: of the curve.
        easing: one of EASINGS.
    """
    per_segment = (len(lengths) - 1) // segments
    positions = np.arange(len(lengths)) / per_segment
    if not lengths[-1] > 0:  # all keys are one
        return times * segments
    at_keys = lengths[::per_segment]
    way = times * lengths[-1]
    segment = np.clip(np.searchsorted(at_keys, way, side="right") - 1, 0, segments - 1)
    start, length = at_keys[segment], np.diff(at_keys)[segment]
    share = np.clip((way - start) / np.where(length > 0, length, 1), 0, 1)
    return np.interp(start + EASINGS[easing](share) * length, lengths, positions)


def _segments(keys: Numbers, is_closed: bool) -> int:
    return len(keys) if is_closed else len(keys) - 1


def _ends(
    positions: Numbers, count: int, is_closed: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64], Numbers]:
    """For each position the keys before and after it, and how far it is between them, [n, 1]."""
    first = np.clip(np.floor(positions).astype(np.int64), 0, (count if is_closed else count - 1) - 1)
    return first, (first + 1) % count, (positions - first)[:, None]


def _second_derivatives(keys: Numbers, is_closed: bool) -> Numbers:
    """Those of the interpolating spline at KEYS [count, dim], one unit apart."""
    count = len(keys)
    rows = np.arange(count)
    system = 4 * np.eye(count)
    # np.add.at: where there are two keys, the one before and the one after are the same.
    np.add.at(system, (rows, (rows + 1) % count), 1)
    np.add.at(system, (rows, (rows - 1) % count), 1)
    wanted = 6 * (np.roll(keys, -1, axis=0) - 2 * keys + np.roll(keys, 1, axis=0))
    if not is_closed:
        system[[0, -1]], wanted[[0, -1]] = np.eye(count)[[0, -1]], 0
    return np.linalg.solve(system, wanted).astype(np.float64)
