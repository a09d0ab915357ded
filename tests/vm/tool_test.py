#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests by `exclave qemu` and `exclave vm`, with enclaves at work; speaks TAP.

usage: tool_test.py --exclave PROGRAM --guest FOLDER
"""
import argparse
import pathlib
import sys
import tempfile

import harness
import initramfs
import kernel
import packages
import sgx_cases

# Of the 2021 series, word for word, but for the image's name.
SERIES = ("-smp 4 -m 2G -drive file=IMAGE,if=virtio -cpu host,+sgx_provisionkey "
          "-sgx-epc id=epc1,memdev=mem1 -object memory-backend-epc,id=mem1,size=64M,prealloc")
APPEND = "console=ttyS0 panic=-1 quiet"


class Tool(harness.Machine):
    """A machine whose command line is `line`; KERNEL and INITRD stand for files."""

    def command(self, image, initrd):
        names = {"KERNEL": str(image), "INITRD": str(initrd), "APPEND": APPEND}
        return [self.exclave] + [names.get(word, word) for word in self.args]


def lines(folder):
    disk = folder / "disk"
    disk.write_bytes(bytes(1 << 20))
    rest = ("-no-user-config -nodefaults -display none -serial stdio -no-reboot -kernel KERNEL "
            "-initrd INITRD -append APPEND")
    series = SERIES.replace("IMAGE", f"{disk},format=raw").split()
    yield "qemu_series_line_runs_enclaves", ["qemu", *series, *rest.split()]
    yield "vm_short_line_runs_enclaves", [
        "vm", "--kernel", "KERNEL", "--initrd", "INITRD", "--append", "APPEND", "--disk", str(disk),
        "--epc", "64M", "--smp", "2", "--mem", "1G"]


def run(args, folder, name, line):
    """Return: what is wrong."""
    machine = Tool(accel="exclave", exclave=harness.find_exclave(args.exclave), args=line,
                   environment={"XDG_STATE_HOME": str(folder)})
    case = sgx_cases.Sgx(args)
    files = initramfs.Initramfs(kernel.Kernel(machine.kernel))
    files.add_script(initramfs.GUEST / f"{case.script}.sh")
    files.add_modules(["virtio_pci", "virtio_blk"])
    files.add_variables(steps="hello provision grow")
    case.add_programs(files)
    files.write(folder / "initrd")
    result = harness.Run(machine, folder / "initrd", args.logs / f"{name}.log").run()
    result.want("sgx_enclave", "cpu_flags", *(check for step in ("hello", "provision", "grow")
                                              for check in sgx_cases.STEPS[step]))
    errors = (args.logs / f"{name}.stderr").read_text()
    if "warning" in errors:
        result.complain(f"QEMU warns: {errors[:300]}")
    return result.complaints


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--exclave", default="")
    parser.add_argument("--guest", type=pathlib.Path,
                        default=harness.ROOT / "build" / "release" / "guest")
    parser.add_argument("--logs", type=pathlib.Path, default=harness.ROOT / "build" / "vm-logs")
    args = parser.parse_args()
    failed = 0
    print("1..2", flush=True)
    with tempfile.TemporaryDirectory(prefix="exclave-tool-test-") as name:
        folder = pathlib.Path(name)
        for number, (case, line) in enumerate(lines(folder), 1):
            try:
                wrong = run(args, folder, case, line)
            except packages.PackageError as error:
                sys.exit(f"tool_test: {error}")
            print(f"{'not ok' if wrong else 'ok'} {number} - {case}")
            for text in wrong:
                print(f"#   {text}")
            sys.stdout.flush()
            failed += bool(wrong)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
