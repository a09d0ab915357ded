#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`make demo`, as a user runs it, and with an enclave that is not what was signed; speaks TAP.

usage: demo_test.py --exclave PROGRAM --guest FOLDER
"""
import argparse
import os
import pathlib
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "tools"))
import terminal  # noqa: E402

DEMO = ROOT / "demo" / "guest_demo.py"
SECONDS = 120
STYLE = re.compile(r"\033\[[0-9;]*m")
# Of an image: a page of code, behind the header and the TCS pages.
CODE_OFFSET = 5 * 4096 + 64
# In the place of `exclave run` with a QEMU that goes on.
GUEST = f"""#!{sys.executable}
import os, pathlib, sys, time
pathlib.Path(__file__).with_suffix(".pid").write_text(str(os.getpid()))
print("EXCLAVE-TEST: threads PASS", flush=True)
time.sleep(60)
"""


def run(args, guest, folder):
    return subprocess.run([DEMO, "--exclave", args.exclave, "--guest", guest, "--logs", folder],
                          env={**os.environ, "XDG_STATE_HOME": str(folder)}, capture_output=True,
                          text=True, timeout=SECONDS)


def demo_shows_all_steps(args, folder):
    """Return: what is wrong, or None."""
    result = run(args, args.guest, folder)
    sealed, unsealed = (re.search(rf"^  Alice {word} +(secret-\w+)$", result.stdout, re.M)
                        for word in ("seals", "unseals"))
    if result.returncode != 0 or not re.search(r"^All \d+ steps did", result.stdout, re.M):
        return f"exit status {result.returncode}"
    if not sealed or not unsealed or sealed.group(1) != unsealed.group(1):
        return "what was unsealed is not what was sealed"
    long_lines = [line for line in result.stdout.splitlines()
                  if len(line) > 110 and "exclave:" not in line]
    return f"long line: {long_lines[0]}" if long_lines else None


def demo_changed_enclave_fails(args, folder):
    guest = folder / "guest"
    guest.mkdir()
    for name in ("guest-demo", "alice.image", "bob.image"):
        shutil.copy(args.guest / name, guest / name)
    contents = bytearray((guest / "alice.image").read_bytes())
    contents[CODE_OFFSET] ^= 1
    (guest / "alice.image").write_bytes(contents)
    result = run(args, guest, folder)
    if result.returncode != 1 or "did what they claim" in result.stdout:
        return f"exit status {result.returncode}"
    if "SGX_IOC_ENCLAVE_INIT" not in result.stdout:
        return "it does not say what failed"
    return None


def demo_in_terminal_fits_it(args, folder):
    """80 columns, with colours and without."""
    for environment, coloured in ({}, True), ({"NO_COLOR": "1"}, False):
        status, lines = terminal.run([DEMO, "--exclave", args.exclave, "--guest", args.guest, "--logs", folder],
                                     80, {"XDG_STATE_HOME": str(folder), **environment}, seconds=SECONDS)
        # What counts the seconds is written over.
        shown = [STYLE.sub("", line.rpartition("\r\033[K")[2]) for line in lines]
        wide = [line for line in shown if len(line) > 80 or terminal.ESCAPE in line]
        if status or wide or not any(line.startswith("All ") for line in shown):
            return f"{environment}: status {status}: {wide or shown[-5:]}"
        if bool(STYLE.search("".join(lines))) != coloured:
            return f"{environment}: colours are {'not ' if coloured else ''}there"
    return None


def demo_not_built_says_so(args, folder):
    result = run(args, folder, folder)
    if result.returncode != 1 or "--guest" not in result.stderr or "Traceback" in result.stderr:
        return f"exit status {result.returncode}: {result.stderr}"
    return None


def end_by_signal(args, folder, number):
    """Return: what is wrong, or None."""
    program, temporary = folder / number.name, folder / f"{number.name}.tmp"
    program.write_text(GUEST)
    program.chmod(0o755)
    temporary.mkdir()
    process = subprocess.Popen([DEMO, "--exclave", program, "--guest", args.guest, "--logs", folder],
                               env={**os.environ, "TMPDIR": str(temporary)}, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, preexec_fn=terminal.heed_signals)
    for line in process.stdout:
        if "several threads" in line:
            break
    started = time.monotonic()
    process.send_signal(number)
    errors = process.communicate(timeout=SECONDS)[1]
    if process.returncode != 128 + number or f"demo: ended by {number.name}" not in errors or "Traceback" in errors:
        return f"exit status {process.returncode}: {errors}"
    if pathlib.Path(f"/proc/{program.with_suffix('.pid').read_text()}").exists() or time.monotonic() - started > 4:
        return "QEMU goes on"
    return f"left behind: {list(temporary.iterdir())}" if list(temporary.iterdir()) else None


def demo_ended_by_signal_leaves_nothing(args, folder):
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        wrong = end_by_signal(args, folder, number)
        if wrong:
            return f"{number.name}: {wrong}"
    return None


def waiting_in_terminal_counts_seconds(args, folder):
    """More than a second is shown, in a terminal alone, and is gone afterwards."""
    for name, terminal in (("xterm", True), ("dumb", False)):
        text = waiting_text(name)
        if ("at work 1 s" in text) != terminal or "a line\r\n" not in text:
            return f"{name}: {text!r}"
        if terminal and not text.endswith("\r\033[K"):
            return f"it stays: {text!r}"
    return None


def waiting_text(terminal_name):
    """What a terminal gets of 1.6 seconds of waiting, with a line at the beginning."""
    program = ("import sys, time, progress\n"
               "with progress.Waiting('at work', sys.stdout) as waiting:\n"
               "    waiting.say('a line')\n    time.sleep(1.6)\n")
    pid, terminal = pty.fork()
    if not pid:
        os.chdir(pathlib.Path(__file__).parent)
        os.environ["TERM"] = terminal_name
        os.execv(sys.executable, [sys.executable, "-B", "-c", program])
    output = b""
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:
            break
        if not piece:
            break
        output += piece
    os.close(terminal)
    os.waitpid(pid, 0)
    return output.decode()


CASES = (demo_shows_all_steps, demo_changed_enclave_fails, demo_in_terminal_fits_it, demo_not_built_says_so,
         demo_ended_by_signal_leaves_nothing, waiting_in_terminal_counts_seconds)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--exclave", required=True)
    parser.add_argument("--guest", type=pathlib.Path, required=True)
    args = parser.parse_args()
    failed = 0
    print(f"1..{len(CASES)}", flush=True)
    for number, case in enumerate(CASES, 1):
        with tempfile.TemporaryDirectory(prefix="exclave-demo-test-") as folder:
            wrong = case(args, pathlib.Path(folder))
        print(f"{'not ok' if wrong else 'ok'} {number} - {case.__name__}")
        if wrong:
            print(f"#   {wrong}")
        sys.stdout.flush()
        failed += bool(wrong)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
