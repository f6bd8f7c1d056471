"""The words about the commands are true: each has help, an example that parses and a line in the README."""

import re
import shlex
import subprocess
from pathlib import Path

import click
import pytest

from adatune.cli.main import cli

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PLACEHOLDERS = re.compile(r"\b(PHOTOS|FILE|NETWORK|RUN|DIR)\b")


def examples_in(text):
    lines = [line.strip().removeprefix("!") for line in text.splitlines()]
    return [line.split("  #")[0] for line in lines if line.startswith("adatune ")]


def readme_examples():
    return [
        line for block in re.findall(r"```\w*\n(.*?)```", README, re.DOTALL) for line in examples_in(block)
    ]


def check_parses(line):
    """Parse LINE as the command line would, and run nothing."""
    _, name, *arguments = shlex.split(line)
    command = cli.commands[name]
    with click.Context(cli, info_name="adatune") as parent:
        command.make_context(name, arguments, parent=parent)


@pytest.mark.parametrize("name", cli.commands)
def test_a_command_opens_its_help_with_a_sentence_and_an_example_that_parses(name):
    first, _, rest = (cli.commands[name].help or "").partition("\n\n")
    assert re.match(r"[A-Z]", first), first
    assert len(first.split()) >= 4
    examples = examples_in(rest)
    assert examples, f"adatune {name} --help shows no example"
    for example in examples:
        check_parses(example)


@pytest.mark.parametrize("name", cli.commands)
def test_an_option_says_what_it_does(name):
    for parameter in cli.commands[name].params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"adatune {name} {parameter.opts[0]}"


@pytest.mark.parametrize("name", cli.commands)
def test_a_command_has_its_place_in_the_readme(name):
    assert any(example.split()[1] == name for example in readme_examples())


@pytest.mark.parametrize("example", [*examples_in(cli.help or ""), *readme_examples()])
def test_an_example_parses(example):
    check_parses(example)


def test_the_file_map_of_the_readme_names_what_exists():
    section = README.split("## File map", 1)[1].split("\n## ", 1)[0]
    names = re.findall(r"^\| `([^`]+)`", section, re.MULTILINE)
    assert len(names) > 10
    missing = [name for name in names if not (ROOT / name).exists()]
    assert missing == []


def test_no_tracked_file_names_a_machine_or_a_package_host():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    words = [
        "/" + "work/",
        "/" + "tmp/",
        "/" + "root/",
        "pypi" + ".org",
        "download." + "pytorch",
        "pythonhosted" + ".",
    ]
    for name in listed.stdout.split("\0"):
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".yaml", ".yml", ".json", ".html", ""} and path.is_file():
            text = path.read_text(encoding="utf-8", errors="ignore")
            assert [word for word in words if word in text] == [], name
