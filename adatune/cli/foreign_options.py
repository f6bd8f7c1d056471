"""Answers options that the published StyleGAN2-ADA tools have and we do not, with the name they have here."""

from collections.abc import Sequence
from typing import Any

import click

from adatune.errors import UsageError

_HOME = "runs are made in ./runs; set ADATUNE_HOME=DIR to move them"
TRAIN = {
    "--outdir": _HOME,
    "--nkimg": "--resume RUN goes on where a run stopped; it knows how far it was",
    "--resume-kimg": "--resume RUN goes on where a run stopped; it knows how far it was",
    "--total-kimg": "the length is --kimg",
    "--dataset": "the dataset is --data",
    "--data-dir": "the dataset is --data",
    "--res": "the size is that of the dataset: adatune prep PHOTOS --size N",
    "--resolution": "the size is that of the dataset: adatune prep PHOTOS --size N",
    "--metrics": "metrics are not part of training yet; leave it out",
    "--p": "a fixed augmentation strength is --aug-p",
    "--augment": "augmentations are --augs",
    "--mirrored": "mirrored copies are --mirror or --no-mirror",
    "--freeze-d": "frozen discriminator layers are --freezed",
    "--freeze-g": "frozen synthesis blocks are --freezeg",
    "--snapshot": "snapshots are --snap (ticks), --snap-kimg or --snap-minutes",
    "--fp32": "full precision is --precision fp32",
    "--nhwc": "memory layout is chosen for you; leave it out",
    "--allow-tf32": "TF32 is on but for --precision fp32; leave it out",
    "--nobench": "leave it out",
    "--workers": "leave it out; pictures are read beside training",
    "--glr": "both learning rates are --lr",
    "--dlr": "both learning rates are --lr",
    "--cbase": "the architecture follows --resume or --cfg; or channel_base in the file of --config",
    "--cmax": "the architecture follows --resume or --cfg; or channel_max in the file of --config",
    "--map-depth": "the architecture follows --resume or --cfg; or mapping_layers in the file of --config",
    "--desc": "a run is named after its dataset: adatune prep PHOTOS --name NAME",
}
GENERATE = {
    "--outdir": "pictures are written to --out",
    "--pkl": "the network is the first argument, or --network",
    "--network-pkl": "the network is the first argument, or --network",
    "--truncation-psi": "truncation is --psi",
    "--noise-mode": "noise is --noise",
    "--rows": "a sheet is --grid 8x8",
    "--projected-w": "pictures of saved latents are not made by this command",
}
_DRAWING = {
    "--pkl": "the network is the first argument, or --network",
    "--network-pkl": "the network is the first argument, or --network",
    "--truncation-psi": "truncation is --psi",
    "--noise-mode": "noise is --noise",
}
MIX = {
    **_DRAWING,
    "--outdir": "the sheet is written to --out",
    "--styles": "what comes from the columns is --layers 0-6, or coarse, middle, fine",
    "--col-styles": "what comes from the columns is --layers 0-6, or coarse, middle, fine",
    "--row-seeds": "the seeds of the rows are --rows",
    "--col-seeds": "the seeds of the columns are --cols",
    "--seeds": "the seeds are --rows and --cols",
    "--grid": "the sheet follows --rows and --cols",
}
VIDEO = {
    **_DRAWING,
    "--outdir": "the film is written to --out",
    "--output": "the film is written to --out",
    "--grid": "a film shows one picture at a time; leave it out",
    "--num-keyframes": "each of --seeds is a key; --walk needs none",
    "--w-frames": "the length is --seconds",
    "--frames": "the length is --seconds",
    "--duration-sec": "the length is --seconds",
    "--mp4-fps": "the speed of the film is --fps",
    "--interpolation": "the space is --space z or --space w; without corners: --cubic",
    "--kind": "without corners: --cubic",
    "--projected-w": "files of latents are among the keys: --keys 1,projected_w.npz",
    "--latents": "files of latents are among the keys: --keys 1,projected_w.npz",
    "--random-seed": "a random walk is --walk; it begins at --seeds",
}
DIRECTIONS = {
    **_DRAWING,
    "--outdir": "directions are written to directions/NAME, sheets to --out",
    "--output": "directions are written to directions/NAME, sheets to --out",
    "--layer-idx": "layers are --layers 0-6, or coarse, middle, fine",
    "--degree": "how far to go is --strength -3:3",
    "--start-distance": "how far to go is --strength -3:3",
    "--end-distance": "how far to go is --strength -3:3",
    "--n-components": "how many to find is --count",
    "--components": "how many to find is --count",
    "--num-semantics": "how many to find is --count",
    "--index": "which of several directions is --number",
}
BLEND = {
    **_DRAWING,
    "--outdir": "the network is written to --out",
    "--output": "the network is written to --out",
    "--split-res": "where the networks meet is --at",
    "--resolution": "where the networks meet is --at",
    "--blend-width": "the width of the transition is --smooth",
    "--low-res-pkl": "the low network is the first argument",
    "--lower-res-pkl": "the low network is the first argument",
    "--high-res-pkl": "the high network is the second argument",
    "--split-res-pkl": "the high network is the second argument",
}
PROJECT = {
    "--pkl": "the network is the first argument, or --network",
    "--network-pkl": "the network is the first argument, or --network",
    "--target": "photos are arguments: adatune project me.jpg",
    "--target-fname": "photos are arguments: adatune project me.jpg",
    "--outdir": "results are written to --out",
    "--num-steps": "the number of steps is --steps",
    "--save-video": "a film of the progress is --film",
    "--psi": "what is found is not truncated; leave it out",
    "--trunc": "what is found is not truncated; leave it out",
    "--truncation-psi": "what is found is not truncated; leave it out",
}
STEER = {
    **_DRAWING,
    "--outdir": "the walk is written to directions/NAME, sheets to --out",
    "--model": "the network is the second argument, or --network",
    "--transform": "the edit is the first argument: adatune steer zoom",
    "--num-samples": "how many pictures to learn from is --samples",
    "--learning-rate": "the learning rate is --lr",
    "--walk-type": "steps in place of a line are --nonlinear",
    "--latent": "where to walk is --space",
    "--eps": "steps of a nonlinear walk follow the edit; leave it out",
}
# How they write flags, and how we do.
SPELLINGS = {
    f"--{name}={value}": f"--{prefix}{name}"
    for name in ("mirror", "mirror-y", "cond")
    for value, prefix in (("0", "no-"), ("1", ""), ("false", "no-"), ("true", ""))
}


def refuse_foreign(arguments: Sequence[str], table: dict[str, str], command: str) -> None:
    """Raise for the first of ARGUMENTS that is an option of other tools.

    Raises:
        UsageError: says what it is called here.
    """
    for argument in arguments:
        name = argument.split("=", 1)[0].replace("_", "-")
        if name in table:
            raise UsageError(f"{command} has no {argument.split('=', 1)[0]}: {table[name]}.")


class ForeignAware(click.Command):
    """A command that looks for other tools' options before click calls them unknown."""

    def __init__(self, *arguments: Any, foreign: dict[str, str], **settings: Any) -> None:
        """FOREIGN is one of the tables above; the rest is click's."""
        super().__init__(*arguments, **settings)
        self.foreign = foreign

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Check ARGS, then parse them as click does."""
        refuse_foreign(args, self.foreign, ctx.command_path)
        return super().parse_args(ctx, [SPELLINGS.get(argument.lower(), argument) for argument in args])
