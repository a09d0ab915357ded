#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests by `exclave qemu` and `exclave vm`, with enclaves at work, and what users see when one
cannot start; speaks TAP.

usage: tool_test.py --exclave PROGRAM --guest FOLDER
"""
import argparse
import os
import pathlib
import subprocess
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


def old_processor_is_refused(args, folder):
    """Nehalem has neither AVX nor BMI; QEMU's translator plays it."""
    machine = harness.Machine(accel="tcg", cpu="Nehalem")
    files = initramfs.Initramfs(kernel.Kernel(machine.kernel))
    files.add_script(initramfs.GUEST / "old_processor.sh")
    files.add_program(harness.find_exclave(args.exclave), "exclave/exclave")
    files.write(folder / "initrd")
    result = harness.Run(machine, folder / "initrd", args.logs / "old_processor.log").run()
    result.want("refused_status", "refused")
    return result.complaints


REFUSALS = {
    "epc_larger_than_pool_is_explained": (
        ["--epc-pool=32M"],
        ["-object", "memory-backend-epc,id=m,size=64M,prealloc=on"],
        ("16384 pages", "left of 8192", "EXCLAVE_EPC")),
    "identity_damaged_is_explained": (
        ["--identity=DAMAGED"], ["-cpu", "Skylake-Client-v4,+sgx"], ("DAMAGED", "damaged", "backup")),
    "provision_without_permission_is_explained": (
        ["--provision=/nonexistent"],
        ["-cpu", "Skylake-Client-v4,+sgx,+sgx1,+sgx-provisionkey"],
        ("/nonexistent cannot be opened: No such file", "no provisioning key", "access")),
    "code_cache_without_room_is_explained": (
        ["--code-cache=1G"], [], ("no room for the code cache", "ulimit -v", "EXCLAVE_CODE_CACHE")),
}


def refusal(args, folder, name):
    """QEMU says little; the library's line must say why, and what to do."""
    options, arguments, wanted = REFUSALS[name]
    damaged = folder / "damaged"
    damaged.write_bytes(b"x" * 128)
    damaged.chmod(0o600)
    options = [option.replace("DAMAGED", str(damaged)) for option in options]
    limit = "ulimit -v 1900000; " if "code_cache" in name else ""
    command = ["sh", "-c", f'{limit}exec timeout -s KILL 20 "$@"', "sh",
               harness.find_exclave(args.exclave), "run", *options, "--", harness.QEMU, "-accel",
               "kvm", "-m", "64M", "-display", "none", "-monitor", "stdio", *arguments]
    # The monitor reads its only command when all processors are there.
    result = subprocess.run(command, input="quit\n", capture_output=True, text=True,
                            env={**os.environ, "XDG_STATE_HOME": str(folder)})
    lines = [line for line in result.stderr.split("\n") if line.startswith("exclave: ")]
    words = [word.replace("DAMAGED", str(damaged)) for word in wanted]
    if not any(all(word in line for word in words) for line in lines):
        return [f"{result.stderr.strip()[:600]} does not say {words}"]
    return []


def all_cases(args, folder):
    """Names, and what returns what is wrong."""
    for name, line in lines(folder):
        yield name, lambda name=name, line=line: run(args, folder, name, line)
    yield "old_processor_is_refused", lambda: old_processor_is_refused(args, folder)
    for name in REFUSALS:
        yield name, lambda name=name: refusal(args, folder, name)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--exclave", default="")
    parser.add_argument("--guest", type=pathlib.Path,
                        default=harness.ROOT / "build" / "release" / "guest")
    parser.add_argument("--logs", type=pathlib.Path, default=harness.ROOT / "build" / "vm-logs")
    args = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory(prefix="exclave-tool-test-") as name:
        folder = pathlib.Path(name)
        cases = list(all_cases(args, folder))
        print(f"1..{len(cases)}", flush=True)
        for number, (case, test) in enumerate(cases, 1):
            try:
                wrong = test()
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
