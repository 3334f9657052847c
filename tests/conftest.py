from __future__ import annotations

import os

# Two threads at most: the same numbers on every machine that runs the suite.
os.environ.setdefault("OMP_NUM_THREADS", "2")
