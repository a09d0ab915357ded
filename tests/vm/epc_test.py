#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What Debian's kernels find of virtual EPC, by the kind of host that there is; speaks TAP.

usage: epc_test.py --exclave PROGRAM [--case NAME]...

Each case is a guest of its own, whose output stays in build/vm-logs.
"""
import dataclasses
import os
import pathlib
import shutil
import sys
import tempfile

import cases
import harness
import kernel
import packages

SGX = "+sgx,+sgxlc,+sgx1,+sgx2,+sgx-exinfo,+sgx-debug,+sgx-mode64,+sgx-provisionkey,+sgx-tokenkey,+sgx-kss"
MEBIBYTE = 1 << 20
# Where q35 puts it: behind the memory above 4 GiB, of which 512M has none.
ABOVE_512M = 0x1_0000_0000
ABOVE_6G = 0x2_0000_0000
DEVICES = "sgx_enclave sgx_provision"


class Epc(cases.Case):
    """The command line of the series in its modern spelling."""
    name = "epc"
    checks = ("sections", "devices", "node_bytes", "sanitized")
    sizes = (64,)
    prealloc = True
    cpu = ""
    base = ABOVE_512M
    memory = "512M"
    kernel = "cloud"
    devices = DEVICES
    environment = {}

    def prepare(self, machine, files, folder):
        machine.cpu = self.cpu or f"{harness.EXCLAVE_CPU},{SGX}"
        machine.memory = self.memory
        first = self.base
        ranges = []
        for number, size in enumerate(self.sizes):
            self.add_section(machine, number, size)
            ranges.append(f"{first:#x}-{first + size * MEBIBYTE - 1:#x}")
            first += size * MEBIBYTE
        files.add_variables(expected_sections=" ".join(ranges), expected_devices=self.devices,
                            expected_node_bytes=" ".join(map(str, self.node_bytes())))
        self.before = dict(os.environ)
        os.environ.update(self.environment)

    def add_section(self, machine, number, size):
        prealloc = ",prealloc=on" if self.prealloc else ""
        machine.devices += ["-object", f"memory-backend-epc,id=epc{number},size={size}M{prealloc}"]
        machine.machine += f",sgx-epc.{number}.memdev=epc{number},sgx-epc.{number}.node={number}"

    def node_bytes(self):
        """EPC of each node of the guest's."""
        return [sum(self.sizes) * MEBIBYTE]

    def finish(self):
        os.environ.clear()
        os.environ.update(self.before)


class EpcGeneric(Epc):
    name = "epc_generic"
    kernel = "generic"


class EpcNodes(Epc):
    """Two sections on two nodes, beside memory above 4 GiB; EPC of the host on two nodes too."""
    name = "epc_nodes"
    sizes = (64, 28)
    base = ABOVE_6G
    memory = "6G"
    environment = {"EXCLAVE_EPC": "0:64M,1:64M"}

    def prepare(self, machine, files, folder):
        super().prepare(machine, files, folder)
        for node in range(2):
            machine.devices += ["-object", f"memory-backend-ram,id=ram{node},size=3G",
                                "-numa", f"node,nodeid={node},memdev=ram{node}"]

    def node_bytes(self):
        return [size * MEBIBYTE for size in self.sizes]


class EpcHostCpu(Epc):
    """What `-cpu host` makes of it, which has the provisioning key by itself."""
    name = "epc_host_cpu"
    sizes = (8,)
    cpu = "host"
    prealloc = False


class EpcLocked(Epc):
    """Launch control that nobody may change: the kernel has no driver for that."""
    name = "epc_locked"
    devices = "sgx_*"
    environment = {"EXCLAVE_LAUNCH_CONTROL": "locked"}


class EpcDriverOff(Epc):
    """Virtual EPC does not need the host's own driver."""
    name = "epc_driver_off"
    environment = {"EXCLAVE_SGX_DRIVER": "off"}


CASES = {case.name: case for case in (Epc, EpcGeneric, EpcNodes, EpcHostCpu, EpcLocked,
                                      EpcDriverOff)}


def parse():
    parser = harness.parser_for(__doc__.splitlines()[0])
    parser.set_defaults(accel="exclave")
    parser.add_argument("--case", action="append", default=[], metavar="NAME", dest="cases")
    parser.add_argument("--list", action="store_true", help="names the cases")
    args = parser.parse_args()
    if args.accel != "exclave":
        parser.error("QEMU has no EPC without KVM")
    for name in args.cases:
        if name not in CASES:
            parser.error(f"no case {name}; there are {', '.join(CASES)}")
    return args


def run_one(name, args):
    """Return: the TAP result after `ok N - `, and the complaints."""
    case = CASES[name](args)
    machine = dataclasses.replace(harness.machine_of(args), kernel=case.kernel)
    try:
        with tempfile.TemporaryDirectory(prefix="exclave-vm-") as folder:
            run = cases.run_case(case, machine, kernel.Kernel(case.kernel), pathlib.Path(folder),
                                 args.logs / f"{name}.log")
    except packages.PackageError as error:
        return name, str(error).splitlines()
    return f"{name} ({run.wall:.1f} s, CPU {run.cpu:.1f} s)", run.complaints


def run_all(names, args):
    """Return: how many failed."""
    failed = 0
    print(f"1..{len(names)}", flush=True)
    for number, name in enumerate(names, 1):
        result, complaints = run_one(name, args)
        print(f"{'not ok' if complaints else 'ok'} {number} - {result}")
        for line in complaints:
            print(f"#   {line}")
        sys.stdout.flush()
        failed += bool(complaints)
    return failed


def main():
    args = parse()
    if args.list:
        print("\n".join(CASES))
        return 0
    if not shutil.which(harness.QEMU):
        sys.exit(f"epc_test: no {harness.QEMU} (package qemu-system-x86)")
    names = args.cases or list(CASES)
    with tempfile.TemporaryDirectory(prefix="exclave-state-") as state:
        os.environ["XDG_STATE_HOME"] = state
        failed = run_all(names, args)
    print(f"# {len(names)} guests, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
