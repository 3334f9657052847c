"""Running the trials of a sweep as Ray tasks: as many at once as the cluster has room for."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ffl_plugin.errors import FFLError
from ffl_plugin.sweep.engines import Settings
from ffl_plugin.sweep.plan import DONE, FAILED, Plan, Trial
from ffl_plugin.sweep.run import GRACE_SECONDS, run_trial

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
    address = settings.get("address")
    try:
        if address is not None:
            _knock(str(address))
        ray.init(None if address is None else str(address), log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, RuntimeError, ValueError) as error:
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
            FFLError: interrupted; the tasks are ended, and what is done stays done.
        """
        import ray

        # No retries: an attempt leaves files, and the same command tries again after the user has looked.
        task = ray.remote(max_retries=0, **self.needs)(run_trial)
        tasks = {task.remote(plan, trial): trial for trial in trials if trial.state() != DONE}
        if not tasks:
            return
        tell(f"{len(tasks)} trainings handed to Ray, see {trials[0].folder.parent}/*/log.txt")
        waiting = list(tasks)
        try:
            while waiting:
                (ended,), waiting = ray.wait(waiting)
                tell(f"{tasks[ended]}: {_outcome(ended)}")
        except KeyboardInterrupt:
            for unfinished in waiting:
                ray.cancel(unfinished)  # interrupts `run_trial`, which ends its training
            if waiting:
                ray.wait(waiting, num_returns=len(waiting), timeout=2 * GRACE_SECONDS)
            raise FFLError("interrupted; run the same command again to go on from there") from None


def _knock(address: str) -> None:
    """Raise ``OSError`` where nobody answers at ``HOST:PORT``: Ray itself would try for minutes."""
    host, _, port = address.rpartition("//")[2].rpartition(":")
    if port.isdigit():
        socket.create_connection((host, int(port)), timeout=10).close()


def _outcome(ended: Any) -> str:
    import ray

    try:
        return str(ray.get(ended))
    except ray.exceptions.RayError as error:
        return f"{FAILED} ({type(error).__name__})"


def _number(name: str, value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        raise FFLError(f"--engine-set {name} takes a number, not {value!r}") from None
