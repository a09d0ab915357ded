#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The demonstration: Debian's kernel in unmodified QEMU, with EPC, running enclaves of our own.

usage: guest_demo.py [--exclave PROGRAM] [--guest FOLDER] [--logs FOLDER]

`exclave demo` runs it, from the build tree and from where it is installed.

Two boots, each a QEMU of its own: what an enclave seals in the first it unseals in the second.
"""
import argparse
import os
import pathlib
import shutil
import sys
import tempfile
import textwrap
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "vm"))
import ending  # noqa: E402
import harness  # noqa: E402
import initramfs  # noqa: E402
import kernel  # noqa: E402
import packages  # noqa: E402
import progress  # noqa: E402
import sgx_cases  # noqa: E402

SECTION = "EPC-SECTION: "
TITLE_WIDTH = 35
WIDEST = 100  # longer lines are hard to read
# What the guest reports, in words.
TITLES = {
    "sgx_enclave": "/dev/sgx_enclave is there",
    "sgx_provision": "/dev/sgx_provision is there",
    "cpu_flags": "/proc/cpuinfo has sgx and sgx_lc",
    "hello_alice": "Alice is what was signed",
    "hello_bob": "Bob is another enclave",
    "attributes": "her attributes",
    "attest": "local attestation",
    "attest_elsewhere": "the report is for Bob",
    "attest_forged": "a forged report",
    "grow": "SGX2: the heap grows",
    "restrict": "SGX2: rights are taken",
    "epcm_fault": "the EPCM says no",
    "extend": "SGX2: rights are given back",
    "trim": "SGX2: pages go",
    "regrow": "SGX2: and come again",
    "threads": "several threads",
    "storm": "a storm of interrupts",
    "timing": "what a call costs",
    "debug_refused": "a debugger sees nothing",
    "debug_read": "of a debug enclave, all",
    "debug_optin": "and sets breakpoints there",
    "provision_refused": "provisioning key, no permission",
    "provision_attribute": "provisioning key, no attribute",
    "provision_key": "provisioning key, with both",
    "sealed": "Alice seals",
    "unsealed": "Alice unseals",
    "unseal_other": "Bob may not",
    "unseal_damaged": "damaged it does not open",
}


def parse():
    release = harness.ROOT / "build" / "release"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--exclave", default="", metavar="PROGRAM")
    parser.add_argument("--guest", type=pathlib.Path, default=release / "guest", metavar="FOLDER",
                        help="where guest-demo and the enclaves are built")
    parser.add_argument("--logs", type=pathlib.Path, default=harness.ROOT / "build" / "vm-logs",
                        metavar="FOLDER", help="where the guests' output goes")
    return parser.parse_args()


def style(code, text):
    """The convention of no-color.org: any value but an empty one."""
    plain = os.environ.get("NO_COLOR") or not progress.is_terminal(sys.stdout)
    return text if plain else f"\033[{code}m{text}\033[0m"


def wrapped(text, column):
    """Lines for a terminal, which begin at a column; in a pipe it is one."""
    if not sys.stdout.isatty():
        return text
    width = max(min(shutil.get_terminal_size().columns, WIDEST), 40) - 1
    return textwrap.fill(text, width - min(column, 20) if width <= column + 20 else width - column,
                         break_on_hyphens=False).replace("\n", "\n" + " " * column)


class Show:
    """Prints what the guest reports as it comes, and counts it."""

    def __init__(self):
        self.steps = 0
        self.failed = []
        self.waiting = None

    def watch(self, line):
        if SECTION in line:
            self.__print("Linux finds EPC", line.partition(SECTION)[2])
        match = harness.CHECK.search(line)
        if match and match.group(1) in TITLES:
            name, verdict, detail = match.groups()
            self.steps += 1
            self.__print(TITLES[name], detail, verdict == "PASS")

    def __print(self, title, detail, good=True):
        verdict = "" if good else style("1;31", "FAILED: ")
        self.waiting.say(f"  {title:{TITLE_WIDTH - 2}}{verdict}"
                         f"{wrapped(detail.strip() or 'yes', TITLE_WIDTH)}")

    def boot(self, machine, initrd, log, *wanted):
        """Return: the details of all checks."""
        run = harness.Run(machine, initrd, log)
        run.watch = self.watch
        with progress.Waiting("the guest is at work", sys.stdout) as self.waiting:
            run.run()
        run.want(*wanted)
        self.failed += run.complaints
        return {name: detail for name, (_, detail) in run.checks.items()}


def show(args, folder):
    case = sgx_cases.Demo(args)
    machine = harness.Machine(accel="exclave", exclave=harness.find_exclave(args.exclave))
    files = initramfs.Initramfs(kernel.Kernel(machine.kernel))
    files.add_script(initramfs.GUEST / f"{case.script}.sh")
    case.prepare(machine, files, folder)
    files.write(folder / "initrd")
    shown = Show()
    print(style(1, f"A guest with Linux {files.kernel.release} in {harness.QEMU}:"), flush=True)
    first = shown.boot(machine, folder / "initrd", args.logs / "demo.first.log", *case.checks)
    print(style(1, "Another QEMU, with the same disk:"), flush=True)
    second = shown.boot(machine, folder / "initrd", args.logs / "demo.second.log",
                        *sgx_cases.SEAL_SECOND)
    if first.get("sealed") != second.get("unsealed"):
        shown.failed.append("what was unsealed is not what was sealed")
    return shown


def main():
    args = parse()
    if not shutil.which(harness.QEMU):
        sys.exit(f"demo: no {harness.QEMU}; install QEMU "
                 "(on Debian: apt-get install qemu-system-x86)")
    started = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="exclave-demo-") as folder:
            shown = show(args, pathlib.Path(folder))
    except packages.PackageError as error:
        sys.exit(f"demo: {error}")
    for complaint in shown.failed:
        print(f"{style('1;31', 'FAILED')}: {complaint}")
    if shown.failed:
        print(f"The guests' output is in {args.logs}/demo.*.log.")
        return 1
    print(f"All {shown.steps} steps did what they claim, in {time.monotonic() - started:.1f} s.")
    return 0


if __name__ == "__main__":
    with ending.by_signals("demo"):
        sys.exit(main())
