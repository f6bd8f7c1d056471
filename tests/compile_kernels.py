"""Compile every Triton kernel for the cards we name, without a card: one JSON line per kernel and target.

Run as a program in a process without TRITON_INTERPRET, as test_compile.py does. A kernel is one row of
KERNELS; constants that change the generated code deserve rows of their own.
The interpreter accepts more than the compiler: an argument annotated as Any ("Any" passes) fails here first.
"""

import importlib
import json
import re
import sys
from typing import NamedTuple

TARGETS = 75, 80, 89, 90  # T4, A100, L4, H100/H200


class Kernel(NamedTuple):
    module: str
    name: str  # of the jitted function; "name:variant" where one function has several rows
    arguments: dict[str, str]  # name: type, as in "*fp16", "*fp32", "*i64", "i32", "fp32"
    constants: dict[str, object]  # the tl.constexpr arguments
    divisible: tuple[str, ...] = ()  # integers that are multiples of 16 (pointers always are, to 16 bytes)
    num_warps: int = 4
    has_wide_loads: bool = False  # 16 bytes at a time must appear: tiles of fp16 or fp32 in memory order

    @property
    def label(self) -> str:
        return f"{self.module}.{self.name}"


FEATURES = {"demodulation": "*fp32", "noise": "*fp32", "strength": "*fp32", "bias": "*fp32", "style": "*fp32"}
SIZES = {"pixels": "i32", "channels": "i32", "noise_stride": "i32", "gain": "fp32", "clamp": "fp32"}
TILE = {"SLOPE": 0.2, "BLOCK_PIXELS": 64, "BLOCK_CHANNELS": 64}
SUMS = dict.fromkeys(["WANTS_ONES", "WANTS_U", "WANTS_NOISE", "WANTS_OTHER"], True)

DRAWS = {
    "samples": "*i64",
    "sample_stride": "i32",
    "step": "*i64",
    "seed_low": "i32",
    "seed_high": "i32",
    "purpose": "i32",
}

FILTER = {
    **dict.fromkeys(["height", "width", "rows", "columns", "channels", "x0", "y0"], "i32"),
    **dict.fromkeys(["a0", "a1", "a2", "a3", "b0", "b1", "b2", "b3"], "fp32"),
}

ACTIVATION = {"factor": "fp32", "gain": "fp32", "clamp": "fp32"}
STRIP = {"SLOPE": 0.2, "STRIP": 16, "BLOCK_COLUMNS": 16, "BLOCK_CHANNELS": 64}

PICTURE = dict.fromkeys(["channels", "height", "width"], "i32")
STEPS = dict.fromkeys(["COLOR", "OFFSET", "NOISE", "CUTOUT"], True)
RGB = {"x": "*fp16", "matrices": "*fp32", "channels": "i32"}
RGB_TILE = {"ROWS": 3, "PIXELS": 64, "CHANNELS": 64}

