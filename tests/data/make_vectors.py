"""Make the reference vectors of this folder small enough for git.

    python tests/data/make_vectors.py FOLDER

FOLDER holds the published code's numbers: ops, augment and net_*.safetensors, and manifest.json. Written
beside this script, as xz-compressed safetensors whose metadata key `settings` is a JSON string:

- `ops.safetensors.xz`: every case but 8 of upfirdn2d: each geometry is kept with the asymmetric filter and
  one of the other two.
- `net_*.safetensors.xz`: weights, inputs, outputs and losses. Of each gradient of more than WHOLE numbers
  only the largest magnitude and the dot products with 8 vectors of +-1 are kept (`gradient_sketch` in
  tests/vectors.py).
- `augment.safetensors.xz`: 60 of 232 cases. Each operation and preset is there at two percentiles in grey and
  one in colour off the square; four more cases are square and in colour.

Results, and the inputs of operations without kinks, are rounded to 16 significant bits, an error of at most
8e-6 of the number: a twelfth of the tightest tolerance, and a third less to store. Weights and inputs of
networks are exact: rounded ones put some activations on the other side of the leaky ReLU, which moves
gradients by 1e-2.
"""

import json
import lzma
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save

sys.path.insert(0, str(Path(__file__).parents[1]))
from vectors import gradient_sketch

HERE = Path(__file__).parent
WHOLE = 64  # gradients of at most so many numbers are kept as they are
NETWORKS = {
    "net_uncond32": {"resolution": 32, "mapping_layers": 2},
    "net_cond16": {"resolution": 16, "mapping_layers": 3, "c_dim": 5},
    "net_orig16": {"resolution": 16, "mapping_layers": 2, "g_architecture": "orig", "d_architecture": "orig"},
}
PERCENTILES = ["0.1", "0.35", "0.62", "0.9"]
SQUARE_CASES = {"rgb32.bgc.0.9", "rgb32.bgcfc.0.35", "rgb32.color.0.62", "rgb32.geom.0.1"}
SHARED = {
    "z_dim": 32,
    "w_dim": 32,
    "channel_base": 1024,
    "channel_max": 32,
    "num_fp16_res": 0,
    "conv_clamp": None,
}


def rounded(array: np.ndarray) -> np.ndarray:
    """float32 numbers with the last 8 of their 24 significant bits zero."""
    bits = np.ascontiguousarray(array, dtype=np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x80 & ~np.uint64(0xFF)).astype(np.uint32)).view(np.float32).reshape(array.shape)


def write(name: str, tensors: dict[str, np.ndarray], settings: dict) -> None:
    """Compress TENSORS to NAME.safetensors.xz. Position within 4 bytes is context for the compressor."""
    raw = save(tensors, metadata={"settings": json.dumps(settings, sort_keys=True)})
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": 1, "lp": 2, "pb": 2}]
    path = HERE / f"{name}.safetensors.xz"
    path.write_bytes(lzma.compress(raw, filters=filters))
    print(f"{path.name}: {path.stat().st_size:,} bytes")


def compact_network(name: str, tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Everything but `out.img.const.unfused` (the same picture again), large gradients as sketches."""
    compact = {}
    for key, value in tensors.items():
        if key == "out.img.const.unfused" or value.size == 0:
            continue
        if key.startswith("grad.") and value.size > WHOLE:
            compact[key.replace("grad.", "sketch.", 1)] = gradient_sketch(value)
        else:
            compact[key] = rounded(value) if key.startswith("out.") else value
    return compact


def is_kept_operation(key: str) -> bool:
    """Is the case of KEY stored? upfirdn2d has 8 geometries by 3 filters, the third asymmetric."""
    operation, case = key.split(".")[:2]
    geometry, kernel = divmod(int(case), 3)
    return operation != "upfirdn2d" or kernel in (2, geometry % 2)


def is_kept_augmentation(case: str, cases: list[str]) -> bool:
    """Is CASE (SIZE.SET.PERCENTILE) stored? Which percentiles of a set are kept turns with its place."""
    size, name, percentile = case.split(".", 2)
    if size == "rgb32":
        return case in SQUARE_CASES
    names = sorted({other.split(".", 2)[1] for other in cases if other.startswith(f"{size}.")})
    place = names.index(name)
    index = PERCENTILES.index(percentile)
    return index % 2 == (place + 1) % 2 if size == "gray24" else index == (place + 2) % 4


def compact_augmentations(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The constants, the inputs, and the cases that are kept."""
    cases = [key.removesuffix(".out") for key in tensors if key.endswith(".out")]
    kept = {f"{case}.{kind}" for case in cases if is_kept_augmentation(case, cases) for kind in ("out", "dx")}
    return {
        key: rounded(value) if key in kept else value
        for key, value in tensors.items()
        if key in kept or key.startswith("const.") or key.endswith((".in", ".dout"))
    }


def main(folder: Path) -> None:
    """Write all files."""
    write("augment", compact_augmentations(load_file(folder / "augment.safetensors")), {})
    manifest = json.loads((folder / "manifest.json").read_text())
    tensors = load_file(folder / "ops.safetensors")
    tensors = {key: value for key, value in tensors.items() if is_kept_operation(key)}
    ops = {key: value if key.startswith("bias_act") else rounded(value) for key, value in tensors.items()}
    write(
        "ops",
        ops,
        {case: settings for case, settings in manifest["ops"]["cases"].items() if is_kept_operation(case)},
    )
    for name, settings in NETWORKS.items():
        write(name, compact_network(name, load_file(folder / f"{name}.safetensors")), {**SHARED, **settings})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
