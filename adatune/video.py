"""Frames to a film: H.264 through a pipe to ffmpeg, else VP9 by OpenCV; one frame in memory at a time.

A film is there whole or not at all, whatever stops its making.
"""

import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from types import FrameType
from typing import IO, Any

import numpy as np

from adatune.errors import UsageError, VideoError
from adatune.home import is_leftover, write_atomically
from adatune.images import Pixels

SUFFIX = ".mp4"
_QUALITY = 16  # x264's constant rate factor: losses below it are hard to see
# Pictures are sRGB, whose primaries are BT.709's. Without the matrix and the tags many players guess BT.601,
# and reds turn orange.
_COLOUR = "scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int,format=yuv420p"
_TAGS = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv")
_OPENCV_CODECS = ("vp09", "mp4v")  # four characters each; the first that this OpenCV can write


@dataclass(frozen=True)
class Encoder:
    """What writes a film."""

    name: str  # for people
    program: str | None  # an ffmpeg; None: OpenCV


def find_encoder() -> Encoder:
    """The best encoder here: the ffmpeg on the PATH, else that of imageio-ffmpeg, else OpenCV.

    An ffmpeg without libx264 (some distributions leave it out) does not count.
    """
    program = shutil.which("ffmpeg")
    if program is not None and _writes_h264(program):
        return Encoder(f"ffmpeg ({program}), H.264", program)
    program = _bundled_ffmpeg()
    if program is not None and _writes_h264(program):
        return Encoder("ffmpeg (of imageio-ffmpeg), H.264", program)
    return Encoder("OpenCV, VP9 (for H.264: pip install imageio-ffmpeg)", None)


def check_film_path(path: Path) -> None:
    """Refuse a PATH that is not called .mp4.

    Raises:
        UsageError: it ends in something else.
    """
    if path.suffix.lower() != SUFFIX:
        raise UsageError(
            f"{str(path)!r} does not end in {SUFFIX}, which films are. Call it {path.stem}{SUFFIX}."
        )


def save_video(
    frames: Iterable[Pixels], path: Path, frames_per_second: float, encoder: Encoder | None = None
) -> int:
    """Write FRAMES to PATH as they come; an odd side grows by one pixel, which H.264 asks for.

    Args:
        frames: [height, width, 3] uint8 RGB, all of one size. They may be as many as the disk holds.
        path: the .mp4 to make or replace; its folder is made.
        frames_per_second: of the film.
        encoder: writes it; default: what `find_encoder` finds.

    Returns:
        how many frames there were.

    Raises:
        VideoError: the encoder failed, or there were no frames.
        UsageError: PATH does not end in .mp4.
    """
    check_film_path(path)
    encoder = find_encoder() if encoder is None else encoder
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(path.parent)
    count = 0

    def counted() -> Iterator[Pixels]:
        nonlocal count
        for frame in frames:
            count += 1
            yield _even_sides(frame)

    def write(temporary: Path) -> None:
        source = counted()
        first = next(source, None)
        if first is None:
            raise VideoError(f"There are no frames to make {path.name} of.")
        size = first.shape[1], first.shape[0]
        if encoder.program is None:
            _write_by_opencv(chain([first], source), temporary, size, frames_per_second)
        else:
            command = _ffmpeg_command(encoder.program, temporary, size, frames_per_second)
            _write_through_pipe(chain([first], source), command, path)

    write_atomically(path, write)
    return count


def _remove_leftovers(folder: Path) -> None:
    """Delete the unfinished films of killed processes: they are large, and hidden."""
    for path in folder.glob(f".*.tmp{SUFFIX}"):
        if is_leftover(path):
            with suppress(OSError):  # another user's, or gone
                path.unlink()


def _even_sides(frame: Pixels) -> Pixels:
    height, width, _ = frame.shape
    if height % 2 or width % 2:
        frame = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return np.ascontiguousarray(frame)


def _writes_h264(program: str) -> bool:
    command = [program, "-hide_banner", "-encoders"]
    try:
        listed = subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):  # not a program for this machine: as good as none
        return False
    return b" libx264 " in listed.stdout


def _bundled_ffmpeg() -> str | None:
    """The program that imageio-ffmpeg brings, if it is installed and has one for this machine."""
    try:
        from imageio_ffmpeg import get_ffmpeg_exe
    except ImportError:
        return None
    try:
        return get_ffmpeg_exe()
    except RuntimeError:  # none for this machine
        return None


