"""Kernels are tested in Triton's interpreter, which has to be asked for before triton is imported."""

import os

os.environ["TRITON_INTERPRET"] = "1"
