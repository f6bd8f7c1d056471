from collections import Counter

import numpy as np

from adatune.demo.face_traits import BACKGROUNDS, BEARDS, HAIR_STYLES, TOPS, draw_traits, linear


def test_every_style_is_drawn_and_none_prevails():
    many = [draw_traits(seed) for seed in range(600)]
    for field, values in (
        ("hair_style", HAIR_STYLES),
        ("top", TOPS),
        ("beard", BEARDS),
        ("background", BACKGROUNDS),
    ):
        counts = Counter(getattr(traits, field) for traits in many)
        assert set(counts) == set(values)
        assert max(counts.values()) < 0.8 * len(many)


def test_skin_goes_from_pale_to_dark():
    brightness = [draw_traits(seed).skin.mean() for seed in range(200)]
    assert min(brightness) < 0.08
    assert max(brightness) > 0.5


def test_the_eyes_stay_in_place_when_the_head_turns():
    for seed in range(50):
        traits = draw_traits(seed)
        np.testing.assert_allclose(traits.place(0.5, 0.0, 0.0), (0.5, 0.0), atol=1e-6)


def test_the_nose_moves_the_way_the_head_turns():
    turned = [traits for traits in map(draw_traits, range(50)) if abs(traits.yaw) > 0.1]
    assert turned
    assert all(np.sign(traits.place(0, 0.6, 0.4)[0]) == np.sign(traits.yaw) for traits in turned)


def test_linear_maps_the_ends_to_themselves():
    np.testing.assert_allclose(linear(0, 255, 255), [0, 1, 1])
