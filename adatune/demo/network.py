"""`make demo-network`: train the demo's starting network from scratch on drawn faces, and write it whole."""

import argparse
from pathlib import Path

from adatune.demo.drawn_faces import ASPECT, draw_dataset
from adatune.networks import NetworkConfig
from adatune.training.config import TrainConfig

# G has 263,987 parameters and D 288,993, so that both trainings of the demo take minutes on two cores; a file
# with G, D and the averaged G has 3.3 MB.
DEMO32 = NetworkConfig(
    resolution=32, z_dim=64, w_dim=64, mapping_layers=2, channel_base=1024, channel_max=64, num_fp16_res=0
)
FACES = 10_000  # drawn for the training; with their mirror images more than it can learn by heart
SEED = 0
LENGTH_KIMG = 200.0


def repository_network_file() -> Path:
    """Where a clone of the repository keeps the network."""
    return Path(__file__).parents[2] / "pretrained" / "demo32.safetensors"


def demo_training(data: Path, length_kimg: float = LENGTH_KIMG) -> TrainConfig:
    """The settings of the training from scratch: those of `--cfg auto` at 32 pixels, without augmentation.

    Ten thousand mirrored faces need no augmentation, and a network that never saw any leaks none.
    """
    batch = 16
    return TrainConfig(
        data=str(data),
        seed=SEED,
        **DEMO32.to_dict(),
        length_kimg=length_kimg,
        batch=batch,
        micro_batch=batch,
        r1_gamma=0.0002 * DEMO32.resolution**2 / batch,
        ema_kimg=batch * 10 / 32,
        ema_rampup=0.05,
        augs="none",
        tick_kimg=2.0,
        snap_ticks=5,
    )


def make_demo_network(
    output: Path,
    work: Path,
    faces: int = FACES,
    length_kimg: float = LENGTH_KIMG,
    size: int = DEMO32.resolution,
) -> Path:
    """Draw FACES, train for LENGTH_KIMG and write OUTPUT with G, D and the averaged G.

    Call it again with the same WORK folder after an interruption: it goes on where it was.

    Args:
        output: the .safetensors file to write.
        work: keeps the drawn faces and the run; may be deleted afterwards.
    Returns: OUTPUT.
    """
    from adatune.training.loop import resume, train

    data, run = work / "drawn-faces", work / "run"
    if not (data / "prep.json").is_file():  # written last
        draw_dataset(data, faces, size)
    if (run / "state.pt").is_file():
        resume(run, {"length_kimg": length_kimg})
    else:
        run.mkdir(parents=True, exist_ok=True)
        train(demo_training(data, length_kimg), run)
    return write_demo_network(run, output, faces)


def write_demo_network(run: Path, output: Path, faces: int = FACES) -> Path:
    """Write the networks of the finished RUN folder as OUTPUT, with how they were made in its metadata."""
    import torch

    from adatune.checkpoints import save_network
    from adatune.networks import Discriminator, Generator

    state = torch.load(run / "state.pt", map_location="cpu", weights_only=True)
    G, D, G_ema = Generator(DEMO32), Discriminator(DEMO32), Generator(DEMO32)
    for name, network in (("G", G), ("D", D), ("G_ema", G_ema)):
        network.load_state_dict(state[name])
    kimg = state["images_shown"] / 1000
    source = (
        f"Trained from scratch by adatune.demo.network for {kimg:g} kimg, batch 16, seed {state['seed']}, on "
        f"{faces} faces drawn by adatune.demo.drawn_faces (seeds 0 to {faces - 1}, mirrored too). No photo "
        "of any person was used. Apache-2.0."
    )
    metadata = {"aspect": ASPECT, "augment_p": 0.0, "kimg": kimg, "augs": "none", "source": source}
    output.parent.mkdir(parents=True, exist_ok=True)
    save_network(output, G_ema, D=D, G=G, config=DEMO32, metadata=metadata)
    return output


def main() -> None:
    """Run `python -m adatune.demo.network`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=repository_network_file())
    parser.add_argument("--work", type=Path, default=Path("demo-network"), help="folder for faces and run")
    parser.add_argument("--kimg", type=float, default=LENGTH_KIMG, help="length of the training")
    parser.add_argument("--faces", type=int, default=FACES, help="how many faces are drawn")
    options = parser.parse_args()
    print(make_demo_network(options.output, options.work, options.faces, options.kimg))


if __name__ == "__main__":
    main()
