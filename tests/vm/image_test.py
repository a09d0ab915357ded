#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's disk image (scripts/build-image) in unmodified QEMU, at work; speaks TAP.

usage: image_test.py [--case NAME]... [--seconds N] [--guest FOLDER]

Each case is a guest of its own with four processors: it boots, somebody logs in on its serial line and runs
a script of tests/vm/image, and it is shut down. `series` starts by the command line of the series of 2021. --list names the cases; the output stays in build/vm-logs.
"""
import os
import pathlib
import shutil
import sys
import tempfile

import harness
import image_cases


def parse():
    parser = harness.parser_for(__doc__.splitlines()[0])
    parser.set_defaults(accel="exclave", smp=4, memory="1G", timeout=600)
    parser.add_argument("--case", action="append", default=[], metavar="NAME", dest="cases")
    parser.add_argument("--seconds", type=int, default=60, help="for each class of stress-ng")
    parser.add_argument("--guest", type=pathlib.Path,
                        default=harness.ROOT / "build" / "release" / "guest",
                        help="where guest-demo and the enclaves are built")
    parser.add_argument("--list", action="store_true", help="names the cases")
    args = parser.parse_args()
    for name in args.cases:
        if name not in image_cases.CASES:
            parser.error(f"no case {name}; there are {', '.join(image_cases.CASES)}")
    return args


def run_all(names, args):
    """Return: how many failed."""
    failed = 0
    print(f"1..{len(names)}", flush=True)
    for number, name in enumerate(names, 1):
        case = image_cases.CASES[name](args)
        with tempfile.TemporaryDirectory(prefix="exclave-vm-") as folder:
            run = case.run(pathlib.Path(folder), args.logs / f"image_{name}_{args.accel}.log")
        notes = "".join(f", {note}" for note in run.notes)
        verdict = "not ok" if run.complaints else "ok"
        print(f"{verdict} {number} - image_{name} ({run.wall:.1f} s, CPU {run.cpu:.1f} s{notes})")
        for line in run.complaints:
            print(f"#   {line}")
        sys.stdout.flush()
        failed += bool(run.complaints)
    return failed


def main():
    args = parse()
    if args.list:
        print("\n".join(image_cases.CASES))
        return 0
    if not shutil.which(harness.QEMU):
        sys.exit(f"image_test: no {harness.QEMU} (package qemu-system-x86)")
    try:
        image_cases.prepare(args)
    except image_cases.ERRORS as error:
        sys.exit(f"image_test: {error}")
    with tempfile.TemporaryDirectory(prefix="exclave-state-") as state:
        os.environ["XDG_STATE_HOME"] = state
        return 1 if run_all(args.cases or list(image_cases.CASES), args) else 0


if __name__ == "__main__":
    sys.exit(main())
