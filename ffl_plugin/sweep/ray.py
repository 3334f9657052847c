"""Runs the trials of a sweep as Ray tasks, as many at once as the cluster has resources for."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Optional

from ffl_plugin.errors import FFLError
from ffl_plugin.processes import GRACE_SECONDS, interrupted_by
from ffl_plugin.sweep.engines import Settings, fail
from ffl_plugin.sweep.plan import DONE, Plan, Trial
from ffl_plugin.sweep.run import run_trial

# Resources of a training: https://docs.ray.io/en/latest/ray-core/scheduling/resources.html
RESOURCES = ("num_cpus", "num_gpus", "memory")


def start(sweep: Path, settings: Settings) -> Ray:
    """Join the cluster at ``address`` (else ``$RAY_ADDRESS``, a local cluster, or a new one).

    Args:
        sweep: the folder of the sweep; every machine of the cluster must see it at the same path.
        settings: ``address``, and the `RESOURCES` of each training: by default one CPU, and one GPU if the
            cluster has any.

    Raises:
        FFLError: Ray is not installed, the cluster cannot be reached or is too small for one training, or a
            parameter is unknown.
    """
    unknown = sorted(set(settings) - {"address", *RESOURCES})
    if unknown:
        raise FFLError(
            f"--engine ray takes {', '.join(('address', *RESOURCES))} with --engine-set, not {unknown[0]}"
        )
    try:
        import ray
    except ModuleNotFoundError:
        raise FFLError("--engine ray needs the package ray: pip install 'ffl-plugin[ray]'") from None
    # A new cluster starts a worker per training, not one per CPU in advance.
    os.environ.setdefault("RAY_prestart_worker_first_driver", "0")
    try:
        address = _address(settings)
        with _hangups_ignored():
            ray.init(
                address,
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
    except Exception as error:  # Ray raises a bare Exception when a busy machine is too slow to start it
        raise FFLError(f"cannot join the Ray cluster: {' '.join(str(error).split())}") from None
    available: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    needs: dict[str, float] = {"num_cpus": 1, "num_gpus": 1 if available.get("GPU") else 0}
    needs.update({name: _number(name, value) for name, value in settings.items() if name != "address"})
    for name, kind in (("num_cpus", "CPU"), ("num_gpus", "GPU"), ("memory", "memory")):
        if needs.get(name, 0) > available.get(kind, 0):
            raise FFLError(
                f"the Ray cluster has {available.get(kind, 0):g} {kind}, but one training requests "
                f"{needs[name]:g}; lower it with --engine-set {name}=..."
            )
    return Ray(needs)


class Ray:
    """Runs each trial as a task."""

    def __init__(self, needs: dict[str, Any]) -> None:
        self.needs = needs

    def run(self, plan: Plan, trials: Sequence[Trial], echo: Callable[[str], None]) -> None:
        """Run every trial that is not done and wait for all; a trial whose machine is lost counts as failed.

        Raises:
            FFLError: interrupted by Ctrl-C, SIGTERM or a closed terminal; running trainings are ended, and
                completed ones are kept.
        """
        import ray

        # No retries: an attempt leaves files, and the user should look before running the command again.
        task = ray.remote(max_retries=0, **self.needs)(run_task)
        waiting: dict[Any, Trial] = {}
        # Ray prints its own messages to standard output, where the report of --json goes.
        with contextlib.redirect_stdout(sys.stderr):
            try:
                with interrupted_by("SIGTERM", "SIGHUP"):
                    pending = [trial for trial in trials if trial.state() != DONE]
                    waiting.update((task.remote(plan, trial), trial) for trial in pending)
                    if waiting:
                        echo(
                            f"{len(waiting)} trainings handed to Ray, see {trials[0].folder.parent}/*/log.txt"
                        )
                    while waiting:
                        (ended,), _ = ray.wait(list(waiting))
                        trial = waiting.pop(ended)
                        echo(f"{trial}: {_outcome(ended, trial)}")
            except KeyboardInterrupt:
                for unfinished in waiting:
                    ray.cancel(unfinished)  # interrupts `run_task`, which ends its training
                if waiting:
                    ray.wait(list(waiting), num_returns=len(waiting), timeout=2 * GRACE_SECONDS)
                raise FFLError("interrupted; run the same command again to continue") from None
            finally:
                ray.shutdown()


def run_task(plan: Plan, trial: Trial) -> str:
    """Run one trial in a Ray worker."""
    # If the cluster was started in the background of a shell, workers ignore SIGINT, and thus `ray.cancel`.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return run_trial(plan, trial)


@contextlib.contextmanager
def _hangups_ignored() -> Iterator[None]:
    """Make processes started here survive a hangup; they are ended explicitly after the trainings."""
    if not hasattr(signal, "SIGHUP"):  # Windows
        yield
        return
    previous = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, previous)


def _address(settings: Settings) -> Optional[str]:
    """Return the cluster to join, ``local`` for a new one, None for the one that Ray has recorded.

    Raises:
        OSError: nothing answers at a given address.
    """
    given = settings.get("address", os.environ.get("RAY_ADDRESS"))
    if given:
        _probe(str(given))
        return str(given)
    try:
        # The recorded cluster may have gone down with its machine.
        _probe(Path(os.environ.get("RAY_TMPDIR", "/tmp"), "ray", "ray_current_cluster").read_text().strip())
    except OSError:
        return "local"
    return None


def _probe(address: str) -> None:
    """Raise ``OSError`` if nothing answers at ``HOST:PORT``; Ray itself would retry for minutes."""
    host, _, port = address.rpartition("//")[2].rpartition(":")
    if port.isdigit():
        socket.create_connection((host, int(port)), timeout=10).close()


def _outcome(ended: Any, trial: Trial) -> str:
    """Return a trial's outcome: its own, or Ray's if the worker or machine was lost."""
    import ray

    try:
        return str(ray.get(ended))
    except ray.exceptions.RayError as error:
        reason = " ".join(str(error).split()) or "no reason given"
        return fail(trial, f"lost by Ray, {type(error).__name__}: {reason[:300]}")


def _number(name: str, value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        raise FFLError(f"--engine-set {name} takes a number, not {value!r}") from None
