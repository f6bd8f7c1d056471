from adatune.cli.progress import with_progress
from adatune.latent.progress import Progress


def test_what_the_commands_show_passes_every_item_on():
    progress: Progress = with_progress
    assert list(progress(iter("abc"), 3, "Drawing", "letters")) == ["a", "b", "c"]
