"""A real SLURM of one node, for tests: without root and without accounting, everything in one folder.

    python tests/sweep/slurm_node.py FOLDER

prints what to export and runs until Ctrl-C. It needs the programs of SLURM and munge: on Debian and Ubuntu
``apt-get install slurm-wlm munge``.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

# Seconds: after SlurmdTimeout a silent node is lost; KillWait after a job is asked to end, it is killed.
CONFIGURATION = """\
ClusterName=one
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/socket
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
KillWait=10
SlurmdTimeout=10
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> list[str]:
    """The programs that are not installed."""
    return [name for name in ("munged", "slurmctld", "slurmd", "sbatch", "squeue") if _program(name) is None]


def _program(name: str) -> str | None:
    return shutil.which(name, path=os.pathsep.join((os.environ["PATH"], "/usr/sbin", "/sbin")))


class Node:
    """The daemons, and where their configuration is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.configuration = folder / "slurm.conf"
        self.environment = dict(os.environ, SLURM_CONF=str(self.configuration))
        self.daemons: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Start what does not run, and wait until the node takes jobs."""
        munge = ["--foreground", "--force", f"--socket={self.folder}/socket", f"--key-file={self.folder}/key"]
        munge += [f"--{name}-file={self.folder}/munged.{name}" for name in ("pid", "log", "seed")]
        for name, options in (("munged", munge), ("slurmctld", ["-D"]), ("slurmd", ["-D"])):
            if name not in self.daemons:
                with (self.folder / f"{name}.out").open("ab") as out:
                    self.daemons[name] = subprocess.Popen(
                        [str(_program(name)), *options],
                        env=self.environment, stdout=out, stderr=out, start_new_session=True,
                    )  # fmt: skip
                time.sleep(1)
        for _ in range(120):
            if self.ask("sinfo", "--noheader", "--format=%T") in ("idle\n", "mixed\n", "allocated\n"):
                return
            time.sleep(0.5)
        raise RuntimeError(f"the node did not come up; see {self.folder}/*.out")

    def ask(self, *command: str) -> str:
        """What a program of SLURM prints."""
        return subprocess.run(command, env=self.environment, capture_output=True, text=True).stdout

    def lose(self) -> None:
        """Kill the node's daemon and everything of its jobs at once, as a cut of its power does."""
        daemon = self.daemons.pop("slurmd")
        lost = [daemon.pid]
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                names = (process / "environ").read_bytes().split(b"\0")
                steps = (process / "cmdline").read_bytes().startswith(b"slurmstepd")
                of_jobs = steps or any(name.startswith(b"SLURM_JOB_ID=") for name in names)
                if of_jobs and f"SLURM_CONF={self.configuration}".encode() in names:
                    lost.append(int(process.name))
        for number in lost:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        daemon.wait()

    def stop(self) -> None:
        """End the jobs and the daemons."""
        if len(self.daemons) == 3:
            self.ask("scancel", "--me")
        for name in ("slurmd", "slurmctld", "munged"):
            if name in self.daemons:
                self.daemons[name].terminate()
                self.daemons.pop(name).wait(30)


@contextlib.contextmanager
def one_node(folder: Path) -> Iterator[Node]:
    """Run a node for as long as the block, in a new folder."""
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    key = folder / "key"
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o400)
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2)]
        ports = [each.getsockname()[1] for each in sockets]
    host = socket.gethostname().partition(".")[0]
    node = Node(folder)
    node.configuration.write_text(
        CONFIGURATION.format(
            host=host, ports=ports, user=getpass.getuser(), folder=folder, cpus=os.cpu_count()
        )
    )
    try:
        node.start()
        yield node
    finally:
        node.stop()


if __name__ == "__main__":
    with one_node(Path(sys.argv[1]).absolute()) as running:
        print(f"export SLURM_CONF={running.configuration}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()
