"""The `adatune` command: its sub-commands, and the one place that turns errors into exit codes.

No command module imports torch at its top, so that every `--help` answers at once.
"""

import os
import sys
from typing import Any

import click

from adatune import __version__
from adatune.cli.bench import bench
from adatune.cli.blend import blend
from adatune.cli.clean import clean
from adatune.cli.demo import demo
from adatune.cli.directions import directions
from adatune.cli.generate import generate
from adatune.cli.info import info
from adatune.cli.interrupts import ending_while_loading
from adatune.cli.mix import mix
from adatune.cli.prep import prep
from adatune.cli.project import project
from adatune.cli.steer import steer
from adatune.cli.train import train
from adatune.cli.video import video
from adatune.errors import AdatuneError

COMMANDS = [prep, train, generate, mix, video, project, steer, directions, blend, info, clean, demo, bench]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="adatune")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Turn a folder of photos into a fine-tuned StyleGAN2 generator.

    \b
    adatune prep ./photos
    adatune train --resume ffhq512 --kimg 1000 --augs bgc
    adatune generate --seeds 0-63
    """


for _command in COMMANDS:
    cli.add_command(_command)


def main(arguments: list[str] | None = None) -> None:
    """Run `adatune ARGUMENTS` and exit: 0 done, 1 failed, 2 misused, 130 stopped."""
    arguments = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in arguments or bool(os.environ.get("ADATUNE_DEBUG"))
    try:
        args = [a for a in arguments if a != "--debug"]
        with ending_while_loading():
            cli.main(args=args, prog_name="adatune", standalone_mode=False, obj=arguments)
    except AdatuneError as error:
        _leave(str(error), error.exit_code, debug)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.ClickException as error:
        _leave(_explained(error), error.exit_code, debug)
    except (click.Abort, KeyboardInterrupt):
        _leave("Interrupted.", 130, debug)
    except BrokenPipeError:  # the reader of our output (head, less) has left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        _leave(
            f"{error.strerror or error}{where}. Check the path, its permissions and the free space.", 1, debug
        )


def _explained(error: click.ClickException) -> str:
    """What click has to say, in the form of our own errors."""
    if not isinstance(error, click.UsageError) or error.ctx is None:
        return error.format_message()
    message = " ".join(error.format_message().split())  # click lists choices one a line
    return f"{message}\nSee '{error.ctx.command_path} --help'."


def _leave(message: str, code: int, debug: bool) -> Any:
    if debug:
        raise  # called from an except block
    click.echo(f"Error: {message}" if code != 130 else message, err=True)
    sys.exit(code)
