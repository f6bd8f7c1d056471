"""The view of a face that everything is measured on: levelled, of one size, with the eyes in one place."""

import numpy as np
from numpy.typing import NDArray

VIEW_WIDTH, VIEW_HEIGHT = 256, 320  # pixels
VIEW_EYES = 64.0  # pixels between the eyes
EYE_LINE = 0.47 * VIEW_HEIGHT  # pixels from the top; the eyes lie at 96 and 160 from the left


def ellipse(middle_y: float, half_width: float, half_height: float) -> NDArray[np.bool_]:
    """The pixels of the view in an ellipse on its middle axis; lengths in pixels."""
    y, x = np.mgrid[0:VIEW_HEIGHT, 0:VIEW_WIDTH]
    return ((x - VIEW_WIDTH / 2) / half_width) ** 2 + ((y - middle_y) / half_height) ** 2 <= 1


# From above the brows to below the lips; hair, background and borders stay out.
FACE = ellipse(EYE_LINE + 0.45 * VIEW_EYES, 0.85 * VIEW_EYES, 1.1 * VIEW_EYES)
