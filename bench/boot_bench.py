#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""From QEMU's start to the guest's power-off, Exclave and TCG in turn: medians of CPU and wall time.

The same QEMU, kernel and initial file system for both; the processor is each one's own default
(--cpu gives both the same). usage: boot_bench.py [--rounds N] [--only tcg|exclave]
"""
import dataclasses
import pathlib
import statistics
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "vm"))
import harness  # noqa: E402
import initramfs  # noqa: E402
import kernel  # noqa: E402
import packages  # noqa: E402

SCRIPT = b"pass booted\n"
TARGET = 1.0


def parse():
    parser = harness.parser_for(__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=harness.ACCELERATORS)
    return parser.parse_args()


def machines_of(args):
    base = harness.machine_of(args)
    return {accel: dataclasses.replace(base, accel=accel, exclave=harness.find_exclave(args.exclave))
            for accel in harness.ACCELERATORS if args.only in (None, accel)}


def measure(machines, initrd, args):
    """In turn, so that what else the machine does falls on both. Return: runs of each."""
    runs = {accel: [] for accel in machines}
    for number in range(1, args.rounds + 1):
        for accel, machine in machines.items():
            log = args.logs / f"bench_{accel}.log"
            run = harness.Run(dataclasses.replace(machine), initrd, log).run()
            run.want("booted")
            if run.complaints:
                sys.exit("\n".join([f"boot_bench: {accel}, round {number}:", *run.complaints]))
            runs[accel].append(run)
    return runs


def row(runs, attribute):
    values = [getattr(run, attribute) for run in runs]
    return statistics.median(values), min(values), max(values)


def show(runs, args):
    print(f"Debian {args.kernel} kernel, {args.machine}, {args.memory}: boot to power-off, "
          f"medians of {args.rounds} (least to most), seconds")
    print(f"{'':10}{'CPU':>8}{'':>16}{'wall':>10}")
    for accel, each in runs.items():
        cpu, wall = row(each, "cpu"), row(each, "wall")
        print(f"{accel:10}{cpu[0]:8.2f}  ({cpu[1]:5.2f} - {cpu[2]:5.2f})"
              f"{wall[0]:10.2f}  ({wall[1]:5.2f} - {wall[2]:5.2f})")
    if len(runs) == 2:
        cpu, wall = (row(runs["exclave"], name)[0] / row(runs["tcg"], name)[0]
                     for name in ("cpu", "wall"))
        print(f"{'ratio':10}{cpu:8.2f}{'':18}{wall:8.2f}    "
              f"CPU target <= {TARGET:.1f}: {'met' if cpu <= TARGET else 'missed'}")


def main():
    args = parse()
    try:
        with tempfile.TemporaryDirectory(prefix="exclave-vm-") as folder:
            initrd = pathlib.Path(folder) / "initrd"
            files = initramfs.Initramfs(kernel.Kernel(args.kernel))
            files.add_bytes("test.sh", SCRIPT)
            files.write(initrd)
            show(measure(machines_of(args), initrd, args), args)
    except packages.PackageError as error:
        sys.exit(f"boot_bench: {error}")


if __name__ == "__main__":
    main()
