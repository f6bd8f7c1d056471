"""Write the pickles of tests/data and what they must give, from the published reference files.

python tests/data/make_pickles.py REFERENCE_FOLDER

The expected tensors repeat the pickle's weights, so only the SHA-256 of their float32 bytes is kept.
"""

import hashlib
import json
import lzma
import sys
from pathlib import Path

from safetensors.torch import load_file, save_file

NAMES = ("ada_pytorch_cond16", "ada_pytorch_uncond32", "ada_tensorflow_uncond32")


def main(reference: Path) -> None:
    here = Path(__file__).parent
    for name in NAMES:
        raw = (reference / f"{name}.pkl").read_bytes()
        (here / f"{name}.pkl.xz").write_bytes(lzma.compress(raw, preset=9 | lzma.PRESET_EXTREME))
        expected = load_file(reference / f"{name}.expected.safetensors")
        kept = {key: value for key, value in expected.items() if key.startswith(("in.", "out."))}
        sums = {
            key: [list(value.shape), hashlib.sha256(value.float().numpy().tobytes()).hexdigest()]
            for key, value in expected.items()
            if key not in kept
        }
        save_file(
            kept, here / f"{name}.expected.safetensors", metadata={"sums": json.dumps(sums, sort_keys=True)}
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
