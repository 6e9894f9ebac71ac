"""What holds for all tests."""

from __future__ import annotations

import os

# Before OpenCV loads OpenBLAS: the threads of small problems only wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
