#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""exclave(1) as a user meets it: what it starts, and what it refuses with which words.

usage: exclave_test.py EXCLAVE LIBRARY
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

PT_INTERP = 3
PROGRAM_HEADERS = 64  # of an ELF64 file, usually
PROGRAM_HEADER = 56

READ_NODE = "import os; print(os.readlink(f'/proc/self/fd/{os.open(\"/dev/kvm\", os.O_RDWR)}'))"


def expect(condition, what, result):
    if not condition:
        sys.exit(f"exclave: {what}\nstatus {result.returncode}\n{result.stdout}{result.stderr}")


class House:
    """An installation below a folder, and a place for programs."""

    def __init__(self, root, exclave, library, place="lib/exclave"):
        self.root = root
        (root / "bin").mkdir(parents=True)
        (root / place).mkdir(parents=True, exist_ok=True)
        self.exclave = shutil.copy(exclave, root / "bin" / "exclave")
        self.library = shutil.copy(library, root / place / "libexclave.so")

    def run(self, *args, cwd=None, **environment):
        env = {key: value for key, value in os.environ.items() if not key.startswith("EXCLAVE_")}
        # A file of its own, or none: not the user's.
        env["EXCLAVE_CONFIG"] = "/dev/null"
        return subprocess.run([self.exclave, *map(str, args)],
                              env={**env, "XDG_STATE_HOME": str(self.root / "state"), **environment},
                              capture_output=True, text=True, timeout=60, cwd=cwd)

    def program(self, name, content=None, mode=0o755):
        """A file to run; a copy of true(1) by default."""
        path = self.root / name
        path.write_bytes(pathlib.Path("/bin/true").read_bytes() if content is None else content)
        path.chmod(mode)
        return path


def expect_refused(house, status, words, *args):
    """One line that names the program, its reason and a remedy, and nothing else."""
    result = house.run(*args)
    expect(result.returncode == status, f"{args}: not status {status}", result)
    expect(not result.stdout and result.stderr.startswith("exclave: ")
           and result.stderr.count("\n") == 1, f"{args}: not one line", result)
    for word in words:
        expect(word in result.stderr, f"{args}: does not say {word!r}", result)


def check_help(house):
    result = house.run("--version")
    expect(result.returncode == 0 and result.stdout.startswith("exclave 0."), "version", result)
    for args in (["--help"], ["-h"], ["run", "--help"], ["run", "-h"]):
        result = house.run(*args)
        expect(result.returncode == 0 and result.stdout.startswith("usage: exclave "), "help",
               result)
    expect("--verbose" in result.stdout, "an option without help", result)


def check_usage(house):
    expect_refused(house, 125, ["--help"])
    expect_refused(house, 125, ["walk", "--help"], "walk")
    expect_refused(house, 125, ["no command", "run --help"], "run")
    expect_refused(house, 125, ["no command"], "run", "--")
    expect_refused(house, 125, ["--nonesuch", "run --help"], "run", "--nonesuch", "--", "true")
    expect_refused(house, 125, ["-x"], "run", "-x", "--", "true")
    expect_refused(house, 125, ["--nonesuch"], "--nonesuch")
    expect_refused(house, 125, ["did you mean run"], "rum")
    expect_refused(house, 125, ["did you mean --epc-pool"], "run", "--epc-pol=1M", "--", "true")
    expect_refused(house, 125, ["did you mean --verbose"], "run", "--verb", "--", "true")
    expect_refused(house, 125, ["--verbose=1", "no value"], "run", "--verbose=1", "--", "true")
    expect_refused(house, 125, ["--epc-pool", "needs a value"], "run", "--epc-pool")
    expect_refused(house, 125, ["--epc-pool=", "empty"], "run", "--epc-pool=", "--", "true")


def without_interpreter(program):
    """A dynamically linked program made to look like a static one."""
    program = bytearray(program)
    for offset in range(PROGRAM_HEADERS, PROGRAM_HEADERS + 16 * PROGRAM_HEADER, PROGRAM_HEADER):
        if program[offset] == PT_INTERP:
            program[offset] = 0
    return bytes(program)


