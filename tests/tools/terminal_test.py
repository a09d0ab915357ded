#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What exclave(1) looks like: in terminals of several widths, without colours, and in a pipe; speaks TAP.

usage: terminal_test.py EXCLAVE LIBRARY
"""
import os
import pathlib
import re
import sys
import tempfile

import terminal
from exclave_test import House

STYLE = re.compile(r"\033\[[0-9;]*m")
COLUMNS = (80, 100, 200)
# Longer lines are hard to read.
WIDEST = 100
# What cannot be broken: a path or a list of words that is wider than its room.
UNBREAKABLE = re.compile(r"^\S*\s*\S+$")


def commands(house):
    result = house.run("--help")
    return re.findall(r"^  ([a-z]+) ", result.stdout.partition("Commands:")[2].partition("Options:")[0], re.M)


def helps(house):
    """The command lines that print help."""
    return [["--help"], *([name, "--help"] for name in commands(house))]


def shown(house, words, columns, **environment):
    """Lines in a terminal, with their codes."""
    env = {"EXCLAVE_CONFIG": "/dev/null", "XDG_STATE_HOME": str(house.root / "state"), **environment}
    return terminal.run([house.exclave, *words], columns, env)[1]


def too_wide(lines, columns):
    return [line for line in (STYLE.sub("", line) for line in lines)
            if len(line) > columns and not UNBREAKABLE.match(line[22:] if len(line) > 22 else line)]


def help_is_no_wider_than_terminal(house):
    """Return: what is wrong, or None."""
    for words in helps(house):
        for columns in COLUMNS:
            lines = shown(house, words, columns)
            wide = [line for line in lines if len(line) > columns]
            if wide or not lines[0].startswith("usage: exclave"):
                return f"{words} in {columns} columns: {wide or lines}"
    return None


def help_in_pipe_has_80_columns(house):
    """A pager shows it."""
    for words in helps(house):
        wide = [line for line in house.run(*words).stdout.split("\n") if len(line) > 80]
        if wide:
            return f"{words}: {wide}"
    return None


def help_names_stand_apart(house):
    """An option's name and its text do not run into each other."""
    for words in helps(house):
        for line in shown(house, words, 80):
            if re.match(r" {2,6}(-\w, )?--", line) and not re.match(r" {2,6}(-\w, )?--\S+(  +\S.*)?$", line):
                return f"{words}: {line}"
    return None


def reports_fit_terminal(house):
    for words in (["host"], ["doctor"]):
        for columns in COLUMNS:
            wide = too_wide(shown(house, words, columns), min(columns, WIDEST))
            if wide:
                return f"{words} in {columns} columns: {wide}"
    return None


def reports_in_terminal_are_coloured(house):
    for words in (["host"], ["doctor"]):
        text = "\n".join(shown(house, words, 80))
        if not STYLE.search(text):
            return f"{words}: no colours: {text}"
        if terminal.ESCAPE in STYLE.sub("", text):
            return f"{words}: more than colours: {text!r}"
    return None


def codes_unwanted_are_not_there(house):
    """NO_COLOR as no-color.org has it: an empty one says nothing."""
    for words in (["host"], ["doctor"], *helps(house)):
        for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
            if terminal.ESCAPE in "\n".join(shown(house, words, 80, **environment)):
                return f"{words}: escape codes with {environment}"
        result = house.run(*words, TERM="xterm")
        if terminal.ESCAPE in result.stdout + result.stderr:
            return f"{words}: escape codes in a pipe"
    if not STYLE.search("\n".join(shown(house, ["host"], 80, NO_COLOR=""))):
        return "an empty NO_COLOR takes the colours"
    return None


def reports_in_pipe_have_one_line_each(house):
    """For a script: what a terminal of any width wraps is whole here."""
    for words in (["host"], ["doctor"]):
        lines = house.run(*words).stdout.split("\n")
        if any(line.startswith("   ") for line in lines):
            return f"{words}: {lines}"
    return None


def complaints_are_one_line(house):
    for words in (["rum"], ["run"], ["run", "--epc-pool=x"], ["vm"], ["qemu", "--qemu=/nonesuch"],
                  ["image", "--size=1"], ["demo", "x"]):
        lines = shown(house, words, 80)
        if len(lines) != 2 or not lines[0].startswith("exclave: ") or terminal.ESCAPE in lines[0]:
            return f"{words}: {lines}"
    return None


CASES = (help_is_no_wider_than_terminal, help_in_pipe_has_80_columns, help_names_stand_apart,
         reports_fit_terminal, reports_in_terminal_are_coloured, codes_unwanted_are_not_there,
         reports_in_pipe_have_one_line_each, complaints_are_one_line)


def main():
    exclave, library = sys.argv[1:3]
    failed = 0
    print(f"1..{len(CASES)}", flush=True)
    with tempfile.TemporaryDirectory() as name:
        house = House(pathlib.Path(name).resolve() / "installed", exclave, library)
        # As `exclave image` and `exclave demo` find them.
        guest = house.root / "libexec" / "exclave"
        for path in ("guest/guest-demo", "scripts/build-image", "demo/guest_demo.py"):
            (guest / path).parent.mkdir(parents=True, exist_ok=True)
            (guest / path).touch()
        os.environ.pop("NO_COLOR", None)
        for number, case in enumerate(CASES, 1):
            wrong = case(house)
            print(f"{'not ok' if wrong else 'ok'} {number} - {case.__name__}")
            for line in (wrong or "").splitlines():
                print(f"#   {line}")
            failed += bool(wrong)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
