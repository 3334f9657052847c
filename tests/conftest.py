from __future__ import annotations

import os
import signal

# Two threads at most: the same numbers on every machine that runs the suite.
os.environ.setdefault("OMP_NUM_THREADS", "2")

# A shell starts what runs in the background with Ctrl-C ignored, and every process below it inherits that:
# tests that interrupt a command would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
