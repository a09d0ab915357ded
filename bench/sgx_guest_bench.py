#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What enclaves cost in Debian's kernel on Exclave, beside what that guest does without them.

usage: sgx_guest_bench.py [--exclave PROGRAM] [--guest FOLDER]

guest/loader/bench.c measures, in the guest's time; medians of 5 rounds.
"""
import argparse
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "vm"))
import harness  # noqa: E402
import initramfs  # noqa: E402
import kernel  # noqa: E402
import packages  # noqa: E402
import sgx_cases  # noqa: E402

SCRIPT = b"guest-bench /data/alice.image\n"
PAGE = 4096
# By the guest's names: what it is, its peer, and whether pages by the second are of interest.
ROWS = {
    "call": ("call through the vDSO and back", "getppid()", False),
    "aex": ("signal to a loop in an enclave", "to the same loop outside", False),
    "build": ("page of an enclave, built and removed", "page of a file, read", True),
    "paging": ("page loaded for one written back", "page of memory, touched first", True),
}


class Bench(sgx_cases.Sgx):
    """Less EPC than the enclave's heap has pages, and more than the one that is built."""
    name = "sgx_bench"
    sections = (sgx_cases.Section("16M"),)
    checks = tuple(ROWS)

    def add_programs(self, files):
        super().add_programs(files)
        files.add(self.options.guest / "guest-bench", "bin/guest-bench")


def parse():
    release = harness.ROOT / "build" / "release"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--exclave", default="", metavar="PROGRAM")
    parser.add_argument("--guest", type=pathlib.Path, default=release / "guest", metavar="FOLDER",
                        help="where guest-bench and the enclaves are built")
    parser.add_argument("--logs", type=pathlib.Path, default=harness.ROOT / "build" / "vm-logs")
    return parser.parse_args()


def run(args, folder):
    case = Bench(args)
    machine = harness.Machine(accel="exclave", exclave=harness.find_exclave(args.exclave),
                              timeout=600)
    files = initramfs.Initramfs(kernel.Kernel(machine.kernel))
    files.add_bytes("test.sh", SCRIPT)
    case.prepare(machine, files, folder)
    files.write(folder / "initrd")
    done = harness.Run(machine, folder / "initrd", args.logs / "sgx_bench.log").run()
    done.want(*case.checks)
    if done.complaints:
        sys.exit("\n".join(["sgx_guest_bench:", *done.complaints]))
    return {name: [float(word) for word in done.checks[name][1].split()] for name in ROWS}


def show(found):
    print("Enclaves in a Debian guest, medians of 5, nanoseconds of the guest")
    for name, (title, peer, is_page) in ROWS.items():
        ns, peer_ns = found[name]
        line = f"{title:40}{ns:9.0f}   {peer:30}{peer_ns:9.0f}"
        line += f"{ns / peer_ns:8.2f}" if peer_ns > 0 else f"{'':8}"
        if is_page:
            line += f"   {1e9 / ns:9.0f} pages/s, {1e3 * PAGE / ns:6.1f} MB/s"
        print(line)


def main():
    args = parse()
    try:
        with tempfile.TemporaryDirectory(prefix="exclave-bench-") as folder:
            show(run(args, pathlib.Path(folder)))
    except packages.PackageError as error:
        sys.exit(f"sgx_guest_bench: {error}")


if __name__ == "__main__":
    main()
