"""The table of wrong input, second part: options that cannot be, and runs that cannot go on."""

from collections.abc import Callable

from bad_networks import SMALL
from wrong_files import FACES, RUN, Mistake, nothing, published16, run_folder, text

from adatune.checkpoints import save_network
from adatune.networks import Generator


def light_source() -> None:
    """A network without discriminator."""
    save_network("light.safetensors", Generator(SMALL))


def light_directions() -> None:
    """A network where directions are looked for."""
    save_network("d.safetensors", Generator(SMALL))


def config_file(content: str) -> Callable[[], object]:
    """Makes run.toml."""
    return text("run.toml", content)


def run_with(name: str, content: str) -> Callable[[], object]:
    """Makes a run in which the file NAME is something else."""

    def make() -> None:
        run_folder()
        (RUN / name).write_text(content)

    return make


TINY = "train --resume tiny.safetensors"
TRAINING = [
    Mistake(
        "two rules", nothing, f"{TINY} --snap 1 --snap-kimg 1", 2, "--snap and --snap-kimg contradict each"
    ),
    Mistake(
        "batch does not divide",
        config_file("batch = 6\nmicro_batch = 4\n"),
        f"{TINY} --config run.toml",
        2,
        "--batch 6 is not a multiple of the micro-batch 4.",
    ),
    Mistake("no batch", nothing, f"{TINY} --batch 0", 2, "--batch is 0; it must be above 0."),
    Mistake(
        "unknown augmentation", nothing, f"{TINY} --augs bgc,blurr", 2, "No augmentation is called 'blurr'."
    ),
    Mistake(
        "too many layers", nothing, f"{TINY} --freezed 99", 2, "--freezed 99 is too many: this network has"
    ),
    Mistake(
        "no such block", nothing, f"{TINY} --freezeg b7", 2, "--freezeg b7 is no block of this generator."
    ),
    Mistake("layers in words", nothing, f"{TINY} --freezem two", 2, "--freezem two is not understood."),
    Mistake("target", nothing, f"{TINY} --target 2", 2, "--target is 2.0; r_t lies between -1 and 1."),
    Mistake(
        "strength", nothing, f"{TINY} --aug-p 1.5", 2, "--aug-p is 1.5; it is a probability, from 0 to 1."
    ),
    Mistake(
        "no strength", nothing, f"{TINY} --aug-p resume", 2, "--aug-p resume needs --resume with a network"
    ),
    Mistake("no length", nothing, f"{TINY} --kimg 0", 2, "--kimg is 0.0; it must be above 0."),
    Mistake("endless", nothing, f"{TINY} --kimg inf", 2, "--kimg is inf; it must be"),
    Mistake("endless snap", nothing, f"{TINY} --snap-kimg inf", 2, "--snap-kimg is inf; it must be"),
    Mistake("no number", nothing, f"{TINY} --lr nan", 2, "--lr is nan; it must be above 0."),
    Mistake("negative seed", nothing, f"{TINY} --seed -1", 2, "--seed is -1; it cannot be negative."),
    Mistake("large seed", nothing, f"{TINY} --seed {2**70}", 2, f"--seed is {2**70}; it"),
    Mistake(
        "unknown preset", nothing, f"{TINY} --cfg paper", 2, "--cfg paper is not known. Choose from auto"
    ),
    Mistake("unknown device", nothing, f"{TINY} --device gpu9", 2, "--device gpu9 cannot be used here"),
    Mistake(
        "no discriminator", light_source, "train --resume light.safetensors", 1, "light.safetensors holds no"
    ),
    Mistake(
        "settings no TOML", config_file("batch = "), f"{TINY} --config run.toml", 2, "run.toml is not TOML"
    ),
    Mistake(
        "unknown setting",
        config_file("bach = 4"),
        f"{TINY} --config run.toml",
        2,
        "run.toml has the key 'bach', which is no setting of a run. Did you mean 'batch'?",
    ),
    Mistake(
        "wrong type", config_file("batch = 'x'"), f"{TINY} --config run.toml", 2, "run.toml: batch = 'x' is"
    ),
    Mistake("no settings", nothing, f"{TINY} --config run.toml", 1, "There is no run.toml."),
    Mistake(
        "unknown slider", nothing, f"{TINY} --steer smile", 2, "--steer smile is not known. Choose from zoom,"
    ),
    Mistake("no run", nothing, "train --resume latest", 1, "There is no run in home/runs. Start one with"),
    Mistake("unknown run", nothing, "train --resume 7", 1, "There is no run 7 in home/runs. It holds none."),
    Mistake(
        "changed option",
        run_folder,
        "train --resume latest --gamma 3 --kimg 4",
        2,
        "--gamma cannot change when 00000-faces goes on",
        f"adatune train --data {FACES} --resume NETWORK --gamma",
    ),
    Mistake(
        "run without state", run_folder, "train --resume 0", 1, "00000-faces has no state.pt: it was stopped"
    ),
    Mistake("state damaged", run_with("state.pt", "x"), "train --resume 0", 1, f"{RUN}/state.pt"),
    Mistake(
        "settings damaged", run_with("config.toml", "= 3"), "train --resume 0", 2, f"{RUN}/config.toml is not"
    ),
    Mistake(
        "dataset gone",
        lambda: run_folder(data="gone"),
        "train --resume 0",
        1,
        "There is no dataset at gone.",
    ),
    Mistake(
        "foreign folder", nothing, f"{TINY} --outdir x", 2, "adatune train has no --outdir: runs are made in"
    ),
    Mistake(
        "foreign count",
        nothing,
        f"{TINY} --nkimg=40",
        2,
        "adatune train has no --nkimg: --resume RUN goes on",
    ),
]


