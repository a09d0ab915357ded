#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests with SGX: Debian's kernel and unmodified QEMU with EPC in many shapes; speaks TAP.

usage: sgx_test.py [--case NAME]... [--guest FOLDER]

Each case is a guest of its own (--list names them), whose output stays in build/vm-logs. The
platform identity is a new one.
"""
import os
import pathlib
import shutil
import sys
import tempfile

import boot_test
import harness
import isolation
import sgx_cases

CASES = {**sgx_cases.CASES, isolation.Isolation.name: isolation.Isolation}


def parse():
    parser = harness.parser_for(__doc__.splitlines()[0])
    parser.set_defaults(accel="exclave")
    parser.add_argument("--case", action="append", default=[], metavar="NAME", dest="cases")
    parser.add_argument("--guest", type=pathlib.Path,
                        default=harness.ROOT / "build" / "release" / "guest",
                        help="where guest-demo and the enclaves are built")
    parser.add_argument("--seconds", type=int, default=10,
                        help="for which many threads are at work in an enclave")
    parser.add_argument("--list", action="store_true", help="names the cases")
    args = parser.parse_args()
    for name in args.cases:
        if name not in CASES:
            parser.error(f"no case {name}; there are {', '.join(CASES)}")
    return args


def main():
    args = parse()
    if args.list:
        print("\n".join(CASES))
        return 0
    if not shutil.which(harness.QEMU):
        sys.exit(f"sgx_test: no {harness.QEMU} (package qemu-system-x86)")
    guests = [(CASES[name](args), harness.machine_of(args))
              for name in args.cases or CASES]
    with tempfile.TemporaryDirectory(prefix="exclave-state-") as state:
        os.environ["XDG_STATE_HOME"] = state
        return 1 if boot_test.run_all(guests, args) else 0


if __name__ == "__main__":
    sys.exit(main())
