#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The demonstration, as a user runs it: twice on one platform, then with what is broken.

usage: demo_test.py SGX_DEMO
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import terminal
from terminal import ESCAPE


def expect(condition, what, output=""):
    if not condition:
        sys.exit(f"demo: {what}\n{output}")


def run(demo, state, **environment):
    return subprocess.run([demo], env={**os.environ, "XDG_STATE_HOME": str(state), **environment},
                          capture_output=True, text=True, timeout=60)


def run_in_terminal(demo, state, **environment):
    """What it prints to a terminal."""
    return "\n".join(terminal.run([demo], environment={"XDG_STATE_HOME": str(state), **environment})[1])


def expect_good(result):
    output = result.stdout + result.stderr
    expect(result.returncode == 0, f"exit status {result.returncode}", output)
    expect(not result.stderr, "it complains", output)
    expect(re.search(r"^All \d+ steps did what they claim, in ", result.stdout, re.M),
           "no summary", output)
    expect("FAILED" not in result.stdout, "a step failed", output)
    expect(ESCAPE not in result.stdout, "colours in a pipe", output)
    # The user's paths are as long as they are.
    for line in result.stdout.splitlines():
        expect(len(line) < 80 or "identity" in line, f"line too long: {line}", output)


def expect_refused(result, file, remedy):
    output = result.stdout + result.stderr
    expect(result.returncode not in (0, -6, -11), f"exit status {result.returncode}", output)
    expect(str(file) in result.stderr, "the message does not name the file", output)
    expect(re.search(remedy, result.stderr), "the message names no remedy", output)
    expect("did what they claim, in" not in result.stdout, "it claims success", output)


def test_two_runs(demo, state):
    first = run(demo, state)
    expect_good(first)
    expect("made just now" in first.stdout, "no identity was made", first.stdout)
    expect("first run" in first.stdout, "it is not the first run", first.stdout)
    second = run(demo, state)
    expect_good(second)
    expect("loaded" in second.stdout, "another identity was made", second.stdout)
    expect(re.search(r"unsealed +from the run of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(run 1\)",
                     second.stdout), "the second run does not unseal", second.stdout)

    def mrenclave(result):
        return re.search(r"MRENCLAVE +([0-9a-f]{64})$", result.stdout, re.M).group(1)

    expect(mrenclave(first) == mrenclave(second), "the enclave has changed")
    for name in ("identity", "demo-sealed"):
        mode = (state / "exclave" / name).stat().st_mode & 0o777
        expect(mode == 0o600, f"{name} has mode {mode:o}")


def flip(path, offset):
    contents = bytearray(path.read_bytes())
    contents[offset] ^= 1
    path.write_bytes(contents)


def test_damaged_seal(demo, state):
    """Neither opened nor replaced."""
    sealed = state / "exclave" / "demo-sealed"
    flip(sealed, -1)
    damaged = sealed.read_bytes()
    expect_refused(run(demo, state), sealed, "remove")
    expect(sealed.read_bytes() == damaged, "the damaged file was replaced")
    flip(sealed, -1)


def test_other_platform(demo, state, other):
    """What is sealed on one platform does not open on another."""
    (other / "exclave").mkdir(mode=0o700)
    sealed = other / "exclave" / "demo-sealed"
    sealed.write_bytes((state / "exclave" / "demo-sealed").read_bytes())
    expect_refused(run(demo, other), sealed, "another platform identity")


def test_damaged_identity(demo, state):
    identity = state / "exclave" / "identity"
    flip(identity, 40)
    expect_refused(run(demo, state), identity, "restore|remove|delete")
    # It stops early, so this is the place to look at colours.
    expect(ESCAPE in run_in_terminal(demo, state), "no colours on a terminal")
    expect(ESCAPE not in run_in_terminal(demo, state, NO_COLOR="1"), "colours despite NO_COLOR")
    expect(ESCAPE not in run_in_terminal(demo, state, TERM="dumb"), "colours on a dumb terminal")
    flip(identity, 40)
    identity.chmod(0o644)
    expect_refused(run(demo, state), identity, "chmod")


def main():
    demo = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        state, other = pathlib.Path(folder) / "a", pathlib.Path(folder) / "b"
        state.mkdir(mode=0o700)
        other.mkdir(mode=0o700)
        test_two_runs(demo, state)
        test_damaged_seal(demo, state)
        test_other_platform(demo, state, other)
        test_damaged_identity(demo, state)


if __name__ == "__main__":
    main()