# Generation, and the command itself.

DRAW = "generate tiny.safetensors"
MIX = "mix tiny.safetensors"
FILM = "video tiny.safetensors"
PROJECT = "project tiny.safetensors"
FROM_PHOTOS = "directions from-photos tiny.safetensors --name a"
FROM_TEXT = "directions from-text smile tiny.safetensors --name a"
APPLY, BLEND = "directions apply d.safetensors tiny.safetensors", "blend tiny.safetensors"
GENERATION = [
    Mistake(
        "backwards",
        nothing,
        f"{DRAW} --seeds 9-1",
        2,
        "--seeds 9-1: the range 9-1 runs backwards. Write 1-9.",
    ),
    Mistake(
        "large seed", nothing, f"{DRAW} --seeds {2**32}", 2, f"Seed {2**32} is out of range: seeds go from 0"
    ),
    Mistake(
        "letters", nothing, f"{DRAW} --seeds a-c", 2, "--seeds 'a-c': 'a-c' is neither a number nor a range."
    ),
    Mistake("no seed", nothing, f"{DRAW} --seeds 1,,2", 2, "--seeds '1,,2': a number is missing."),
    Mistake(
        "too many", nothing, f"{DRAW} --seeds 0-{10**9}", 2, "--seeds 0-1000000000 is more than 1,000,000"
    ),
    Mistake(
        "picture as folder", nothing, f"{DRAW} --out x.PNG", 2, "--out x.PNG is named like a picture, and"
    ),
    Mistake("class", nothing, f"{DRAW} --class 1", 2, "--class 1: this network was trained without classes."),
    Mistake(
        "no class",
        published16,
        "generate ada_pytorch_cond16.pkl",
        2,
        "This network has 3 classes and --class",
    ),
    Mistake("bad grid", nothing, f"{DRAW} --grid 8", 2, "--grid '8' is not COLUMNSxROWS."),
    Mistake("empty grid", nothing, f"{DRAW} --grid 0x4", 2, "--grid '0x4' is not COLUMNSxROWS."),
    Mistake("small grid", nothing, f"{DRAW} --grid 2x2 --seeds 0-8", 2, "--grid 2x2 has 4 places for the 9"),
    Mistake(
        "huge grid", nothing, f"{DRAW} --grid 9999x1 --seeds 0", 2, "The sheet would be 79992 x 8 pixels"
    ),
    Mistake("truncation", nothing, f"{DRAW} --psi nan", 2, "--psi nan is not a number from -100"),
    Mistake("noise", nothing, f"{DRAW} --noise some", 2, "Invalid value for '--noise': 'some' is not one of"),
    Mistake("noise seed", nothing, f"{DRAW} --noise-seed -1", 2, "--noise-seed -1 is out of range"),
    Mistake("noise list", nothing, f"{DRAW} --noise-seed 3-0", 2, "--noise-seed 3-0: the range 3-0 runs"),
    Mistake(
        "noise layers", nothing, f"{DRAW} --noise-layers 64-", 2, "--noise-layers 64-: this network has no"
    ),
    Mistake("cutoff", nothing, f"{DRAW} --cutoff 99", 2, "--cutoff 99 is out of range: this network has 4"),
    Mistake("layer psi", nothing, f"{DRAW} --layer-psi 0.5", 2, "--layer-psi '0.5': '0.5' is not LAYERS:PSI"),
    Mistake(
        "two kinds", nothing, f"{DRAW} --rank --pick 3", 2, "--rank and --pick make two different things"
    ),
    Mistake(
        "like, too small",
        nothing,
        f"{DRAW} --like a.jpg",
        2,
        "tiny.safetensors draws pictures of 8x8; photos",
    ),
    Mistake("empty page", nothing, f"{DRAW} --browse 0", 2, "--browse 0 is out of range: a page holds 1 to"),
    Mistake("no choice", nothing, f"{DRAW} --pick 9 --seeds 0-8", 2, "--pick 9 of 9 seeds: name more seeds"),
    Mistake(
        "all classes", nothing, f"{DRAW} --class all", 2, "--class all: this network was trained without"
    ),
    Mistake("device", nothing, f"{DRAW} --device cuda:99", 2, "--device cuda:99 cannot be used here"),
    *(
        Mistake(name, nothing, f"{command} {options}", 2, words)
        for name, options, words in (
            ("kernels", "--ops triton", "Invalid value for '--ops': 'triton' is not one of"),
            ("number format", "--precision bf16", "Invalid value for '--precision': 'bf16' is not one of"),
            ("half on a CPU", "--precision fp16 --device cpu", "--precision fp16 is for CUDA cards"),
        )
        for command in (
            DRAW,
            MIX,
            f"{FILM} --seeds 1,2",
            f"{PROJECT} --self-test 1",
            f"{BLEND} tiny.safetensors --at 4",
            "directions find tiny.safetensors",
            "steer brightness tiny.safetensors",
        )
    ),
    Mistake("no run", nothing, "generate", 1, "There is no run in home/runs. Start one with 'adatune train'"),
    Mistake(
        "foreign", nothing, f"{DRAW} --outdir x", 2, "adatune generate has no --outdir: pictures are written"
    ),
    Mistake("out is a file", text("out", ""), f"{DRAW} --seeds 0 --out out", 2, "Invalid value for '--out'"),
    Mistake("mixed rows", nothing, f"{MIX} --rows 9-1", 2, "--rows 9-1: the range 9-1 runs backwards."),
    Mistake(
        "mixed columns", nothing, f"{MIX} --cols a", 2, "--cols 'a': 'a' is neither a number nor a range."
    ),
    Mistake(
        "range", nothing, f"{MIX} --range fine", 2, "--layers fine begins at 64x64, and this network ends"
    ),
    Mistake("layers", nothing, f"{MIX} --layers 0-9", 2, "--layers 0-9: this network has 4 layers, 0 to 3."),
    Mistake("styles", nothing, f"{MIX} --styles 0-6", 2, "adatune mix has no --styles: what comes from the"),
    Mistake(
        "one key", nothing, f"{FILM} --seeds 1", 2, "A film needs two keys or more, and --seeds lists one."
    ),
    Mistake("no file", nothing, f"{FILM} --keys 1,w.npz", 2, "There is no file 'w.npz'. Check the path."),
    Mistake(
        "no latents", text("w.npz", "x"), f"{FILM} --keys 1,w.npz", 1, "w.npz holds no array 'w' that can"
    ),
    Mistake("no time", nothing, f"{FILM} --seconds 0", 2, "--seconds is 0.0; it must be above 0."),
    Mistake("no speed", nothing, f"{FILM} --fps nan", 2, "--fps is nan; it must be above 0 and at most 240."),
    Mistake(
        "two films", nothing, f"{FILM} --walk --truncation-sweep", 2, "--walk and --truncation-sweep are two"
    ),
    Mistake("film of another kind", nothing, f"{FILM} --out a.gif", 2, "'a.gif' does not end in .mp4"),
    Mistake("film grid", nothing, f"{FILM} --grid 4x2", 2, "adatune video has no --grid: a film shows one"),
    Mistake("no photo", nothing, PROJECT, 2, "No photo is named. Name some, or a folder of them; or ask"),
    Mistake(
        "too small", nothing, f"{PROJECT} a.jpg", 2, "tiny.safetensors draws pictures of 8x8; photos are"
    ),
    Mistake("no steps", nothing, f"{PROJECT} a.jpg --steps 0", 2, "Invalid value for '--steps': 0 is not in"),
    Mistake("seed below 0", nothing, f"{PROJECT} a.jpg --seed -1", 2, "--seed -1 is out of range: it goes"),
    Mistake("target", nothing, f"{PROJECT} --target a.jpg", 2, "adatune project has no --target: photos are"),
    Mistake(
        "no directions", nothing, "directions apply a tiny.safetensors", 2, "There are no directions 'a': no"
    ),
    Mistake(
        "directions damaged",
        text("d.safetensors", "x"),
        APPLY,
        1,
        "d.safetensors cannot be read as directions",
    ),
    Mistake("a network", light_directions, APPLY, 1, "d.safetensors cannot be read as directions: it holds"),
    Mistake("strength", nothing, f"{APPLY} --strength 3", 2, "--strength '3' is no range. Write two numbers"),
    Mistake("steps", nothing, f"{APPLY} --steps 1", 2, "--steps 1 is out of range: from 2 to 1000."),
    Mistake("degree", nothing, f"{APPLY} --degree 3", 2, "adatune directions apply has no --degree: how far"),
    Mistake(
        "fine layers", nothing, "directions find tiny.safetensors --layers fine", 2, "--layers fine begins at"
    ),
    Mistake(
        "seed of both",
        nothing,
        "directions from-seeds tiny.safetensors --positive 1,2 --negative 2 --name a",
        2,
        "Seed 2 is among both --positive and --negative.",
    ),
    Mistake(
        "no side", nothing, FROM_PHOTOS, 2, "Which photos have it, and which lack it? Name --positive and"
    ),
    Mistake(
        "a side of its own",
        nothing,
        f"{FROM_PHOTOS} --positive . --negative ./",
        2,
        "",
        "is among both --positive and --negative.",
    ),
    Mistake(
        "no photos", nothing, f"{FROM_PHOTOS} --positive a --negative b", 1, "There is no 'a'. Name a folder"
    ),
    Mistake(
        "torch file damaged",
        text("w.pt", "x"),
        f"{FILM} --keys 1,w.pt",
        1,
        "w.pt holds no array 'w' that can be read",
    ),
    Mistake(
        "few pictures", nothing, f"{FROM_TEXT} --seeds 0-9", 2, "--share 0.1 of 10 seeds is 1 at each end."
    ),
    Mistake(
        "large share", nothing, f"{FROM_TEXT} --share 0.7", 2, "--share 0.7 is out of range: above 0, and"
    ),
    Mistake("no text layers", nothing, f"{FROM_TEXT} --layers fine", 2, "--layers fine begins at 64x64, and"),
    Mistake("nowhere", nothing, f"{BLEND} tiny.safetensors", 2, "Nothing says where to join the networks."),
    Mistake("no such block", nothing, f"{BLEND} tiny.safetensors --at 64", 2, "--at 64 is no resolution of"),
    Mistake(
        "other shapes",
        published16,
        f"{BLEND} ada_pytorch_cond16.pkl --at 4",
        2,
        "These networks cannot be joined: resolution is 8 in the low network and 16 in the high one",
    ),
    Mistake(
        "blend over a parent",
        nothing,
        f"{BLEND} tiny.safetensors --at 4 --out tiny.safetensors",
        2,
        "tiny.safetensors exists. Choose another --out, or write over it with --replace.",
    ),
    Mistake("unknown command", nothing, "genrate", 2, "No such command 'genrate'. Did you mean 'generate'?"),
    Mistake("unknown option", nothing, f"{TINY} --kimgs 4", 2, "No such option '--kimgs'.", "'--kimg'"),
    Mistake("missing argument", nothing, "prep", 2, "Which photos? Name a folder", "adatune prep ./photos"),
    Mistake("no value", nothing, "train --kimg", 2, "Option '--kimg' requires an argument."),
    Mistake("clean nothing", nothing, "clean", 1, "There is no run in home/runs."),
]
