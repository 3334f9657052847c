"""The same surroundings for every test, whatever is set on the machine that runs them."""

from __future__ import annotations

import atexit
import logging
import os
import signal
import tempfile
from collections.abc import Iterator

import pytest

# Two threads at most: the same numbers on every machine that runs the suite.
os.environ.setdefault("OMP_NUM_THREADS", "2")

# torch.compile without a pool of processes that outlives the test.
os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")

# A shell starts what runs in the background with Ctrl-C ignored, and every process below it inherits that:
# tests that interrupt a command would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Ranks and servers of whatever started the tests are not those of the processes that the tests start.
for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
    os.environ.pop(name, None)

# Not the user's cache, which may be full of anything, or not there to be written.
cache = tempfile.TemporaryDirectory(prefix="ffl-tests-")
atexit.register(cache.cleanup)
os.environ["FFL_CACHE"] = cache.name

# Its first start on a machine takes matplotlib seconds, which it tells among the words that tests read.
logging.getLogger("matplotlib").setLevel(logging.ERROR)


@pytest.fixture(autouse=True, scope="session")
def git_without_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No settings of the user's, and no repository around the temporary folder."""
    with pytest.MonkeyPatch.context() as context:
        for name in [name for name in os.environ if name.startswith("GIT_")]:
            context.delenv(name)
        context.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        context.setenv("GIT_CONFIG_NOSYSTEM", "1")
        context.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path_factory.getbasetemp()))
        yield
