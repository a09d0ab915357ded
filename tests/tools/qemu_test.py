#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""exclave qemu and exclave vm, with a program in QEMU's place that says how it was called.

usage: qemu_test.py EXCLAVE LIBRARY
"""
import pathlib
import struct
import sys
import tempfile

from exclave_test import House, expect, expect_refused

SERIES = ("-smp 4 -m 2G -drive file=IMAGE,if=virtio -cpu host,+sgx_provisionkey "
          "-sgx-epc id=epc1,memdev=mem1 -object memory-backend-epc,id=mem1,size=64M,prealloc").split()
QEMU = b'#!/bin/sh\nfor argument; do printf "%s\\n" "$argument"; done\n'


def words(result):
    expect(result.returncode == 0, "status", result)
    return result.stdout.split("\n")[:-1]


def linux(version):
    """As much of a kernel's image as says its version."""
    image = bytearray(1024)
    image[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", image, 0x20e, 0x100)
    text = f"{version} (someone@somewhere) #1 SMP\0".encode()
    image[0x300:0x300 + len(text)] = text
    return bytes(image)


def check_qemu(house, qemu):
    for before in ([], ["--"]):
        found = words(house.run("qemu", f"--qemu={qemu}", *before, *SERIES))
        for wanted in (["-accel", "kvm"], ["-smp", "4"], ["-drive", "file=IMAGE,if=virtio"],
                       ["-object", "memory-backend-epc,id=mem1,size=64M,prealloc=on"],
                       ["-machine", "sgx-epc.0.node=0,sgx-epc.0.memdev=mem1"]):
            place = found.index(wanted[1]) if wanted[1] in found else 0
            if found[place - 1] != wanted[0]:
                sys.exit(f"exclave: {found} without {wanted}")
        if "-sgx-epc" in found:
            sys.exit(f"exclave: {found}")
    result = house.run("qemu", "-v", f"--qemu={qemu}", "-append", "it's a test")
    expect(f"exclave: {qemu} -accel kvm" in result.stderr, "the command with -v", result)
    expect(result.stderr.partition("-append ")[2].startswith("'it'\\''s a test'\n"), "quotes",
           result)
    result = house.run("qemu", f"--qemu={qemu}", "--version")
    expect("--version" in words(result), "an option of QEMU's", result)


def check_features(house, qemu):
    """What is taken from guests is not asked for either."""
    found = " ".join(words(house.run("qemu", f"--qemu={qemu}", "--cpu-features=-avx2,-sgx_lc")))
    if ",avx2=off" not in found or ",sgxlc=off" not in found or ",sgx2=off" in found:
        sys.exit(f"exclave: {found}")
    found = " ".join(words(house.run("qemu", f"--qemu={qemu}", "--launch-control=locked")))
    if ",sgxlc=off" not in found:
        sys.exit(f"exclave: {found}")


def check_pool(house, qemu):
    expect_refused(house, 125, ["64 MiB", "32 MiB", "--epc-pool=64M"], "qemu", f"--qemu={qemu}",
                   "--epc-pool=0:16M,1:16M", *SERIES)
    result = house.run("qemu", f"--qemu={qemu}", "--epc-pool=32M", *SERIES[:-1],
                       "memory-backend-epc,id=mem1,size=64M")
    expect(result.returncode == 0 and "32 MiB" in result.stderr, "what is not set aside", result)


def check_missing(house):
    expect_refused(house, 127, ["nonesuch", "PATH", "apt-get install qemu-system-x86"], "qemu",
                   "--qemu=nonesuch")
    expect_refused(house, 127, ["/nonesuch", "qemu-system-x86"], "vm", "--qemu=/nonesuch",
                   "--disk=/dev/null")
    result = house.run("qemu", PATH="/nonexistent")
    expect(result.returncode == 127 and "qemu-system-x86_64: not found in PATH" in result.stderr,
           "no QEMU", result)


def check_vm(house, qemu):
    kernel = house.program("vmlinuz-6.1.0", linux("6.1.0"))
    disk, overlay = house.program("disk", b"\0" * 512), house.program("overlay", b"QFI\xfb" * 8)
    found = words(house.run("vm", f"--qemu={qemu}", "--kernel", kernel, "--initrd", disk, "--disk",
                            overlay, "--epc", "64M", "--smp", "4", "--mem", "2G", "--", "-s"))
    line = " ".join(found)
    for wanted in (f"-kernel {kernel}", f"-initrd {disk}", "-smp 4", "-m 2G", "sgx-provisionkey=on",
                   f"file={overlay},if=virtio,format=qcow2", "size=64M,prealloc=on",
                   "sgx-epc.0.memdev=epc0", "console=ttyS0", " -s "):
        if wanted not in line:
            sys.exit(f"exclave: {line} without {wanted}")
    found = " ".join(words(house.run("vm", f"--qemu={qemu}", f"--disk={disk}")))
    if "format=raw" not in found or "sgx=on" in found or "-kernel" in found:
        sys.exit(f"exclave: {found}")
    expect_refused(house, 125, ["--kernel or a --disk"], "vm")
    expect_refused(house, 125, ["--disk=/nonexistent", "No such file"], "vm", "--disk=/nonexistent")
    expect_refused(house, 125, ["--epc=64Q", "64M"], "vm", f"--disk={disk}", "--epc=64Q")


def check_kernel(house, qemu):
    old = house.program("vmlinuz-5.10.0-1-amd64", linux("5.10.0-1-amd64"))
    expect_refused(house, 125, ["5.10.0-1-amd64", "5.11", "another kernel"], "vm",
                   f"--qemu={qemu}", f"--kernel={old}", "--epc=1M")
    bare = house.program("vmlinuz-6.1.0-bare", linux("6.1.0-bare"))
    config = house.program("config-6.1.0-bare", b"CONFIG_X86=y\n# CONFIG_X86_SGX is not set\n")
    expect_refused(house, 125, ["6.1.0-bare", "CONFIG_X86_SGX", "another kernel"], "vm",
                   f"--qemu={qemu}", f"--kernel={bare}", "--epc=1M")
    words(house.run("vm", f"--qemu={qemu}", f"--kernel={bare}"))
    config.write_bytes(b"CONFIG_X86_SGX=y\n")
    words(house.run("vm", f"--qemu={qemu}", f"--kernel={bare}", "--epc=1M"))
    # Whatever it is, QEMU shall say.
    for content in (b"", b"\x7fELF", linux(""), linux("x")):
        other = house.program("other", content)
        words(house.run("vm", f"--qemu={qemu}", f"--kernel={other}", "--epc=1M"))


def main():
    exclave, library = sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        house = House(pathlib.Path(name).resolve() / "installed", exclave, library)
        qemu = house.program("qemu", QEMU)
        for check in (check_qemu, check_features, check_pool, check_vm, check_kernel):
            check(house, qemu)
        check_missing(house)


if __name__ == "__main__":
    main()
