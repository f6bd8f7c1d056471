"""The one import of OpenCV: on a bare server it fails for want of libGL, and the user needs one line."""

from adatune.errors import PhotosError

try:
    import cv2
except ImportError as error:
    raise PhotosError(
        f"OpenCV cannot be imported ({error}). Its usual package needs a display's libraries. "
        "Put the same module without windows in its place: pip uninstall -y opencv-python; "
        "pip install opencv-python-headless"
    ) from error

__all__ = ["cv2"]
