#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Boots Debian's kernels in unmodified QEMU and has them work; speaks TAP.

usage: boot_test.py [--accel tcg|exclave] [--case NAME]... [--matrix]

Each case is a guest of its own (--list names them), whose output stays in build/vm-logs.
--matrix runs those that depend on the machine with both kernels, on q35 and pc, with memory below
and above 4 GiB. Case `boot` is run with the other kinds of interrupt controllers, too, and in the
matrix with 2, 4, 8 and 16 processors.
"""
import dataclasses
import itertools
import pathlib
import re
import shutil
import sys
import tempfile

import cases
import harness
import kernel
import packages

IRQCHIPS = ("split", "off")
# With QEMU's own interrupt controllers QEMU 7.2 starts no second processor.
SMP_IRQCHIPS = ("on", "split")
SMP_MATRIX = list(itertools.product(("cloud", "generic"), (2, 4, 8, 16), SMP_IRQCHIPS))
MATRIX = list(itertools.product(("cloud", "generic"), ("q35", "pc"), ("512M", "6G")))


def parse():
    parser = harness.parser_for(__doc__.splitlines()[0])
    parser.add_argument("--case", action="append", default=[], metavar="NAME", dest="cases")
    parser.add_argument("--matrix", action="store_true")
    parser.add_argument("--drift-seconds", type=int, default=60,
                        help="over which case `time` compares the clocks; at least 23")
    parser.add_argument("--list", action="store_true", help="names the cases")
    args = parser.parse_args()
    if not re.fullmatch(r"\d+[MG]", args.memory):
        parser.error("--memory wants a number and M or G")
    for name in args.cases:
        if name not in cases.CASES:
            parser.error(f"no case {name}; there are {', '.join(cases.CASES)}")
    return args


def plan(args):
    """Case and machine of each guest."""
    base = harness.machine_of(args)
    if not args.matrix:
        # The e1000 is not in the cloud kernel, and one network in a short test is enough.
        names = args.cases or [name for name in cases.CASES if name != "network_e1000"]
        return [(name, base) for name in names] + other_irqchips(args, [base])
    machines = [dataclasses.replace(base, machine=machine) for machine in ("q35", "pc")]
    guests = [(name, dataclasses.replace(base, kernel=flavour, machine=machine, memory=memory))
              for flavour, machine, memory in MATRIX
              for name in args.cases or cases.MATRIX_CASES]
    return guests + other_irqchips(args, machines) + several_processors(args, machines)


def other_irqchips(args, machines):
    """Only where KVM has any, and nobody has chosen."""
    if args.accel != "exclave" or args.accel_options or args.cases:
        return []
    return [("boot", dataclasses.replace(machine, accel_options=f"kernel-irqchip={irqchip}"))
            for machine in machines for irqchip in IRQCHIPS]


def several_processors(args, machines):
    """As other_irqchips(), each kind with each number of processors."""
    if args.accel != "exclave" or args.accel_options or args.cases:
        return []
    return [("boot", dataclasses.replace(machine, kernel=flavour, smp=smp,
                                         accel_options=f"kernel-irqchip={irqchip}"))
            for machine in machines for flavour, smp, irqchip in SMP_MATRIX]


def copy_of(machine):
    return dataclasses.replace(machine, args=list(machine.args), devices=[],
                               environment=dict(machine.environment))


def run_one(title, case, machine, args):
    """Return: the TAP result after `ok N - `, and the complaints."""
    try:
        guest_kernel = kernel.Kernel(machine.kernel)
        reason = case.skipped(guest_kernel)
        if reason:
            return f"{title} # SKIP {reason}", []
        with tempfile.TemporaryDirectory(prefix="exclave-vm-") as folder:
            run = cases.run_case(case, copy_of(machine), guest_kernel, pathlib.Path(folder),
                                 args.logs / f"{title}.log")
    except packages.PackageError as error:
        return title, str(error).splitlines()
    notes = "".join(f", {note}" for note in run.notes)
    return f"{title} ({run.wall:.1f} s, CPU {run.cpu:.1f} s{notes})", run.complaints


def run_all(guests, args):
    """Runs pairs of case and machine, and speaks TAP. Return: how many failed."""
    failed = 0
    print(f"1..{len(guests)}", flush=True)
    for number, (case, machine) in enumerate(guests, 1):
        title = case.title(machine)
        result, complaints = run_one(title, case, machine, args)
        print(f"{'not ok' if complaints else 'ok'} {number} - {result}")
        for line in complaints:
            print(f"#   {line}")
        sys.stdout.flush()
        failed += bool(complaints)
    print(f"# {len(guests)} guests, {failed} failed")
    return failed


def main():
    args = parse()
    if args.list:
        print("\n".join(cases.CASES))
        return 0
    if not shutil.which(harness.QEMU):
        sys.exit(f"boot_test: no {harness.QEMU} (package qemu-system-x86)")
    guests = [(cases.CASES[name](args), machine) for name, machine in plan(args)]
    return 1 if run_all(guests, args) else 0


if __name__ == "__main__":
    sys.exit(main())
