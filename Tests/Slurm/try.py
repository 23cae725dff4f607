# SPDX-License-Identifier: Apache-2.0
"""Runs a matrix on a Slurm of two nodes, loses one of them in the middle, and compares the reports with a local run's.

    try.py PATCHBENCH STEADY

PATCHBENCH is the program, and STEADY the one that says in which lines two reports differ, up to times.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

from cluster import Cluster

HOME = pathlib.Path(__file__).resolve().parents[2]
SERIES = [HOME / "Patches/candidates" / name for name in ("swap-after-success", "forwarded-vma-not-anonymous")]
# What it ends with if somebody runs it by a shell.
HOSTILE = "slurm %j $(touch pwned) `touch pwned` ; 'x\" \\ y"
STOPPED = 3


def say(text):
    print(f"[{time.strftime('%H:%M:%S', time.gmtime())}] {text}", flush=True)


def require(holds, what):
    if not holds:
        raise SystemExit(f"FAILED: {what}")
    say(f"ok: {what}")


class Trier:
    def __init__(self, program, steady, cluster, place):
        self.program, self.steady, self.cluster, self.place = program, steady, cluster, place
        self.environment = {**cluster.environment, "PATCHBENCH_SCRATCH": str(place / "scratch"), "LC_ALL": "C.UTF-8"}
        self.running = None

    def start(self, *words):
        self.running = subprocess.Popen(
            [self.program, *map(str, words)], env=self.environment, cwd=self.place, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        return self.running

    def finish(self):
        output, _ = self.running.communicate(timeout=1200)
        print("    " + "\n    ".join(output.strip().splitlines()[-12:]), flush=True)
        return self.running.returncode

    def stop(self):
        if self.running and self.running.poll() is None:
            self.running.send_signal(signal.SIGINT)
            try:
                self.running.communicate(timeout=60)
            except subprocess.TimeoutExpired:
                self.running.kill()

    def run_words(self, executor, output):
        return ["run", *SERIES, "--tests", "forward/*", "--fresh", "--home", HOME, "--executor", executor, "--output",
                output, "--verbose"]

    def jobs(self):
        """Each job's number, state and node."""
        lines = self.cluster.tool("squeue", "-h", "-t", "all", "-o", "%i|%T|%N").splitlines()
        return [line.split("|") for line in lines]

    def compare(self, output):
        told = subprocess.run(
            [self.steady, self.place / "local/report.json", self.place / output / "report.json"],
            capture_output=True, text=True,
        )
        print(told.stdout + told.stderr, end="", flush=True)
        require(told.returncode == 0, f"the report of “{output}” is that of the local run, up to times")


def overhead(run):
    """Says how long each trial took besides its job: from order to start, and from trial to record."""
    recorded = {}
    for line in (run / "events.jsonl").read_text().splitlines():
        event = json.loads(line)
        kind = event.get("kind", {})
        if "trialFinished" in kind:
            trial = next(iter(kind["trialFinished"].values()))
            recorded[trial.get("series") or "base"] = event["at"]
    for name in ("base", *(f"series/{one.name}" for one in SERIES)):
        evidence = run / name
        begun = min(
            float(subprocess.run(["stat", "-c", "%.W", log], capture_output=True, text=True, check=True).stdout)
            for log in evidence.glob("slurm-*.out")
        )
        ordered, written = ((evidence / file).stat().st_mtime for file in ("order.json", "trial.json"))
        at = recorded.get(name.split("/")[-1])
        say(f"{name}: {begun - ordered:.2f} s from its order to the start of its job, {at - written:.2f} s from its trial "
            "to the record, Slurm's own part included")


def try_all(program, steady):
    with tempfile.TemporaryDirectory(prefix="patchbench-slurm-run-") as temporary, Cluster() as cluster:
        place = pathlib.Path(temporary)
        # Guests run as another user.
        place.chmod(0o711)
        trier = Trier(program, steady, cluster, place)
        try:
            say("two nodes are idle")
            doctor = subprocess.run(
                [program, "doctor", "--json", "--home", HOME], env=trier.environment, capture_output=True, text=True)
            row = [one for one in json.loads(doctor.stdout) if one["name"] == "Slurm"]
            require([one["state"] for one in row] == ["ok"], "doctor finds Slurm")

            begun = time.monotonic()
            trier.start(*trier.run_words("local", "local"))
            status = trier.finish()
            say(f"the local run ended with {status} after {time.monotonic() - begun:.0f} s")

            begun = time.monotonic()
            trier.start(*trier.run_words("slurm", HOSTILE))
            require(trier.finish() == status, "the run on Slurm ends with the same status")
            say(f"it took {time.monotonic() - begun:.0f} s")
            require({node for _, _, node in trier.jobs()} == set(cluster.nodes), "both nodes had jobs")
            trier.compare(HOSTILE)
            found = [*place.rglob("pwned"), *HOME.glob("pwned"), *pathlib.Path("/").glob("pwned")]
            require(not found, "nothing ran what a name says")
            require((place / "scratch").is_dir(), "the nodes had work directories of their own")
            require(not list((place / "scratch").iterdir()), "and left nothing there")
            overhead(place / HOSTILE)

            before = {one for one, _, _ in trier.jobs()}
            new = lambda: [job for job in trier.jobs() if job[0] not in before]
            trier.start(*trier.run_words("slurm", "lost"))
            cluster.until("a job runs", lambda: any(state == "RUNNING" for _, state, _ in new()), 300)
            trier.running.send_signal(signal.SIGINT)
            require(trier.finish() == STOPPED, "Ctrl-C stops a run")
            cluster.until(
                "its jobs end", lambda: all(state == "CANCELLED" for _, state, _ in new()), 30)
            say("ok: its jobs are cancelled")

            before = {one for one, _, _ in trier.jobs()}
            trier.start("resume", "lost", "--home", HOME, "--verbose")
            victim = "south"
            cluster.until(
                f"a series has a guest on {victim}",
                lambda: any(node == victim and state == "RUNNING"
                            and list(place.glob(f"lost/series/*/slurm-{job}-0/console.log"))
                            for job, state, node in new()), 600)
            cluster.lose(victim)
            say(f"{victim} is lost, with a job: {new()}")
            require(trier.finish() == status, "the run with a lost node ends with the same status")
            say(f"its jobs: {new()}")
            restarts = list(place.glob("lost/series/*/slurm-*-1.out"))
            require(len(restarts) >= 1, "Slurm started a job again")
            trier.compare("lost")
        finally:
            trier.stop()
            # What ran on the lost node may have left a guest.
            cluster.end_steps()
            subprocess.run([program, "clean", "--quiet"], env=trier.environment, check=False)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try_all(*(os.path.abspath(word) for word in sys.argv[1:]))
    say("all as it should be")
