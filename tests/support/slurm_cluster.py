"""A real Slurm of two machines on this one: munged, slurmctld and two slurmd, for as long as a test needs them.

    with cluster() as environment: subprocess.run(["sinfo"], env=environment)

Debian's slurm-wlm is installed where it is missing. All that it writes lies in a temporary folder, and all ports are
free ones. No accounting, and no control groups, which a container need not have. A job that is put into the queue again
starts when the credentials of its first start have expired.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

SECONDS = 60  # for what takes two
NODES = ("n1", "n2")
CONF = """
ClusterName=frostline
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={munge},cred_expire=20
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SwitchType=switch/none
KillWait=5
ReturnToService=2
SchedulerParameters=batch_sched_delay=0,sched_interval=1
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=2 RealMemory=2000
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=2 RealMemory=2000
PartitionName=all Nodes=ALL Default=YES State=UP
"""


def lacking() -> str | None:
    """Why there can be no cluster here; None: there can. Installs what is missing."""
    if os.geteuid() != 0:
        return "needs root"
    if not Path("/etc/debian_version").exists():
        return "needs Debian"
    if shutil.which("slurmctld") and shutil.which("munged"):
        return None
    for words in (["update"], ["install", "--yes", "slurm-wlm", "munge"]):
        environ = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(["apt-get", "-qq", *words], capture_output=True, text=True, timeout=300, env=environ)
        if done.returncode:
            return f"apt-get {words[0]}: {done.stderr.strip()[-200:]}"
    return None


@contextlib.contextmanager
def cluster() -> Iterator[dict[str, str]]:
    """The environment in which Slurm's commands know it. Nothing of it is left afterwards."""
    with tempfile.TemporaryDirectory(prefix="slurm-", ignore_cleanup_errors=True) as place:
        folder = Path(place)
        folder.chmod(0o755)  # munged is another user
        environ = os.environ | {"SLURM_CONF": str(folder / "slurm.conf")}
        daemons: list[subprocess.Popen[bytes]] = []
        try:
            _configure(folder)
            for words in (_munged(folder), ["slurmctld", "-D"], *(["slurmd", "-D", "-N", node] for node in NODES)):
                bound = ["setpriv", "--pdeathsig=KILL", *words]  # should this process be killed
                with (folder / "daemons.log").open("ab") as log:
                    daemons.append(subprocess.Popen(bound, stdout=log, stderr=log, env=environ, start_new_session=True))
                if len(daemons) == 1:
                    _soon((folder / "munge" / "socket").exists, folder)
            _soon(lambda: _answer("sinfo", "-h", "-o", "%D %T", environ=environ) == "2 idle", folder)
            yield environ
        finally:
            with contextlib.suppress(subprocess.SubprocessError):
                subprocess.run(["scancel", "--user=root"], env=environ, capture_output=True, timeout=10)
            _end(daemons, environ["SLURM_CONF"])


def _configure(folder: Path) -> None:
    ports, host = _free_ports(3), socket.gethostname().split(".")[0]
    munge = folder / "munge"
    (folder / "slurm.conf").write_text(CONF.format(folder=folder, munge=munge / "socket", ports=ports, host=host))
    munge.mkdir(mode=0o755)
    (munge / "key").write_bytes(os.urandom(128))
    (munge / "key").chmod(0o400)
    for path in (munge, munge / "key"):
        shutil.chown(path, "munge", "munge")


def _munged(folder: Path) -> list[str]:
    munge = folder / "munge"
    files = [f"--{name}-file={munge / name}" for name in ("key", "pid", "seed", "log")]
    user = ["--reuid=munge", "--regid=munge", "--clear-groups", "--"]
    return [*user, "munged", "--foreground", "--force", f"--socket={munge / 'socket'}", *files]


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def _answer(*words: str, environ: dict[str, str]) -> str:
    with contextlib.suppress(subprocess.TimeoutExpired):
        return subprocess.run(words, capture_output=True, text=True, timeout=10, env=environ).stdout.strip()
    return ""


def _soon(happens: Callable[[], bool], folder: Path) -> None:
    end = time.monotonic() + SECONDS
    while not happens():
        assert time.monotonic() < end, (folder / "daemons.log").read_text()
        time.sleep(0.1)


def _end(daemons: list[subprocess.Popen[bytes]], conf: str) -> None:
    """The daemons, and whatever jobs have left: all that have our configuration in their environment."""
    for daemon in reversed(daemons):
        daemon.terminate()
    for daemon in daemons:
        with contextlib.suppress(subprocess.TimeoutExpired):
            daemon.wait(10)
    end = time.monotonic() + SECONDS
    while (left := of(conf)) and time.monotonic() < end:
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for daemon in daemons:
            daemon.poll()
        time.sleep(0.1)


def of(conf: str) -> list[int]:
    """The processes that know the cluster, other than this one."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"SLURM_CONF={conf}\0".encode() in (place / "environ").read_bytes() and int(place.name) != os.getpid():
                found.append(int(place.name))
    return found
