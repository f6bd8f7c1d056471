"""The table of wrong input, third part: the options of `adatune steer`."""

from pathlib import Path

from bad_networks import SMALL
from wrong_files import Mistake, nothing, text

from adatune.checkpoints import save_network
from adatune.networks import Generator

STEER = "steer zoom tiny.safetensors"
OWN = "steer own tiny.safetensors --edit-file"
SHORT = "--steps 1 --no-limits --features discriminator"
WALK = Path("home/directions/walks/w.safetensors")
NO_ALPHAS = "are no strengths of zoom. Write numbers"


def damaged_walk() -> None:
    """What is called like a walk is none."""
    WALK.parent.mkdir(parents=True)
    WALK.write_text("x")


def network_as_walk() -> None:
    """A network where a walk is looked for."""
    WALK.parent.mkdir(parents=True)
    save_network(WALK, Generator(SMALL))


STEERING = [
    Mistake("no edit", nothing, "steer", 2, "Missing argument", "Choose from: zoom, shiftx, shifty"),
    Mistake(
        "unknown edit", nothing, "steer zom tiny.safetensors", 2, "Invalid value for", "'zom' is not one"
    ),
    Mistake("no network", nothing, "steer zoom", 1, "There is no run in home/runs. Start one with"),
    Mistake("third argument", nothing, f"{STEER} x", 2, "Got unexpected extra argument (x)"),
    Mistake("space", nothing, f"{STEER} --space s", 2, "Invalid value for '--space': 's' is not one of"),
    Mistake("loss", nothing, f"{STEER} --loss l1", 2, "Invalid value for '--loss': 'l1' is not one of"),
    Mistake("features", nothing, f"{STEER} --features f", 2, "Invalid value for '--features': 'f' is not"),
    Mistake("no steps", nothing, f"{STEER} --steps 0", 2, "Invalid value for '--steps': 0 is not in the"),
    Mistake("too long", nothing, f"{STEER} --steps {10**8}", 2, f"--steps {10**8} is out of range"),
    Mistake("no samples", nothing, f"{STEER} --samples 0", 2, "Invalid value for '--samples': 0 is not in"),
    Mistake("both", nothing, f"{STEER} --steps 3 --samples 3", 2, "--steps and --samples say the same"),
    Mistake("no batch", nothing, f"{STEER} --batch 0", 2, "Invalid value for '--batch': 0 is not in the"),
    Mistake(
        "large batch", nothing, f"{STEER} --batch 5000", 2, "--batch 5000 is out of range: it goes from 1"
    ),
    Mistake("negative rate", nothing, f"{STEER} --lr -1", 2, "--lr -1.0 must be above 0."),
    Mistake("no rate", nothing, f"{STEER} --lr nan", 2, "--lr nan must be above 0."),
    Mistake("endless rate", nothing, f"{STEER} --lr inf", 2, "--lr inf must be above 0."),
    Mistake("seed", nothing, f"{STEER} --seed -1", 2, "--seed -1 is out of range: it goes from 0 to"),
    Mistake("large seed", nothing, f"{STEER} --seed {2**32}", 2, f"--seed {2**32} is out of range"),
    Mistake("path as name", nothing, f"{STEER} --name ../x", 2, "--name '../x' cannot be a folder name"),
    Mistake("hidden name", nothing, f"{STEER} --name .x", 2, "--name '.x' cannot be a folder name"),
    Mistake("walk is there", damaged_walk, f"{STEER} --name w", 2, f"{WALK} exists. Choose another --name"),
    Mistake("no walk", nothing, f"{STEER} --use --name w {SHORT}", 2, "There is no walk 'w' in home/dir"),
    Mistake("damaged walk", damaged_walk, f"{STEER} --use --name w {SHORT}", 1, f"{WALK} "),
    Mistake("network as walk", network_as_walk, f"{STEER} --use --name w {SHORT}", 1, f"{WALK} "),
    Mistake("alphas in words", nothing, f"{STEER} --alphas a", 2, f"--alphas 'a' {NO_ALPHAS}"),
    Mistake("no alphas", nothing, f"{STEER} --alphas ''", 2, f"--alphas '' {NO_ALPHAS}"),
    Mistake("alpha missing", nothing, f"{STEER} --alphas 1,,2", 2, f"--alphas '1,,2' {NO_ALPHAS}"),
    Mistake("alpha nan", nothing, f"{STEER} --alphas nan", 2, f"--alphas 'nan' {NO_ALPHAS}"),
    Mistake("alpha of no zoom", nothing, f"{STEER} --alphas 0,2", 2, f"--alphas '0,2' {NO_ALPHAS}"),
    Mistake("seeds backwards", nothing, f"{STEER} --seeds 9-1", 2, "--seeds 9-1: the range 9-1 runs back"),
    Mistake("no seeds", nothing, f"{STEER} --seeds ''", 2, "--seeds '': a number is missing."),
    Mistake("few samples", nothing, f"{STEER} --limit-samples 3", 2, "--limit-samples 3 is out of range"),
    Mistake("many samples", nothing, f"{STEER} --limit-samples 100001", 2, "--limit-samples 100001 is out"),
    Mistake("no bound", nothing, f"{STEER} --max-kid 0", 2, "--max-kid 0.0 must be above 0."),
    Mistake("bound nan", nothing, f"{STEER} --max-kid nan", 2, "--max-kid nan must be above 0."),
    Mistake("no dataset", nothing, f"{STEER} --data x", 1, "There is no dataset --data x. In home/datasets:"),
    Mistake("psi", nothing, f"{STEER} --psi nan", 2, "--psi nan is not a number from -100"),
    Mistake("class in words", nothing, f"{STEER} --class x", 2, "Invalid value for '--class': 'x' is not a"),
    Mistake(
        "out is a file", text("out", ""), f"{STEER} --out out", 2, "Invalid value for '--out': Directory"
    ),
    Mistake("device", nothing, f"{STEER} --device gpu9", 2, "--device gpu9 cannot be used here"),
    Mistake("file of another edit", nothing, f"{STEER} --edit-file a.py:f", 2, "An edit of one's own takes"),
    Mistake("edit without file", nothing, "steer own tiny.safetensors", 2, "An edit of one's own takes both"),
    Mistake("no edit file", nothing, f"{OWN} a.py:f", 2, "--edit-file 'a.py:f' names no function in a file"),
    Mistake("no function", text("a.py", "f = 3"), f"{OWN} a.py:f", 2, "--edit-file: a.py has no function f."),
    Mistake("no name", text("a.py", "f = 3"), f"{OWN} a.py", 2, "--edit-file 'a.py' names no function in"),
    Mistake("no Python", text("a.txt", "x"), f"{OWN} a.txt:f", 2, "--edit-file: a.txt is no Python file."),
    Mistake("no syntax", text("a.py", "def"), f"{OWN} a.py:f", 2, "--edit-file: a.py failed: SyntaxError"),
    Mistake("leaves", text("a.py", "exit(3)"), f"{OWN} a.py:f", 2, "--edit-file: a.py failed: SystemExit: 3"),
    Mistake("degree", nothing, f"{STEER} --degree 3", 2, "No such option '--degree'. Did you mean"),
]
