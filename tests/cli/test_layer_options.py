"""The option --layers, as every command has it."""

import click
from click.testing import CliRunner

from adatune.cli.layer_options import layers_option


def given(default, *arguments):
    @click.command()
    @layers_option("are moved", "--range", default=default)
    def command(layers):
        click.echo(repr(layers))

    return CliRunner().invoke(command, arguments, catch_exceptions=False).output


def test_layers_have_a_default_and_more_than_one_name():
    assert given("coarse") == "'coarse'\n"
    assert given(None) == "None\n"
    assert given(None, "--range", "middle") == given(None, "--layers", "middle") == "'middle'\n"


def test_the_help_says_what_happens_to_them_and_what_happens_without():
    assert "Which w are moved" in given("coarse", "--help")
    assert "[default: coarse]" in given("coarse", "--help")
    assert "[default: all]" in given(None, "--help")
