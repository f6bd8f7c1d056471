"""The switch that leaves out parameters' gradients; what it saves is tested with the convolutions."""

import pytest

from adatune.ops.weight_gradients import no_weight_gradients, weight_gradients_wanted


def test_they_are_wanted_but_inside_the_context():
    assert weight_gradients_wanted()
    with no_weight_gradients():
        assert not weight_gradients_wanted()
    assert weight_gradients_wanted()


def test_an_error_and_nesting_leave_the_switch_as_it_was():
    with no_weight_gradients():
        with pytest.raises(KeyError), no_weight_gradients():
            raise KeyError
        assert not weight_gradients_wanted()
    assert weight_gradients_wanted()
