"""`adatune demo`: the whole job in one go, from a folder of photos to new faces, told in plain words."""

import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from adatune.checkpoints import LoadedNetworks, load
from adatune.data.dataset import open_dataset
from adatune.demo.checks import diversity, nearest_distance
from adatune.demo.comparison import comparison
from adatune.demo.drawn_faces import ASPECT
from adatune.demo.network import DEMO32, demo_training
from adatune.demo.photos import DECOYS, make_photos
from adatune.images import Pixels, grid, save_picture
from adatune.latent.sampling import generate
from adatune.prep.prepare import PrepResult, prep
from adatune.training.config import TrainConfig
from adatune.training.loop import train

LENGTH_KIMG = 10.0  # long enough for the astronaut's face, short enough for four minutes on two cores
PSI = 1.0  # the diversity of the network as it is; truncation would hide a collapse
SEEDS = range(64)
# A 32-pixel crop of a photo out of focus can still look sharp: ask more of the photo than prep would.
MAX_BLUR = 0.35  # output pixels; the portraits have up to 0.13, the blurred decoy 0.57


@dataclass(frozen=True)
class DemoResult:
    """What the demo made and how good it is. Distances are those of `adatune.demo.checks`."""

    kept: int  # photos in the dataset
    reasons: dict[str, int]  # why photos were left out
    nearest_before: float  # the starting network's samples to the nearest photo
    nearest_after: float  # the fine-tuned network's
    diversity_photos: float
    diversity_after: float
    seconds: float
    run: Path
    contact_sheet: Path
    samples: Path  # a grid of new faces
    comparison: Path  # photos, before and after side by side


def run_demo(
    folder: Path,
    length_kimg: float = LENGTH_KIMG,
    network: str = "demo32",
    say: Callable[[str], object] = print,
) -> DemoResult:
    """Make photos, prepare them, fine-tune the demo's network and generate faces, all in FOLDER.

    Args:
        folder: made if missing; takes the place of ADATUNE_HOME while the demo runs.
        length_kimg: thousands of images to fine-tune for.
        network: what to start from, of the architecture of `DEMO32`.
        say: is given each line about what happens.
    Raises:
        DownloadFailed: the demo's network is not installed.
    """
    started = time.monotonic()
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    say(f"The whole job in about four minutes, in {folder}\n")
    with _at_home(folder):
        return _run(folder, length_kimg, network, say, started)


def fine_tuning(data: Path, length_kimg: float, network: str = "demo32") -> TrainConfig:
    """The settings of the demo's training: as `adatune train` at 32 pixels, but a quickly moving average.

    The usual average of 5 kimg would still be half the starting network when the demo ends.
    """
    return replace(
        demo_training(data, length_kimg),
        resume=network,
        augs="bgc",
        ema_kimg=0.5,
        ema_rampup=None,
        tick_kimg=length_kimg / 10,
        snap_ticks=10,
    )


def _run(
    folder: Path, length_kimg: float, network: str, say: Callable[[str], object], started: float
) -> DemoResult:
    prepared = _prepare(folder, say)
    photos = _read_photos(prepared.dataset)
    before = _sample(load(network))
    say(f"3. Fine-tuning a small network of drawn faces for {length_kimg:g} kimg: most of the time.")
    run = train(fine_tuning(prepared.dataset, length_kimg, network))
    after = _sample(load(run))
    samples, sheet = folder / "faces.png", folder / "before-and-after.png"
    save_picture(
        grid(after, 8, ASPECT).resize((8 * 96, round(8 * 96 * ASPECT)), Image.Resampling.BICUBIC), samples
    )
    save_picture(_compare(photos, before, after, length_kimg), sheet)
    result = DemoResult(
        kept=prepared.kept,
        reasons=prepared.reasons,
        nearest_before=nearest_distance(before, photos),
        nearest_after=nearest_distance(after, photos),
        diversity_photos=diversity(photos),
        diversity_after=diversity(after),
        seconds=time.monotonic() - started,
        run=run,
        contact_sheet=prepared.dataset / "contact-sheet.html",
        samples=samples,
        comparison=sheet,
    )
    _tell(result, say)
    return result


def _prepare(folder: Path, say: Callable[[str], object]) -> PrepResult:
    photos = make_photos(folder / "photos")
    portraits = len(photos) - len(DECOYS)
    say(f"1. Made {len(photos)} photos: {portraits} of an astronaut, and {len(DECOYS)} that are no good.")
    result = prep(folder / "photos", name="astronaut", size=DEMO32.resolution, max_blur=MAX_BLUR)
    reasons = ", ".join(f"{count} {reason}" for reason, count in result.reasons.items())
    say(f"2. Prepared them: {result.kept} portraits levelled and cropped; left out: {reasons}.")
    say(f"   Look at {result.dataset / 'contact-sheet.html'}")
    return result


def _read_photos(dataset: Path) -> Pixels:
    opened = open_dataset(dataset)
    return opened.read(np.arange(len(opened))).transpose(0, 2, 3, 1)


def _sample(networks: LoadedNetworks) -> Pixels:
    """The pictures of SEEDS, uint8 [count, size, size, 3]."""
    return np.stack([np.asarray(picture) for picture in generate(networks, SEEDS, psi=PSI, square=True)])


def _compare(photos: Pixels, before: Pixels, after: Pixels, length_kimg: float) -> Image.Image:
    panels = {
        "Photos": (f"{len(photos)} portraits as prep cropped them", photos),
        "Before": ("what the starting network draws", before),
        "After": (f"the same seeds after {length_kimg:g} kimg of fine-tuning", after),
    }
    return comparison(panels, ASPECT)


def _tell(result: DemoResult, say: Callable[[str], object]) -> None:
    closer = result.nearest_before / max(result.nearest_after, 1e-9)
    varied = result.diversity_after / max(result.diversity_photos, 1e-9)
    say(f"4. Drew {len(SEEDS)} new faces: {closer:.1f} times as near to the photos, {varied:.0%} as varied.")
    say(f"\nBefore and after: {result.comparison}")
    say(f"New faces:        {result.samples}")
    say(f"The run:          {result.run}")
    say(f"Done in {result.seconds:.0f} seconds. Now with photos of your own: adatune prep ./photos")


@contextmanager
def _at_home(folder: Path) -> Generator[None]:
    """Let ADATUNE_HOME be FOLDER for a while."""
    before = os.environ.get("ADATUNE_HOME")
    os.environ["ADATUNE_HOME"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["ADATUNE_HOME"]
        else:
            os.environ["ADATUNE_HOME"] = before