KERNELS = [
    Kernel(
        "adatune.ops.to_rgb_triton",
        "product_kernel",
        {
            **RGB,
            "bias": "*fp32",
            "image": "*fp32",
            "y": "*fp32",
            "is_inside": "*i1",
            "height": "i32",
            "width": "i32",
            "clamp": "fp32",
        },
        {**RGB_TILE, "CHUNKS": 2},
        divisible=("height", "width", "channels"),
        has_wide_loads=True,
    ),
    Kernel(
        "adatune.ops.to_rgb_triton",
        "product_kernel:alone",
        {**RGB, "y": "*fp32", "height": "i32", "width": "i32", "clamp": "fp32"},
        {**RGB_TILE, "CHUNKS": 2, "bias": None, "image": None, "is_inside": None},
        divisible=("height", "width", "channels"),
        has_wide_loads=True,
    ),
    Kernel(
        "adatune.ops.to_rgb_triton",
        "spread_kernel",
        {**RGB, "g": "*fp32", "dx": "*fp16", "partial": "*fp32", "pixels": "i32"},
        {**RGB_TILE, "PIXELS": 32, "ROUNDS": 16},
        divisible=("pixels", "channels"),
        has_wide_loads=True,
    ),
    Kernel(
        "adatune.random_triton",
        "uniform_kernel",
        {"u": "*fp32", **DRAWS, "count": "i32"},
        {"BLOCK": 256},
        divisible=("count",),
    ),
    Kernel(
        "adatune.random_triton",
        "normal_kernel",
        {"x": "*fp32", **DRAWS, "count": "i32", "half": "i32"},
        {"SHIFT": 0, "BLOCK": 256},
        divisible=("count", "half"),
    ),
    Kernel(
        "adatune.random_triton",
        "normal_kernel:one draw",  # Triton makes constants of ones
        {"x": "*fp32", **DRAWS},
        {"count": 1, "half": 1, "SHIFT": 1, "BLOCK": 256},
    ),
    Kernel(
        "adatune.ops.adam_triton",
        "adam_kernel",
        {
            "parameters": "*fp32",
            "count": "i64",
            "gradients": "*fp32",
            "squares": "*fp32",
            "steps": "*i64",
            "learning_rate": "fp32",
            "log_beta2": "fp32",
            "beta2": "fp32",
            "one_minus_beta2": "fp32",
            "epsilon": "fp32",
        },
        {"BLOCK": 2048},
        divisible=("count",),
        has_wide_loads=True,
    ),
    Kernel(
        "adatune.ops.epilogue_triton",
        "forward_kernel:generator",
        {"u": "*fp16", **FEATURES, "out": "*fp16", **SIZES},
        {"residual": None, **TILE},
        divisible=("channels", "pixels"),
        has_wide_loads=True,
    ),
    Kernel(
        "adatune.ops.epilogue_triton",
        "forward_kernel:discriminator",
        {"u": "*fp32", "bias": "*fp32", "residual": "*fp32", "out": "*fp32", **SIZES},
        {**dict.fromkeys(["demodulation", "noise", "strength", "style"]), **TILE},
        divisible=("channels", "pixels"),
        has_wide_loads=True,
    ),
    Kernel(
        "adatune.ops.epilogue_triton",
        "gradient_kernel:generator",
        {"g": "*fp16", "u": "*fp16", **FEATURES, "gu": "*fp16", "partial": "*fp32", **SIZES},
        {"HAS_RESULT": False, **SUMS, **TILE},
        divisible=("channels", "pixels"),
        has_wide_loads=True,
    ),
    Kernel(
        "adatune.ops.epilogue_triton",
        "gradient_kernel:discriminator",
        {"g": "*fp16", "u": "*fp16", "bias": "*fp32", "gu": "*fp16", "partial": "*fp32", **SIZES},
        {
            **dict.fromkeys(["demodulation", "noise", "strength", "style"]),
            "HAS_RESULT": True,
            **dict.fromkeys(SUMS, False),
            "WANTS_ONES": True,
            **TILE,
        },
        divisible=("channels", "pixels"),
        has_wide_loads=True,
    ),
    Kernel(
        "adatune.ops.epilogue_triton",
        "second_gradient_kernel",
        {
            **dict.fromkeys(["a", "g", "u", "cg", "cu"], "*fp16"),
            **FEATURES,
            **dict.fromkeys(
                ["of_cotangent", "of_u", "of_noise", "of_ones", "of_result", "of_slope"], "*fp32"
            ),
            "partial": "*fp32",
            **SIZES,
        },
        {"HAS_RESULT": False, **SUMS, **TILE},
        divisible=("channels", "pixels"),
        has_wide_loads=True,
    ),
    Kernel(
        "adatune.ops.upfirdn2d_triton",
        "filter_kernel:same",
        {"x": "*fp16", "out": "*fp16", **FILTER},
        {"plus": None, "UP": 1, "DOWN": 1, "STRIP": 16, "BLOCK_COLUMNS": 16, "BLOCK_CHANNELS": 64},
        divisible=("channels",),
        has_wide_loads=True,
    ),
    Kernel(
        "adatune.ops.upfirdn2d_triton",
        "filter_kernel:up",
        {"x": "*fp16", "out": "*fp16", **FILTER},
        {"plus": None, "UP": 2, "DOWN": 1, "STRIP": 16, "BLOCK_COLUMNS": 16, "BLOCK_CHANNELS": 64},
        divisible=("channels",),
        has_wide_loads=True,
    ),
    Kernel(
        "adatune.ops.upfirdn2d_triton",
        "filter_kernel:up, added",
        {"x": "*fp16", "plus": "*fp16", "out": "*fp16", **FILTER},
        {"UP": 2, "DOWN": 1, "STRIP": 16, "BLOCK_COLUMNS": 16, "BLOCK_CHANNELS": 64},
        divisible=("channels",),
        has_wide_loads=True,
    ),
    Kernel(
        "adatune.ops.upfirdn2d_triton",
        "filter_kernel:down",
        {"x": "*fp16", "out": "*fp16", **FILTER},
        {"plus": None, "UP": 1, "DOWN": 2, "STRIP": 16, "BLOCK_COLUMNS": 16, "BLOCK_CHANNELS": 64},
        divisible=("channels",),
        has_wide_loads=True,
    ),
    Kernel(
        "adatune.ops.epilogue_filter_triton",
        "epilogue_filter_kernel:forward",
        {"x": "*fp16", "bias": "*fp32", "out": "*fp16", **FILTER, **ACTIVATION},
        {**dict.fromkeys(["before", "after", "sums"]), "ACTIVATES": True, **STRIP},
        divisible=("channels",),
        has_wide_loads=True,
    ),
    Kernel(
        "adatune.ops.epilogue_filter_triton",
        "epilogue_filter_kernel:gradients",
        {
            "x": "*fp16",
            "after": "*fp16",
            "bias": "*fp32",
            "out": "*fp16",
            "sums": "*fp32",
            **FILTER,
            **ACTIVATION,
        },
        {**dict.fromkeys(["before"]), "ACTIVATES": False, **STRIP},
        divisible=("channels",),
        has_wide_loads=True,
    ),
    Kernel(
        "adatune.ops.epilogue_filter_triton",
        "epilogue_filter_kernel:second gradient",
        {"x": "*fp16", "before": "*fp16", "bias": "*fp32", "out": "*fp16", **FILTER, **ACTIVATION},
        {**dict.fromkeys(["after", "sums"]), "ACTIVATES": False, **STRIP},
        divisible=("channels",),
        has_wide_loads=True,
    ),
    Kernel(
        "adatune.ops.fir_epilogue_triton",
        "fir_epilogue_kernel:not kept",
        {
            "u": "*fp16",
            **FEATURES,
            "out": "*fp16",
            **FILTER,
            "noise_stride": "i32",
            "gain": "fp32",
            "clamp": "fp32",
        },
        {"v": None, **STRIP},
        divisible=("channels",),
        has_wide_loads=True,
    ),
    Kernel(
        "adatune.ops.fir_epilogue_triton",
        "fir_epilogue_kernel",
        {
            "u": "*fp16",
            **FEATURES,
            "out": "*fp16",
            "v": "*fp16",
            **FILTER,
            "noise_stride": "i32",
            "gain": "fp32",
            "clamp": "fp32",
        },
        {**STRIP},
        divisible=("channels",),
        has_wide_loads=True,
    ),
    Kernel(
        "adatune.ops.warp_triton",
        "warp_kernel",
        {
            **dict.fromkeys(["images", "inverse", "taps", "samples"], "*fp32"),
            **dict.fromkeys(["height", "width", "inverse_stride"], "i32"),
        },
        {"BLOCK": 128, "CHANNELS": 3},
    ),
    Kernel(
        "adatune.ops.warp_triton",
        "warp_adjoint_kernel",
        {
            **dict.fromkeys(["samples", "inverse", "taps", "images"], "*fp32"),
            **PICTURE,
            **dict.fromkeys(["inverse_stride", "image_stride", "row_stride", "column_stride"], "i32"),
        },
        {"channel_stride": 1, "BLOCK": 32, "CANDIDATES": 16, "CHANNELS": 4},
    ),
    Kernel(
        "adatune.augment.effects_triton",
        "effects_kernel",
        {
            **dict.fromkeys(["draws", "p", "numbers", "effects"], "*fp32"),
            "columns": "*i64",
            **dict.fromkeys(["draws_stride", "count", "height", "width"], "i32"),
        },
        {"BLOCK": 32},
        num_warps=1,
    ),
    Kernel(
        "adatune.augment.finish_triton",
        "finish_pictures_kernel",
        {
            **dict.fromkeys(["pictures", "out", "effects", "noise"], "*fp32"),
            **PICTURE,
            "effects_stride": "i32",
        },
        {"BLOCK": 256, "SIZE": 4, "TURNED": False, **STEPS},
    ),
    Kernel(
        "adatune.augment.finish_triton",
        "finish_grid_kernel:color",
        {
            **dict.fromkeys(["grid", "out", "taps", "effects", "noise"], "*fp32"),
            **PICTURE,
            "effects_stride": "i32",
        },
        {"ROWS": 16, "COLUMNS": 64, "SIZE": 4, **STEPS},
    ),
    Kernel(
        "adatune.augment.finish_triton",
        "finish_grid_kernel:grey",
        {
            **dict.fromkeys(["grid", "out", "taps", "effects", "noise"], "*fp32"),
            **dict.fromkeys(["height", "width", "effects_stride"], "i32"),
        },
        {"channels": 1, "ROWS": 16, "COLUMNS": 64, "SIZE": 1, **STEPS},
    ),
    Kernel(
        "adatune.augment.finish_triton",
        "finish_grid_adjoint_kernel",
        {
            **dict.fromkeys(["gradient", "grid", "taps", "effects"], "*fp32"),
            **PICTURE,
            "effects_stride": "i32",
        },
        {"ROWS": 16, "COLUMNS": 64, "SIZE": 4, "COLOR": True, "CUTOUT": True},
    ),
]


