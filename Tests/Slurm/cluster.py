# SPDX-License-Identifier: Apache-2.0
"""A Slurm of two nodes on this machine, for a test: munged, slurmctld and two slurmd, as root and without systemd.

    with Cluster() as cluster:
        cluster.tool("sinfo")

All of it lives in one temporary directory, listens on ports of its own, and is gone when the block ends, however that
happens.
"""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

CONFIGURATION = """
ClusterName=patchbench
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={place}/munge/socket,cred_expire=15
CredType=cred/munge
StateSaveLocation={place}/state
SlurmdSpoolDir={place}/spool-%n
SlurmctldPidFile={place}/slurmctld.pid
SlurmdPidFile={place}/slurmd-%n.pid
SlurmctldLogFile={place}/slurmctld.log
SlurmdLogFile={place}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/none
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
SlurmdTimeout=30
KillWait=5
MailProg=/bin/true
{nodes}
PartitionName=both Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Cluster:
    nodes = ("north", "south")

    def __init__(self, memory=8192, processors=2):
        self.memory, self.processors = memory, processors
        self.daemons = {}

    def __enter__(self):
        if os.getuid() != 0:
            raise SystemExit("a Slurm for tests is started as root")
        # munge wants directories that only root may write to.
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="patchbench-slurm-"))
        self.place.chmod(0o755)
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for name in reversed(list(self.daemons)):
            self.end(name)
        self.end_steps()
        shutil.rmtree(self.place, ignore_errors=True)

    @property
    def environment(self):
        return {**os.environ, "SLURM_CONF": str(self.place / "slurm.conf")}

    def start(self):
        nodes = "\n".join(
            f"NodeName={name} NodeHostname={socket.gethostname()} NodeAddr=127.0.0.1 Port={free_port()}"
            f" CPUs={self.processors} RealMemory={self.memory} State=UNKNOWN"
            for name in self.nodes
        )
        (self.place / "slurm.conf").write_text(
            CONFIGURATION.format(
                host=socket.gethostname(), controller=free_port(), place=self.place, nodes=nodes
            )
        )
        (self.place / "state").mkdir()
        munge = self.place / "munge"
        munge.mkdir(mode=0o755)
        key = munge / "key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        self.daemon(
            "munged",
            ["munged", "--foreground", "--force", f"--key-file={key}", f"--socket={munge}/socket",
             f"--pid-file={munge}/pid", f"--log-file={munge}/log", f"--seed-file={munge}/seed"],
        )
        self.until("munged answers", lambda: (munge / "socket").exists())
        self.daemon("slurmctld", ["slurmctld", "-D", "-i"])
        for name in self.nodes:
            self.start_node(name)
        self.until("both nodes are idle", lambda: self.states() == ["idle"] * len(self.nodes))

    def start_node(self, name):
        self.daemon(name, ["slurmd", "-D", "-N", name])

    def daemon(self, name, words):
        # In a session of its own, so that Ctrl-C reaches this script, which then ends it.
        with open(self.place / f"{name}.out", "ab") as output:
            self.daemons[name] = subprocess.Popen(
                words, env=self.environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )

    def end(self, name, how=signal.SIGTERM):
        process = self.daemons.pop(name)
        process.send_signal(how)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def lose(self, name):
        """Kills a node's daemon, and tells the controller that the node is gone.

        Its jobs go on: that is how a node looks that only the network has lost.
        """
        self.end(name, signal.SIGKILL)
        self.tool("scontrol", "update", f"NodeName={name}", "State=DOWN", "Reason=lost")

    def end_steps(self):
        """Kills what a killed slurmd leaves behind: its jobs, and the processes that watch them."""
        for process in self.steps():
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def steps(self):
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                words = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if f"SLURM_CONF={self.place}/".encode() in words:
                found.append(int(entry.name))
        return found

    def tool(self, *words):
        return subprocess.run(words, env=self.environment, check=True, capture_output=True, text=True, timeout=60).stdout

    def states(self):
        try:
            return self.tool("sinfo", "-h", "-N", "-o", "%t").split()
        except subprocess.CalledProcessError:
            return []

    def until(self, what, holds, seconds=60):
        deadline = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > deadline:
                logs = "\n".join(f"--- {one.name}\n{one.read_text(errors='replace')[-2000:]}" for one in self.place.glob("*.log"))
                raise SystemExit(f"not within {seconds} s: {what}\n{logs}")
            time.sleep(0.2)
