"""Methods of OpenCV that cannot be trusted beside others, in a process of their own.

Threads of LSC race, so that the same image has other labels the next time, and manifold SLIC writes
past its memory, which ends the process. A process of its own has one thread without taking the
others' from OpenCV's other users, and its crash becomes an error that says what to do.
"""

from __future__ import annotations

import io
import subprocess
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

# Manifold SLIC crashes with some sides of superpixels and not with others.
_OTHER_SIDES = (0, 1, -1, 2)


def ximgproc() -> Any:
    """OpenCV's module of that name; an `InputError` if the OpenCV that is installed lacks it."""
    import cv2

    if not hasattr(cv2, "ximgproc"):
        # opencv-python without contrib has the same import name.
        raise InputError(
            "The OpenCV that is installed lacks ximgproc. Install the one that has it: "
            "pip install 'napari-ncut[classic]'"
        )
    return cv2.ximgproc


def labels_of(
    image: NDArray[np.uint8], method: str, side: int, weight: float, rounds: int
) -> NDArray[np.int32]:
    """Whole numbers (h, w) of an image (h, w, c).

    Parameters
    ----------
    method
        "lsc" or "mslic".
    side
        Of a square of as many pixels as a superpixel shall have.
    weight
        LSC's ratio, or SLIC's ruler.
    rounds
        Iterations.

    Raises
    ------
    InputError
        If it crashes with any side near to that.
    """
    given = io.BytesIO()
    np.save(given, image, allow_pickle=False)
    for more in _OTHER_SIDES:
        options = (method, max(side + more, 2), weight, rounds)
        command = [sys.executable, "-c", _PROGRAM, *map(str, options)]
        done = subprocess.run(command, input=given.getvalue(), capture_output=True, check=False)
        if done.returncode == 0:
            labels: NDArray[np.int32] = np.load(io.BytesIO(done.stdout), allow_pickle=False)
            return labels
    raise InputError(
        f"OpenCV's {method.upper()} crashed on this image of {image.shape[0]} × {image.shape[1]} "
        f"pixels, which is a fault of its own. Ask for fewer or more superpixels, or choose "
        f"another method."
    )


# No module of this package: importing that would take longer than the work. 102 is manifold SLIC.
_PROGRAM = """
import io, sys
import cv2, numpy as np
cv2.setNumThreads(1)
image = np.load(io.BytesIO(sys.stdin.buffer.read()), allow_pickle=False)
method, side, weight, rounds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
if method == "lsc":
    segmenter = cv2.ximgproc.createSuperpixelLSC(image, side, weight)
else:
    segmenter = cv2.ximgproc.createSuperpixelSLIC(image, 102, side, weight)
segmenter.iterate(rounds)
np.save(sys.stdout.buffer, segmenter.getLabels(), allow_pickle=False)
"""
