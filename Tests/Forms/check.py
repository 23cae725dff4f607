#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Shows the forms that CI systems read to programs that others wrote.

    check.py [--run RUN] DIRECTORY...

Each DIRECTORY has junit.xml, kcidb.json, codequality.json, github.txt and summary.md. JUnit XML is read by xmllint and
junitparser, KCIDB's JSON by kcidb-io. For the others there is no validator; the facts that GitLab and GitHub document are
checked here. With RUN, of which the forms tell, the digests of patches are compared with its patches. The exit status is
1 if anything is wrong.
"""
import collections
import hashlib
import json
import pathlib
import re
import subprocess
import sys

import junitparser
import kcidb_io

arguments = sys.argv[1:]
run = None
if arguments[:1] == ["--run"]:
    run = pathlib.Path(arguments[1])
    arguments = arguments[2:]
failures = []


def expect(holds, file, words):
    if not holds:
        failures.append(f"{file}: {words}")


def plain(file, text):
    """No character acts on a terminal, and none is hidden."""
    bad = [c for c in text if c != "\n" and (ord(c) < 0x20 or ord(c) == 0x7f or 0x202a <= ord(c) <= 0x202e)]
    expect(not bad, file, f"has control characters: {bad[:5]}")


def relative(file, path):
    expect(path and not path.startswith(("/", "./")) and ".." not in path.split("/"), file, f"leads out: {path}")


def junit(file):
    answer = subprocess.run(["xmllint", "--noout", str(file)], capture_output=True, text=True)
    expect(answer.returncode == 0, file, f"xmllint: {answer.stderr[:500]}")
    expect(file.stat().st_size < 30_000_000, file, "GitLab takes 30 MB")
    suites = junitparser.JUnitXml.fromfile(str(file))
    counts = collections.Counter()
    names = collections.Counter()
    for suite in suites:
        own = collections.Counter(tests=0)
        verdicts = []
        for case in suite:
            names[(case.classname, case.name)] += 1
            own["tests"] += 1
            kinds = {junitparser.Failure: "failures", junitparser.Error: "errors", junitparser.Skipped: "skipped"}
            for result in case.result:
                own[kinds[type(result)]] += 1
            expect(len(case.result) <= 1, file, f"{case.name} has {len(case.result)} results")
            if case.name == "verdict":
                verdicts.append(case)
        expect(suite.tests == own["tests"], file, f"{suite.name} says {suite.tests} tests, has {own['tests']}")
        for key in ["failures", "errors", "skipped"]:
            expect(getattr(suite, key) == own[key], file, f"{suite.name}: {key} are wrong")
        word = {p.name: p.value for p in suite.properties()}.get("verdict")
        for verdict in verdicts:
            passed = not verdict.result
            expect(passed == (word in ("clean", "fixes")), file, f"{suite.name} is {word}, and passed: {passed}")
        counts.update(own)
    twice = [name for name, count in names.items() if count > 1]
    expect(not twice, file, f"GitLab shows only one of: {twice[:3]}")
    for key in ["tests", "failures", "errors", "skipped"]:
        expect(getattr(suites, key) == counts[key], file, f"{key} are wrong")
    plain(file, file.read_text())
    return ", ".join(f"{counts[key]} {key}" for key in ["tests", "failures", "errors", "skipped"])


def patchset(place):
    """sha256sum *.diff | cut -c-64 | sha256sum"""
    digests = [hashlib.sha256(diff.read_bytes()).hexdigest() + "\n" for diff in sorted(place.glob("[0-9]*.diff"))]
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def kcidb(file):
    data = json.loads(file.read_text())
    schema = kcidb_io.schema.V5_3
    schema.validate_exactly(data)
    ids = {kind: [one["id"] for one in data.get(kind, [])] for kind in schema.graph if kind}
    for kind, all_ids in ids.items():
        expect(len(set(all_ids)) == len(all_ids), file, f"two {kind} have one id")
    for kind, key, target in [
            ("builds", "checkout_id", "checkouts"), ("tests", "build_id", "builds"),
            ("incidents", "issue_id", "issues"), ("incidents", "build_id", "builds"),
            ("incidents", "test_id", "tests")]:
        known = set(ids[target])
        for one in data.get(kind, []):
            expect(key not in one or one[key] in known, file, f"{kind}: no {target} for {one.get(key)}")
    places = [run / "series"] + sorted(run.glob("*/series")) if run else []
    compared = 0
    for checkout in data["checkouts"]:
        digest, name = checkout.get("patchset_hash"), checkout["misc"].get("series")
        if digest and places:
            compared += 1
            expect(any(patchset(p / name) == digest for p in places if (p / name).is_dir()), file, f"{name}: digest")
    plain(file, json.dumps(data, ensure_ascii=False))
    words = ", ".join(f"{len(all_ids)} {kind}" for kind, all_ids in ids.items())
    return words + (f"; {compared} digests of patches compared" if places else "")


def codequality(file):
    issues = json.loads(file.read_text())
    expect(isinstance(issues, list), file, "is no array")
    expect(not file.read_bytes().startswith(b"\xef\xbb\xbf"), file, "has a byte order mark")
    prints = collections.Counter()
    for issue in issues:
        expect(set(issue) == {"description", "check_name", "fingerprint", "severity", "location"}, file, f"{issue}")
        expect(issue["severity"] in ("info", "minor", "major", "critical", "blocker"), file, issue["severity"])
        expect(issue["description"] and issue["check_name"], file, "an entry is empty")
        lines = issue["location"]["lines"]
        expect(1 <= lines["begin"] <= lines["end"], file, f"lines {lines}")
        relative(file, issue["location"]["path"])
        prints[issue["fingerprint"]] += 1
        plain(file, issue["description"] + issue["check_name"] + issue["location"]["path"])
    expect(all(count == 1 for count in prints.values()), file, "two entries have one fingerprint")
    return f"{len(issues)} findings"


# As actions/runner reads a command: `::name key=value,key=value::message`.
COMMAND = re.compile(r"^::(?P<name>[a-z]+) (?P<properties>[^:]*)::(?P<message>.*)$")


def github(file):
    text = file.read_text()
    plain(file, text)
    expect(text == "" or text.endswith("\n"), file, "the last line does not end")
    counts = collections.Counter()
    for line in text.splitlines():
        match = COMMAND.match(line)
        expect(match and match["name"] in ("error", "warning", "notice"), file, f"no annotation: {line[:200]}")
        if not match:
            continue
        counts[match["name"]] += 1
        properties = dict(word.split("=", 1) for word in match["properties"].split(","))
        expect(set(properties) == {"file", "line", "endLine", "title"}, file, f"{properties}")
        expect(1 <= int(properties["line"]) <= int(properties["endLine"]), file, f"{properties}")
        for value in [match["message"], *properties.values()]:
            expect(not re.search(r"%(?!25|3A|2C)", value), file, f"a % is not escaped: {value[:200]}")
        relative(file, properties["file"])
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "nothing"


def summary(file):
    text = file.read_text()
    plain(file, text)
    lines = text.splitlines()
    expect(len(lines) <= 60, file, f"has {len(lines)} lines")
    expect(len(text.encode()) <= 1024 * 1024, file, "GitHub takes 1 MiB")
    expect(lines[0].startswith("# patchbench: "), file, "has no title")
    expect(not re.search(r"(?<!\\)<(?!U\+)[a-zA-Z/!]", re.sub(r"(`+).*?\1", "", text)), file, "has HTML")
    columns = {len(re.findall(r"(?<!\\)\|", line)) for line in lines if line.startswith("|")}
    expect(len(columns) <= 1, file, f"the rows of its table have {columns} columns")
    return f"{len(lines)} lines"


FORMS = [
    ("junit.xml", junit), ("kcidb.json", kcidb), ("codequality.json", codequality), ("github.txt", github),
    ("summary.md", summary)]
for directory in arguments:
    for name, check in FORMS:
        place = pathlib.Path(directory) / name
        before = len(failures)
        try:
            words = check(place)
        except Exception as error:  # A validator's complaint is an exception, whatever the validator.
            words = ""
            failures.append(f"{place}: {type(error).__name__}: {str(error)[:1000]}")
        print(f"{'ok' if len(failures) == before else 'NOT OK'} {place}: {words}")
for failure in failures:
    print(failure, file=sys.stderr)
sys.exit(1 if failures or not arguments else 0)