def check_commands(house):
    true = pathlib.Path("/bin/true").read_bytes()
    static = house.program("static", without_interpreter(true))
    expect_refused(house, 127, ["nonesuch", "PATH"], "run", "--", "nonesuch")
    expect_refused(house, 127, ["/nonesuch", "No such file"], "run", "--", "/nonesuch")
    expect_refused(house, 127, ["empty"], "run", "--", "")
    expect_refused(house, 126, ["directory"], "run", "--", house.root)
    expect_refused(house, 126, ["Permission"], "run", "--", house.program("plain", mode=0o644))
    expect_refused(house, 126, ["static", "dynamically"], "run", "--", static)
    expect_refused(house, 126, ["64-bit"], "run", "--",
                   house.program("32", true[:4] + b"\x01" + true[5:]))
    expect_refused(house, 126, ["Exec format"], "run", "--", house.program("text", b"hello\n"))
    expect_refused(house, 126, ["static", "dynamically"], "run", "--",
                   house.program("script", f"#! {static} -x\n".encode()))
    expect_refused(house, 127, ["/nonesuch"], "run", "--",
                   house.program("lost", b"#!/nonesuch\n"))
    loop = house.root / "loop"
    expect_refused(house, 126, ["loop"], "run", "--",
                   house.program("loop", f"#!{loop}\n".encode()))


def check_rights(house):
    """Only root can make a file that is another's and setuid."""
    if os.geteuid():
        return
    for name, mode in (("setuid", 0o4755), ("setgid", 0o2755)):
        program = house.program(name)
        os.chown(program, 65534, 65534)
        program.chmod(mode)
        expect_refused(house, 126, [name], "run", "--", program)
    program = house.program("own", mode=0o4755)
    result = house.run("run", "--", program)
    expect(result.returncode == 0, "a program that is setuid to its caller", result)


def check_runs(house):
    result = house.run("run", "--", "sh", "-c", "echo $LD_PRELOAD; exit 7")
    expect(result.returncode == 7 and not result.stderr, "exit status", result)
    expect(result.stdout == f"{house.library}\n", "LD_PRELOAD", result)
    result = house.run("run", "--", "sh", "-c", "echo $LD_PRELOAD", LD_PRELOAD="libm.so.6")
    expect(result.stdout == f"{house.library}:libm.so.6\n", "LD_PRELOAD of the caller", result)
    result = house.run("run", "true", "--no-option-of-ours")
    expect(result.returncode == 0 and not result.stderr, "without --", result)
    script = house.program("greet", b"#!/bin/sh\necho hello $1\n")
    result = house.run("run", "--", script, "--you")
    expect(result.stdout == "hello --you\n", "a script", result)


def check_node(house):
    """The machine's own KVM is never opened."""
    result = house.run("run", "--", sys.executable, "-c", READ_NODE)
    expect(result.stdout == "/memfd:exclave:kvm (deleted)\n", "who answers", result)
    expect(not result.stderr, "output without being asked", result)
    for option in ("--verbose", "-v"):
        result = house.run("run", option, "--", sys.executable, "-c", READ_NODE)
        expect("\nexclave: /dev/kvm is software (pid " in result.stderr, option, result)
        expect(result.stderr.startswith("exclave: guests run in software: "), option, result)
    result = house.run("run", "--log=1", "--", sys.executable, "-c", READ_NODE)
    expect(result.stderr.startswith("exclave: /dev/kvm is software (pid "), "--log", result)
    result = house.run("run", "--log=1", "--", "ls", "/")
    expect(result.returncode == 0 and not result.stderr, "a program without devices", result)


def check_places(folder, exclave, library):
    house = House(folder / "tree", exclave, library, "bin")
    check_node(house)
    os.remove(house.library)
    expect_refused(house, 125, ["libexclave.so", "install"], "run", "--", "true")
    house = House(folder / "with blank", exclave, library)
    expect_refused(house, 125, ["blank"], "run", "--", "true")


def main():
    exclave, library = sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name).resolve()
        house = House(folder / "installed", exclave, library)
        for check in (check_help, check_usage, check_commands, check_rights, check_runs,
                      check_node):
            check(house)
        check_places(folder, exclave, library)


if __name__ == "__main__":
    main()
