"""Running the trials of a sweep as Ray tasks: as many at once as the cluster has room for."""

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
from ffl_plugin.sweep.engines import Settings, fail
from ffl_plugin.sweep.plan import DONE, Plan, Trial
from ffl_plugin.sweep.processes import GRACE_SECONDS, interrupted_by
from ffl_plugin.sweep.run import run_trial

# What one training may ask for: https://docs.ray.io/en/latest/ray-core/scheduling/resources.html
RESOURCES = ("num_cpus", "num_gpus", "memory")


def start(sweep: Path, settings: Settings) -> Ray:
    """Join the cluster of ``address`` (``$RAY_ADDRESS``, else one that runs here, else a new one here).

    Args:
        sweep: the folder of the sweep; every machine of the cluster must see it under the same name.
        settings: ``address``, and what each training needs of `RESOURCES`: by default one CPU, and one GPU
            where the cluster has any.

    Raises:
        FFLError: Ray is not installed, the cluster cannot be reached or never has room for one training, or a
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
    # A new cluster here starts a worker for a training, not one for every CPU before there is any.
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
    except Exception as error:  # of that very class where a busy machine is too slow to start it
        raise FFLError(f"the Ray cluster cannot be joined: {' '.join(str(error).split())}") from None
    there: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    needs: dict[str, float] = {"num_cpus": 1, "num_gpus": 1 if there.get("GPU") else 0}
    needs.update({name: _number(name, value) for name, value in settings.items() if name != "address"})
    for name, kind in (("num_cpus", "CPU"), ("num_gpus", "GPU"), ("memory", "memory")):
        if needs.get(name, 0) > there.get(kind, 0):
            raise FFLError(
                f"the Ray cluster has {there.get(kind, 0):g} {kind}, and one training asks for "
                f"{needs[name]:g}; lower it with --engine-set {name}=..."
            )
    return Ray(needs)


class Ray:
    """Every trial a task."""

    def __init__(self, needs: dict[str, Any]) -> None:
        self.needs = needs

    def run(self, plan: Plan, trials: Sequence[Trial], tell: Callable[[str], None]) -> None:
        """Run every trial that is not done and wait for all; one whose machine is lost counts as failed.

        Raises:
            FFLError: interrupted, by Ctrl-C, SIGTERM or a closed terminal; the trainings are ended, and what
                is done stays done.
        """
        import ray

        # No retries: an attempt leaves files, and the same command tries again after the user has looked.
        task = ray.remote(max_retries=0, **self.needs)(run_task)
        waiting: dict[Any, Trial] = {}
        # Ray prints its own messages to standard output, where the report of --json goes.
        with contextlib.redirect_stdout(sys.stderr):
            try:
                with interrupted_by("SIGTERM", "SIGHUP"):
                    pending = [trial for trial in trials if trial.state() != DONE]
                    waiting.update((task.remote(plan, trial), trial) for trial in pending)
                    if waiting:
                        tell(
                            f"{len(waiting)} trainings handed to Ray, see {trials[0].folder.parent}/*/log.txt"
                        )
                    while waiting:
                        (ended,), _ = ray.wait(list(waiting))
                        trial = waiting.pop(ended)
                        tell(f"{trial}: {_outcome(ended, trial)}")
            except KeyboardInterrupt:
                for unfinished in waiting:
                    ray.cancel(unfinished)  # interrupts `run_task`, which ends its training
                if waiting:
                    ray.wait(list(waiting), num_returns=len(waiting), timeout=2 * GRACE_SECONDS)
                raise FFLError("interrupted; run the same command again to go on from there") from None
            finally:
                ray.shutdown()


def run_task(plan: Plan, trial: Trial) -> str:
    """Run one trial in a worker of Ray's."""
    # Where the cluster was started in the background of a shell, workers ignore Ctrl-C, and so `ray.cancel`.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return run_trial(plan, trial)


@contextlib.contextmanager
def _hangups_ignored() -> Iterator[None]:
    """Let what is started here outlive its terminal; we end it ourselves, once the trainings have ended."""
    if not hasattr(signal, "SIGHUP"):  # Windows
        yield
        return
    previous = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, previous)


def _address(settings: Settings) -> Optional[str]:
    """The cluster to join, ``local`` for a new one, None for the one that Ray remembers.

    Raises:
        OSError: nobody answers at an address that was given.
    """
    given = settings.get("address", os.environ.get("RAY_ADDRESS"))
    if given:
        _knock(str(given))
        return str(given)
    try:
        # Ray remembers a cluster that went down with its machine as well.
        _knock(Path(os.environ.get("RAY_TMPDIR", "/tmp"), "ray", "ray_current_cluster").read_text().strip())
    except OSError:
        return "local"
    return None


def _knock(address: str) -> None:
    """Raise ``OSError`` where nobody answers at ``HOST:PORT``: Ray itself would try for minutes."""
    host, _, port = address.rpartition("//")[2].rpartition(":")
    if port.isdigit():
        socket.create_connection((host, int(port)), timeout=10).close()


def _outcome(ended: Any, trial: Trial) -> str:
    """How a trial ended: as it says itself, or as Ray does where its worker or machine was lost."""
    import ray

    try:
        return str(ray.get(ended))
    except ray.exceptions.RayError as error:
        said = " ".join(str(error).split()) or "no reason given"
        return fail(trial, f"Ray lost it, {type(error).__name__}: {said[:300]}")


def _number(name: str, value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        raise FFLError(f"--engine-set {name} takes a number, not {value!r}") from None