def _ffmpeg_command(program: str, path: Path, size: tuple[int, int], frames_per_second: float) -> list[str]:
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{size[0]}x{size[1]}"]
    return [
        *(program, "-hide_banner", "-loglevel", "error", "-y"),
        *(*source, "-framerate", f"{frames_per_second:.9g}", "-i", "pipe:0", "-an"),
        *("-c:v", "libx264", "-crf", str(_QUALITY), "-vf", _COLOUR, *_TAGS),
        *("-movflags", "+faststart", "-f", "mp4", str(path.absolute())),
    ]


def _write_through_pipe(frames: Iterable[Pixels], command: list[str], path: Path) -> None:
    """Feed FRAMES to COMMAND, an ffmpeg; PATH is what the film will be called."""
    with tempfile.TemporaryFile() as complaints:
        with _running(command, complaints) as (process, pipe):
            with suppress(BrokenPipeError):  # it ended early; its own words say why
                _feed(frames, pipe)
            code = process.wait()
        if code != 0:
            raise VideoError(
                f"ffmpeg could not write {path.name}: {_last_words(complaints)} Check the free space, or "
                "take that ffmpeg off the PATH: the one of 'pip install imageio-ffmpeg' is used then."
            )


@contextmanager
def _running(
    command: list[str], complaints: IO[bytes]
) -> Iterator[tuple["subprocess.Popen[bytes]", IO[bytes]]]:
    """COMMAND as a process that reads from a pipe and writes to COMPLAINTS. It never outlives the block."""
    release = _hold_interrupts()
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=complaints,
            start_new_session=True,  # or Ctrl-C would reach it before us
        )
    except BaseException:
        release()
        raise
    assert process.stdin is not None, "asked for above"
    try:
        release()
        yield process, process.stdin
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        with suppress(BrokenPipeError):
            process.stdin.close()


def _hold_interrupts() -> Callable[[], None]:
    """Let Ctrl-C wait until the function that is returned is called; it raises then.

    Without it a Ctrl-C while a process starts leaves one that nobody knows and nobody ends.
    """
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        return lambda: None
    held: list[tuple[int, FrameType | None]] = []
    signal.signal(signal.SIGINT, lambda number, frame: held.append((number, frame)))

    def release() -> None:
        signal.signal(signal.SIGINT, handler)
        if held:
            handler(*held[0])

    return release


def _feed(frames: Iterable[Pixels], pipe: IO[bytes]) -> None:
    for frame in frames:
        pipe.write(frame.data)
    pipe.close()


def _last_words(complaints: IO[bytes]) -> str:
    """The last line that says something; ffmpeg ends every failure with 'Conversion failed!'."""
    complaints.seek(0)
    lines = [line.strip() for line in complaints.read().decode(errors="replace").splitlines() if line.strip()]
    telling = [line for line in lines if line != "Conversion failed!"]
    return (telling or lines or ["it gave no reason."])[-1].removesuffix(".") + "."


def _write_by_opencv(
    frames: Iterable[Pixels], path: Path, size: tuple[int, int], frames_per_second: float
) -> None:
    """Write with the FFmpeg inside OpenCV, which has VP9 but not H.264."""
    try:
        import cv2
    except ImportError as error:
        raise VideoError(
            f"No film can be written: there is no ffmpeg, and OpenCV cannot be imported ({error}). "
            "Put ffmpeg on the PATH, or: pip install imageio-ffmpeg"
        ) from error
    writer: Any = None
    for codec in _OPENCV_CODECS:
        code = cv2.VideoWriter.fourcc(*codec)
        writer = cv2.VideoWriter(str(path.absolute()), cv2.CAP_FFMPEG, code, frames_per_second, size)
        if writer.isOpened():
            break
    try:
        if not writer.isOpened():
            raise VideoError(
                "This OpenCV writes no films. Put ffmpeg on the PATH, or: pip install imageio-ffmpeg"
            )
        for frame in frames:
            writer.write(np.ascontiguousarray(frame[:, :, ::-1]))  # it counts blue, green, red
    finally:
        writer.release()
    if not path.stat().st_size:
        raise VideoError("OpenCV wrote nothing. Check the free space, or: pip install imageio-ffmpeg")
