# SPDX-License-Identifier: Apache-2.0
"""Bisects a git tree that is made of a Debian kernel's source, kills a bisection and resumes it.

    try.py PATCHBENCH [OPTION...]

PATCHBENCH is the program. OPTIONs are added to each `patchbench bisect`.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ARCHIVE = pathlib.Path("/usr/src/linux-source-6.12.tar.xz")
FILE = "drivers/dma-buf/dma-buf.c"
TEST = "errors/pbtest-to-pbtest/bounds"
FOUND = 1
CULPRIT = "dma-buf: Refuse every mapping beyond the buffer alike"
HELPER = "dma-buf: Begin a helper that does not build"
# What each replaces, and by what. Of six commits, git tries the third one first.
COMMITS = [
    ("dma-buf: Reword a comment", "/* check for offset overflow */", "/* check for an overflow of the offset */"),
    ("dma-buf: Reword another comment", "/* readjust the vma */", "/* move the mapping within the buffer */"),
    (HELPER, "\tvma->vm_pgoff = pgoff;\n", "\tvma->vm_pgoff = no_such_helper(pgoff);\n"),
    ("dma-buf: Remove the helper again", "no_such_helper(pgoff)", "pgoff"),
    (CULPRIT, "return -EOVERFLOW;", "return -EINVAL;"),
    ("dma-buf: Reword a comment once more", "/* move the mapping within the buffer */", "/* move the mapping */"),
]


def say(text):
    print(f"[{time.strftime('%H:%M:%S', time.gmtime())}] {text}", flush=True)


def require(holds, what):
    if not holds:
        raise SystemExit(f"FAILED: {what}")
    say(f"ok: {what}")


class Tree:
    def __init__(self, path):
        self.path = path
        # The same each time, so that the base is built once for all tries.
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1",
            **{f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in (
                ("NAME", "A Developer"), ("EMAIL", "dev@example.org"), ("DATE", "2026-11-01T12:00:00Z"))},
        }

    def git(self, *words):
        command = ["git", "-c", "gc.auto=0", "-c", "core.compression=1", "-C", self.path, *words]
        return subprocess.run(command, env=self.environment, check=True, text=True, stdout=subprocess.PIPE).stdout

    def make(self):
        self.path.mkdir()
        subprocess.run(
            ["tar", "-x", "--no-same-owner", "--strip-components=1", "-f", ARCHIVE, "-C", self.path], check=True)
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--message=Linux, as Debian has it")
        self.git("tag", "good")
        file = self.path / FILE
        for subject, before, after in COMMITS:
            text = file.read_text()
            require(text.count(before) == 1, f"{FILE} has one place for “{subject}”")
            file.write_text(text.replace(before, after))
            self.git("commit", "--quiet", "--all", f"--message={subject}")
        self.git("tag", "bad")

    def state(self):
        return self.git("status", "--porcelain"), self.git("for-each-ref"), self.git("rev-parse", "HEAD")


class Trier:
    def __init__(self, program, options, place):
        self.program, self.options, self.place = program, options, place

    def start(self, *words):
        return subprocess.Popen(
            [self.program, "bisect", *words], cwd=self.place, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)

    def begin(self, output):
        return self.start(
            "--tree", "linux", "--good", "good", "--bad", "bad", "--tests", TEST, "--output", output, *self.options)

    def finish(self, process):
        output, _ = process.communicate(timeout=3600)
        print("    " + "\n    ".join(output.strip().splitlines()), flush=True)
        return process.returncode

    def document(self, output):
        return json.loads((self.place / output / "bisect.json").read_text())


def answers(document):
    return [(step["commit"]["subject"], step["answer"]) for step in document["steps"]]


def check(tree, trier):
    before = tree.state()
    say("bisects")
    begun = time.monotonic()
    require(trier.finish(trier.begin("whole")) == FOUND, "the first bad commit is found")
    say(f"it took {time.monotonic() - begun:.0f} s")
    whole = trier.document("whole")
    outcome = whole["outcome"]
    require(outcome["kind"] == "first-bad", "the outcome is one commit")
    require([one["subject"] for one in outcome["commits"]] == [CULPRIT], "it is the one that breaks the test")
    found = [step for step in whole["steps"] if step["commit"]["subject"] == CULPRIT]
    require([symptom["name"] for symptom in found[-1]["found"]] == [TEST], "the test says so")
    skipped = [subject for subject, answer in answers(whole) if answer == "skip"]
    require(skipped == [HELPER], "only what does not build is skipped")
    require(tree.state() == before, "the tree is as it was")

    say("kills a bisection, and resumes it")
    killed = trier.begin("killed")
    while killed.poll() is None:
        try:
            if trier.document("killed")["steps"]:
                killed.send_signal(signal.SIGKILL)
                break
        except (FileNotFoundError, json.JSONDecodeError):
            pass
        time.sleep(0.05)
    killed.communicate()
    require(killed.returncode == -signal.SIGKILL, "it was killed behind its first step")
    done = trier.document("killed")
    require(done.get("outcome") is None, "it has no outcome yet")
    require(trier.finish(trier.start("--resume", "killed", *trier.options)) == FOUND, "it is resumed")
    resumed = trier.document("killed")
    require(resumed["steps"][: len(done["steps"])] == done["steps"], "what was finished is kept")
    require(answers(resumed) == answers(whole), "it takes the same steps")
    require(resumed["outcome"] == outcome, "and finds the same commit")

    say("replays the log in the tree")
    replayed = subprocess.run(
        ["git", "-C", tree.path, "bisect", "replay", trier.place / "whole/bisect.log"], env=tree.environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    require(f"{outcome['commits'][0]['name']} is the first bad commit" in replayed.stdout, "git comes to the same")


def main():
    place = pathlib.Path(tempfile.mkdtemp(prefix="patchbench-bisect-"))
    try:
        tree = Tree(place / "linux")
        say(f"makes a tree of {ARCHIVE}")
        tree.make()
        check(tree, Trier(pathlib.Path(sys.argv[1]).resolve(), sys.argv[2:], place))
    finally:
        shutil.rmtree(place)


main()
