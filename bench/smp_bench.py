#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a guest's kernel does all day, with two processors: Exclave and TCG in turn.

smp_guest.c times itself in the same Debian guest under both. Then guests of one and of two
processors boot in turn, for the wall time that the second one costs.
usage: smp_bench.py [--rounds N] [--boots N] [--only tcg|exclave]
"""
import dataclasses
import math
import os
import pathlib
import re
import statistics
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "vm"))
import harness  # noqa: E402
import initramfs  # noqa: E402
import kernel  # noqa: E402
import packages  # noqa: E402

ROWS = {
    "getppid": "getppid()",
    "fault": "first touch of a page",
    "exec": "fork, exec, exit, wait",
    "switch": "switch of processes, pipe",
    "futex": "futex, to and fro between idle processors",
    "ipi": "membarrier(): IPI and answer",
}
MEAN_TARGET = 1.5
BOOT_TARGET = 1.15
WORK_TARGET = 1.8
ROW = re.compile(r"ROW (\S+) ([\d.]+)")
WORK = re.compile(r"WORK (\d) (\d+)")
OPTIONS = {"tcg": "thread=multi", "exclave": ""}


def parse():
    parser = harness.parser_for(__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--boots", type=int, default=9)
    parser.add_argument("--only", choices=harness.ACCELERATORS)
    return parser.parse_args()


def machine_for(args, accel, smp):
    return dataclasses.replace(harness.machine_of(args), accel=accel, smp=smp,
                               accel_options=args.accel_options or OPTIONS[accel],
                               exclave=harness.find_exclave(args.exclave))


def write_initrd(args, path, script, program=None):
    files = initramfs.Initramfs(kernel.Kernel(args.kernel))
    files.add_bytes("test.sh", script)
    if program:
        files.add(program, f"bin/{program.name}")
    files.write(path)


def run(args, accel, smp, initrd, want):
    log = args.logs / f"smp_bench_{accel}.log"
    result = harness.Run(machine_for(args, accel, smp), initrd, log).run()
    result.want(want)
    if result.complaints:
        sys.exit("\n".join([f"smp_bench: {accel}, {smp} processors:", *result.complaints]))
    return result


def measure_rows(args, accels, folder):
    """Return: for each accelerator the values of each row, one for each round."""
    program = initramfs.compile_static(HERE / "smp_guest.c")
    initrd = folder / "rows"
    write_initrd(args, initrd, f"check smp_guest sh -c '{program.name} >/dev/console'\n".encode(),
                 program)
    found = {accel: {} for accel in accels}
    for _ in range(args.rounds):
        for accel in accels:
            text = run(args, accel, 2, initrd, "smp_guest").text()
            work = {int(count): int(done) for count, done in WORK.findall(text)}
            values = {name: float(ns) for name, ns in ROW.findall(text)}
            values["work"] = work[2] / work[1]
            for name, value in values.items():
                found[accel].setdefault(name, []).append(value)
    return found


def median(values):
    return statistics.median(values)


def verdict(met):
    return "met" if met else "missed"


def show_rows(found, args):
    print(f"In a Debian {args.kernel} guest, 2 processors: ns, medians of {args.rounds}")
    print(f"{'':44}" + "".join(f"{accel:>10}" for accel in found) + f"{'faster':>10}")
    gains = []
    for name, title in ROWS.items():
        line = f"{title:44}" + "".join(f"{median(rows[name]):10.0f}" for rows in found.values())
        if len(found) == 2:
            # Round by round, as what else the machine does falls on both.
            gain = median([t / e for t, e in zip(found["tcg"][name], found["exclave"][name])])
            gains.append(gain)
            line += f"{gain:10.2f}"
        print(line)
    if gains:
        mean = math.exp(statistics.mean(map(math.log, gains)))
        print(f"{'geometric mean':64}{mean:10.2f}    target >= {MEAN_TARGET}: "
              f"{verdict(mean >= MEAN_TARGET)}; none slower: {verdict(min(gains) >= 1)}")
    for accel, rows in found.items():
        work = median(rows["work"])
        target = (f"    target >= {WORK_TARGET}: {verdict(work >= WORK_TARGET)}"
                  if accel == "exclave" else "")
        print(f"work of 2 processors by that of 1, {accel:8}{work:9.2f}{target}")


def measure_boots(args, folder):
    """Return: for 1 and 2 processors the walls of boots, in turn."""
    initrd = folder / "boot"
    write_initrd(args, initrd, b"pass booted\n")
    walls = {1: [], 2: []}
    for _ in range(args.boots):
        for smp, each in walls.items():
            each.append(run(args, "exclave", smp, initrd, "booted").wall)
    return walls


def show_boots(walls):
    ratio = median([two / one for one, two in zip(walls[1], walls[2])])
    for smp, each in walls.items():
        print(f"boot to power-off, {smp} processors: {median(each):5.2f} s "
              f"({min(each):.2f} - {max(each):.2f})")
    print(f"ratio {ratio:.2f}, target <= {BOOT_TARGET}: {verdict(ratio <= BOOT_TARGET)}")


def main():
    args = parse()
    accels = [accel for accel in harness.ACCELERATORS if args.only in (None, accel)]
    if len(os.sched_getaffinity(0)) < 2:
        print("smp_bench: only one processor here; two would take turns on it")
    try:
        with tempfile.TemporaryDirectory(prefix="exclave-vm-") as name:
            folder = pathlib.Path(name)
            if args.rounds:
                show_rows(measure_rows(args, accels, folder), args)
            if args.boots and "exclave" in accels:
                show_boots(measure_boots(args, folder))
    except packages.PackageError as error:
        sys.exit(f"smp_bench: {error}")


if __name__ == "__main__":
    main()
