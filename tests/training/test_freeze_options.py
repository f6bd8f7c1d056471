import pytest

from adatune.errors import UsageError
from adatune.networks import NetworkConfig
from adatune.training.freeze_options import count_freeze_d, count_freeze_g, count_freeze_m

NET = NetworkConfig()


@pytest.mark.parametrize(
    ("text", "count"),
    [("0", 0), ("4", 4), ("11", 11), ("b512", 4), ("b256", 7), ("b128", 10), ("b64", 13), ("b8", 22)],
)
def test_freeze_d_counts_layers_or_whole_blocks_from_the_image(text: str, count: int) -> None:
    assert count_freeze_d(text, NET) == count


@pytest.mark.parametrize(("text", "count"), [("0", 0), ("1", 1), ("b4", 1), ("b16", 3), ("b512", 8)])
def test_freeze_g_counts_blocks_from_4x4(text: str, count: int) -> None:
    assert count_freeze_g(text, NET) == count


def test_an_orig_discriminator_has_no_skips_to_count() -> None:
    assert count_freeze_d("b256", NetworkConfig(d_architecture="orig")) == 5


@pytest.mark.parametrize("text", ["23", "b4", "b1024", "b", "-1", "four", "1.5", "b100"])
def test_layers_that_cannot_freeze_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--freezed"):
        count_freeze_d(text, NET)


@pytest.mark.parametrize("text", ["9", "b2", "b1024", "x"])
def test_blocks_that_do_not_exist_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--freezeg"):
        count_freeze_g(text, NET)


def test_freeze_m_counts_mapping_layers() -> None:
    assert count_freeze_m("8", NET) == 8
    for text in ("9", "b4"):
        with pytest.raises(UsageError, match="--freezem"):
            count_freeze_m(text, NET)
