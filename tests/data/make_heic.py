"""Makes ramp.heic, turned by its header: pip install pillow-heif (its encoder is not needed to read it).

python tests/data/make_heic.py
"""

from pathlib import Path

import numpy as np
import pillow_heif
from PIL import Image

pillow_heif.register_heif_opener()
y, x = np.mgrid[0:96, 0:160]
ramp = np.stack([x * 255 / 159, y * 255 / 95, np.full_like(x, 64)], axis=-1).round().astype(np.uint8)
exif = Image.Exif()
exif[0x0112] = 6
Image.fromarray(ramp).save(Path(__file__).parent / "ramp.heic", quality=80, exif=exif.tobytes())
