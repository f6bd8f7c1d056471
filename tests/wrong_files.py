"""The table of wrong input, first part: files and folders that are no network, no dataset or no photos.

`tests/cli/test_wrong_input.py` drives it through the real command.
"""

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from bad_networks import BAD_FILES, executing_pickles
from pickle_files import PYTORCH, write_pickle
from PIL import Image

from adatune.training.config import TrainConfig
from adatune.training.config_file import write_config

FACES = Path("home/datasets/faces")
RUN = Path("home/runs/00000-faces")


class Mistake(NamedTuple):
    """One row. Where ADDRESS stands, the address of a server that is not there is put in."""

    name: str
    make: Callable[[], object]  # writes the file or folder, in the folder that the command runs in
    command: str
    code: int
    words: str  # how the error begins
    advice: str = ""  # what it says further on
    leaves: str = ""  # what may be new afterwards, as a pattern


def nothing() -> None:
    """The mistake is in the command alone."""


def pictures(folder: str, *sizes: tuple[int, int], mode: str = "RGB") -> Path:
    """Write 0.png, 1.png ... of noise, each of (width, height) pixels."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    for index, (width, height) in enumerate(sizes):
        pixels = np.random.default_rng(index).integers(0, 256, (height, width, 3), dtype=np.uint8)
        Image.fromarray(pixels).convert(mode).save(f"{folder}/{index}.png")
    return Path(folder)


def text(path: str | Path, content: str) -> Callable[[], object]:
    """Makes a text file."""
    return lambda: Path(path).write_text(content)


def run_folder(**settings: object) -> None:
    """A run that was stopped before its first snapshot."""
    RUN.mkdir(parents=True)
    write_config(RUN / "config.toml", TrainConfig(**{"data": str(FACES), "resolution": 8, **settings}))


# Networks: each kind of file, read by three commands.

ADDRESS = "ADDRESS/net.pkl"
NETWORK_FILES = [
    ("missing", nothing, "net.pkl", 2, "There is no network 'net.pkl': no file, no run folder", ""),
    ("unknown name", nothing, "fhq512", 2, "There is no network 'fhq512': no file", "Did you mean ffhq512?"),
    ("run without network", run_folder, "00000-faces", 1, f"{RUN} holds no network", "snapshot"),
    ("folder", lambda: Path("net.pkl").mkdir(), "net.pkl", 1, "net.pkl holds no network", "run folder"),
    ("offline", nothing, ADDRESS, 1, f"{ADDRESS} cannot be fetched: the server cannot be reached", "online?"),
]
NETWORK_FILES += [
    (name, lambda make=make: make(Path("net.pkl")), "net.pkl", 1, f"net.pkl {words}", "")
    for name, (make, words) in BAD_FILES.items()
]
NETWORK_FILES += [
    (f"os.system {name}", lambda data=data: Path("net.pkl").write_bytes(data), "net.pkl", 1, "net.pkl ", "")
    for name, data in executing_pickles().items()
]
NETWORKS = [
    Mistake(name, make, command.format(file), code, words, advice, "home/pretrained*")
    for name, make, file, code, words, advice in NETWORK_FILES
    for command in ("info {}", "generate {} --seeds 0", "train --data faces --resume {}")
    if (name, command[:5]) != ("run without network", "train")  # there it means: go on with that run
]


# Datasets.


def cut_off() -> None:
    """A picture whose end is missing, behind a sound header."""
    path = pictures("set", (64, 64), (64, 64)) / "1.png"
    path.write_bytes(path.read_bytes()[:-3000])


def damaged_zip() -> None:
    """A zip that lists its files, one of which has another checksum than it says."""
    plain = (pictures("pictures", (16, 16)) / "0.png").read_bytes()
    shutil.rmtree("pictures")
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("0.png", plain)
    Path("set.zip").write_bytes(data.getvalue().replace(plain, plain[:-30] + bytes(30)))


def labelled(content: str) -> Callable[[], object]:
    """Makes two pictures with this dataset.json."""
    return lambda: (pictures("set", (8, 8), (8, 8)) / "dataset.json").write_text(content)


def published16() -> None:
    """A 16x16 network; the dataset `faces` is 8x8."""
    write_pickle(PYTORCH[0], Path())


ONE_LABEL = json.dumps({"labels": [["0.png", 0]]})
SOURCE = "train --data set --resume tiny.safetensors"
DATASETS = [
    Mistake("missing", nothing, "train --data set", 1, "There is no dataset --data set. In", "adatune prep"),
    Mistake("empty folder", lambda: Path("set").mkdir(), "train --data set", 1, "set holds no picture."),
    Mistake("a text file", text("set", "faces"), "train --data set", 1, "set is not a sound zip file"),
    Mistake(
        "cut-off zip", text("set.zip", "PK\3\4"), "train --data set.zip", 1, "set.zip is not a sound zip"
    ),
    Mistake(
        "damaged zip", damaged_zip, "train --data set.zip", 1, "0.png in set.zip cannot be read: Bad CRC"
    ),
    Mistake("not square", lambda: pictures("set", (8, 4)), SOURCE, 1, "0.png in set is 8x4, not square."),
    Mistake(
        "odd size", lambda: pictures("set", (17, 17)), SOURCE, 1, "The pictures in set are 17x17;", "--size"
    ),
    Mistake(
        "two sizes",
        lambda: pictures("set", (8, 8), (16, 16)),
        SOURCE,
        1,
        "The pictures in set differ in size: 0.png is 8x8, 1.png is 16x16.",
        "adatune prep",
    ),
    Mistake("cut-off picture", cut_off, "train --data set", 1, "1.png in set cannot be read: ", "Replace"),
    Mistake(
        "no picture",
        lambda: (pictures("set", (8, 8)) / "1.png").write_text("<html>"),
        SOURCE,
        1,
        "1.png in set cannot be read: it is not a picture.",
    ),
    Mistake(
        "wrong resolution",
        published16,
        "train --data faces --resume ada_pytorch_cond16.pkl",
        1,
        f"{FACES} has 8x8 pictures, the network makes 16x16.",
        "adatune prep PHOTOS --size 16",
    ),
    Mistake(
        "grey", lambda: pictures("set", (8, 8), mode="L"), SOURCE, 1, "set has grey pictures, the network"
    ),
    Mistake("labels missing", labelled(ONE_LABEL), SOURCE, 1, "set/dataset.json gives no label for 1.png."),
    Mistake("labels no JSON", labelled("{"), SOURCE, 1, "set/dataset.json is not a list of labels"),
    Mistake("labels of old", labelled('["a"]'), SOURCE, 1, "set/dataset.json is not a list of labels"),
    Mistake(
        "no labels", nothing, "train --data faces --cond", 1, f"--cond needs labels, and {FACES} has none"
    ),
    Mistake(
        "prep.json damaged", text(FACES / "prep.json", "{"), "train", 1, "prep.json in home/datasets/faces is"
    ),
    Mistake(
        "several",
        lambda: pictures("home/datasets/cats/images", (8, 8)),
        "train",
        1,
        "There are 2 datasets: cats, faces. Choose one, for example --data cats.",
    ),
    Mistake(
        "none",
        lambda: shutil.rmtree(FACES),
        "train",
        1,
        "There is no dataset to train on in home/datasets.",
        "adatune prep",
    ),
]


# Photos.


def photo_text(name: str) -> Callable[[], object]:
    """Makes the folder `photos` with one text file NAME."""

    def make() -> None:
        Path("photos").mkdir()
        (Path("photos") / name).write_text("no picture")

    return make


def all_of(*makers: Callable[[], object]) -> Callable[[], object]:
    """What several makers make."""
    return lambda: [make() for make in makers]


PHOTO = photo_text("a.jpg")
PHOTOS = [
    Mistake("missing folder", nothing, "prep photos", 1, "There is no 'photos'. Name a folder"),
    Mistake(
        "empty folder", lambda: Path("photos").mkdir(), "prep photos", 1, "There are no files in 'photos'."
    ),
    Mistake(
        "an empty file",
        text("photos", ""),
        "prep photos",
        1,
        "No usable photo among 1: 1 unreadable.",
        "contact-sheet.html",
        "home/datasets/photos*",
    ),
    Mistake(
        "no zip", text("photos.zip", "no"), "prep photos.zip", 1, "'photos.zip' cannot be opened as a zip"
    ),
    Mistake("no film", text("film.mp4", "no"), "prep film.mp4", 1, "'film.mp4' cannot be read as a video"),
    Mistake("frames of a folder", PHOTO, "prep photos --every 5", 2, "--every is for the frames of a video"),
    Mistake("no ratio", PHOTO, "prep photos --ratio 4x5", 2, "--ratio 4x5 is not a ratio of width to height"),
    Mistake("too much aside", PHOTO, "prep photos --validation 0.9", 2, "--validation 0.9 is out of range."),
    Mistake("no labels", PHOTO, "prep photos --labels none.csv", 2, "--labels none.csv is not known."),
    Mistake("no review", PHOTO, "prep photos --review none.csv", 1, "There is no file 'none.csv'."),
    Mistake(
        "a review of nothing",
        all_of(PHOTO, text("r.csv", "source,decision\nb.jpg,keep\n")),
        "prep photos --review r.csv",
        1,
        "r.csv names photos that are not there: 'b.jpg'.",
    ),
    Mistake(
        "a box of nothing",
        all_of(PHOTO, text("c.csv", "source,x,y,width,height\na.jpg,1,1,0,5\n")),
        "prep photos --crops c.csv",
        1,
        "c.csv, line 2",
    ),
    Mistake(
        "a file in the zip's place",
        all_of(PHOTO, text("mine.zip", "precious")),
        "prep photos --zip mine.zip",
        1,
        "mine.zip exists and is no zip of a dataset made by adatune.",
    ),
    Mistake("report on nothing", nothing, "prep --stats nothing", 1, "There is no dataset"),
    Mistake(
        "nothing usable",
        PHOTO,
        "prep photos --align none",
        1,
        "No usable photo among 1: 1 unreadable.",
        "contact-sheet.html",
        "home/datasets/photos*",  # says why, and is no dataset
    ),
    Mistake(
        "bad size", PHOTO, "prep photos --size 100", 2, "--size 100 is not one that networks have. Use 16, 32"
    ),
    Mistake("size in words", PHOTO, "prep photos --size big", 2, "Invalid value for '--size': 'big' is not"),
    Mistake("bad name", PHOTO, "prep photos --name a/b", 2, "--name 'a/b' cannot be a folder name"),
    Mistake("no name", PHOTO, "prep photos --name ''", 2, "--name '' cannot be a folder name"),
    Mistake("no workers", PHOTO, "prep photos --workers 0", 2, "--workers 0 is too few."),
    Mistake("bad score", PHOTO, "prep photos --min-face-score 9", 2, "--min-face-score 9.0 is out of range."),
    Mistake("not a number", PHOTO, "prep photos --max-yaw nan", 2, "--max-yaw nan is out of range."),
    Mistake(
        "taken name",
        PHOTO,
        "prep photos --name faces",
        1,
        f"{FACES} exists and was not made by 'adatune prep'",
    ),
    Mistake(
        "itself", nothing, f"prep {FACES}", 2, "'home/datasets/faces' lies in the dataset 'faces' that it"
    ),
]