def compiled(kernel: Kernel, capability: int) -> dict[str, object]:
    """What came of KERNEL on a card of CAPABILITY: sizes and counts, or the error."""
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource, compile

    function = getattr(importlib.import_module(kernel.module), kernel.name.split(":")[0])
    unknown = (kernel.arguments.keys() | kernel.constants.keys()) ^ set(function.arg_names)
    if unknown:
        raise ValueError(f"the row and the function's signature differ in {', '.join(sorted(unknown))}")
    signature = {name: kernel.arguments.get(name, "constexpr") for name in function.arg_names}
    attributes = {
        (position,): [["tt.divisibility", 16]]
        for position, (name, kind) in enumerate(signature.items())
        if kind.startswith("*") or name in kernel.divisible
    }
    binary = compile(
        ASTSource(fn=function, signature=signature, constexprs=kernel.constants, attrs=attributes),
        target=GPUTarget("cuda", capability, 32),
        options={"num_warps": kernel.num_warps, "num_stages": 2},
    )
    wide = r"ld\.global\S*\.(v4\.(b32|f32|u32)|v2\.(b64|f64|u64)|b128)"
    return {
        "cubin_bytes": len(binary.asm["cubin"]),
        "dots": binary.asm["ttir"].count("tt.dot"),
        "wide_loads": len(re.findall(wide, binary.asm["ptx"])),
        "shared_bytes": binary.metadata.shared,
    }


def main() -> None:
    """Compile everything; an error is a line like any other."""
    for kernel in KERNELS:
        for capability in TARGETS:
            try:
                result = compiled(kernel, capability)
            except Exception as error:
                result = {"error": f"{type(error).__name__}: {error}"}
            print(json.dumps({"kernel": kernel.label, "capability": capability, **result}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
