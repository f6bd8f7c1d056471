import click
from click.testing import CliRunner

from adatune.cli.downloads import download_progress


def test_off_a_terminal_progress_is_plain_lines_that_end_at_the_whole():
    @click.command()
    def command():
        with download_progress() as progress:
            for part in range(101):
                progress(part * 10**6, 10**8)

    lines = CliRunner().invoke(command).output.splitlines()
    assert lines[-1] == "Downloading: 100 of 100 MB (100%)"
    assert len(lines) < 10


def test_nothing_is_shown_where_nothing_is_fetched():
    @click.command()
    def command():
        with download_progress():
            pass

    assert CliRunner().invoke(command).output == ""
