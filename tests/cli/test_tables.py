"""How wide tables are."""

import os
import pty
import subprocess
import sys

PRINT = "from adatune.cli.tables import table_console; print(table_console().width)"


def test_a_pipe_gets_wide_tables_whatever_its_environment_says():
    result = subprocess.run([sys.executable, "-c", PRINT], capture_output=True, text=True, check=True)
    assert result.stdout == "110\n"


def test_a_terminal_gets_tables_as_wide_as_it_is():
    controller, terminal = pty.openpty()
    environment = {**os.environ, "COLUMNS": "73", "TERM": "xterm"}
    subprocess.run([sys.executable, "-c", PRINT], stdout=terminal, env=environment, check=True)
    os.close(terminal)
    assert os.read(controller, 100).strip() == b"73"
    os.close(controller)
