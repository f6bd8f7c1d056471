import subprocess
import sys

from click.testing import CliRunner

from adatune.cli.demo import demo


def test_help_starts_with_an_example():
    result = CliRunner().invoke(demo, ["--help"])
    assert result.exit_code == 0
    assert "adatune demo\n" in result.output


def test_a_file_cannot_take_the_output(tmp_path):
    taken = tmp_path / "taken"
    taken.write_text("")
    result = CliRunner().invoke(demo, ["--output", str(taken)])
    assert result.exit_code == 2
    assert taken.read_text() == ""


def test_the_command_loads_no_torch_before_it_runs():
    code = "import sys, adatune.cli.demo; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
