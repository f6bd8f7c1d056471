import pytest

from adatune.bench.config import BenchConfig, resolve, train_config
from adatune.errors import UsageError


def test_the_default_is_what_people_train_on_a_card_and_a_small_network_elsewhere():
    card, cpu = resolve(BenchConfig(), "cuda"), resolve(BenchConfig(), "cpu")
    assert (card.resolution, card.channel_base, card.batch) == (512, 32768, 8)
    assert (cpu.resolution, cpu.channel_base, cpu.batch) == (64, 2048, 8)
    assert resolve(BenchConfig(resolution=1024), "cuda").batch == 4


def test_what_is_asked_for_is_what_is_trained():
    setting = resolve(BenchConfig(resolution=32, channel_base=512, batch=6, augs="none"), "cpu")
    config = train_config(setting, "cpu")
    assert (config.resolution, config.channel_base, config.batch, config.micro_batch) == (32, 512, 6, 6)
    assert (config.augs, config.aug_p, config.mbstd_group) == ("none", None, 3)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"batch": 0}, "--batch is 0; it must be above 0."),
        ({"channel_base": -1}, "--channel-base is -1"),
        ({"resolution": 48}, "--resolution is 48; it is a power of two from 8 to 1024."),
        ({"repeats": 0}, "--repeats is 0"),
    ],
)
def test_a_value_that_cannot_be_is_refused(values, words):
    with pytest.raises(UsageError, match=words):
        BenchConfig(**values)
