import os
import subprocess
import sys
from pathlib import Path


def test_an_opencv_that_cannot_load_says_what_to_type(tmp_path: Path) -> None:
    broken = tmp_path / "cv2.py"
    broken.write_text("raise ImportError('libGL.so.1: cannot open shared object file')")
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(root)])}
    command = [sys.executable, "-m", "adatune", "prep", str(tmp_path)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "libGL.so.1" in ended.stderr
    assert "pip install opencv-python-headless" in ended.stderr
    assert "Traceback" not in ended.stderr
