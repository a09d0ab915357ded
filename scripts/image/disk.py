# SPDX-License-Identifier: GPL-2.0-or-later
"""A disk from a root file system: GPT, GRUB for a BIOS and for UEFI; no loop device, no root.

Sizes and places are in sectors of 512 bytes.
"""
import os
import pathlib
import shutil
import struct
import subprocess

SECTOR = 512
MIB = (1 << 20) // SECTOR
BIOS_BOOT, BIOS_BOOT_SIZE = 1 * MIB, 1 * MIB
ESP, ESP_SIZE = 2 * MIB, 8 * MIB
ROOT = 10 * MIB
# GPT keeps a copy of itself in the last 33.
TAIL = 1 * MIB
DISK_UUID = "6e0f4e2c-5c1d-4c52-9d0b-f2c8c7a4e300"
BIOS_BOOT_TYPE = "21686148-6449-6E6F-744E-656564454649"
# Where GRUB's boot.img has the place of the next stage, and what a hard disk has instead of the
# jump that a floppy needs ("drive check" in GRUB's boot.S).
BOOT_CODE_SIZE = 440
KERNEL_SECTOR = 0x5c
DRIVE_CHECK, NOPS = 0x66, b"\x90\x90"
# The first record of the list of blocks at the end of core.img's first sector: start, sectors, segment.
BLOCK_LIST = SECTOR - 12
BLOCK_RECORD = "<QHH"
# Programs of an administrator's are not in everybody's path.
PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


class DiskError(Exception):
    """What could not be made, and why."""


def run(*command, text=None):
    result = subprocess.run([str(word) for word in command], input=text, capture_output=True,
                            text=True, env={**os.environ, "PATH": PATH})
    if result.returncode != 0:
        raise DiskError(f"`{' '.join(map(str, command))}` failed:\n{result.stdout}{result.stderr}")
    return result.stdout


def partition_uuid(number):
    return DISK_UUID[:-1] + str(number)


def write_table(disk, root_size):
    parts = [(BIOS_BOOT, BIOS_BOOT_SIZE, BIOS_BOOT_TYPE, "bios"), (ESP, ESP_SIZE, "U", "efi"),
             (ROOT, root_size, "L", "root")]
    lines = ["label: gpt", f"label-id: {DISK_UUID}", f"first-lba: {BIOS_BOOT}"]
    lines += [f"start={start}, size={size}, type={kind}, name={name}, uuid={partition_uuid(number)}"
              for number, (start, size, kind, name) in enumerate(parts, 1)]
    run("sfdisk", "-q", disk, text="\n".join(lines) + "\n")


def write_at(disk, sector, data):
    with open(disk, "r+b") as file:
        file.seek(sector * SECTOR)
        file.write(data)


def write_bios_loader(disk, boot, core):
    """What grub-bios-setup does, for a file instead of a device."""
    boot, core = bytearray(boot[:BOOT_CODE_SIZE]), bytearray(core)
    if len(core) > BIOS_BOOT_SIZE * SECTOR:
        raise DiskError(f"GRUB's core.img has {len(core)} bytes, its partition fewer")
    struct.pack_into("<Q", boot, KERNEL_SECTOR, BIOS_BOOT)
    boot[DRIVE_CHECK:DRIVE_CHECK + len(NOPS)] = NOPS
    _, sectors, segment = struct.unpack_from(BLOCK_RECORD, core, BLOCK_LIST)
    if sectors != (len(core) - 1) // SECTOR:
        raise DiskError(f"GRUB's core.img lists {sectors} sectors, and has {len(core)} bytes")
    struct.pack_into(BLOCK_RECORD, core, BLOCK_LIST, BIOS_BOOT + 1, sectors, segment)
    write_at(disk, 0, boot)
    write_at(disk, BIOS_BOOT, core)


def write_esp(disk, loader):
    """UEFI starts the program of this name when nobody has told it of another."""
    image = f"{disk}@@{ESP * SECTOR}"
    run("mformat", "-i", image, "-T", ESP_SIZE, "-h", 16, "-s", 63, "-N", "45584356", "-v", "EFI", "::")
    run("mmd", "-i", image, "::/EFI", "::/EFI/BOOT")
    run("mcopy", "-m", "-i", image, loader, "::/EFI/BOOT/BOOTX64.EFI")


def copy_sparse(source, target, sector):
    run("dd", f"if={source}", f"of={target}", "bs=1M", f"seek={sector // MIB}", "conv=notrunc,sparse")


def make(disk, parts):
    """A disk of what the folder `parts` holds: root.img, boot.img, core.img, bootx64.efi."""
    parts = pathlib.Path(parts)
    root_size = (parts / "root.img").stat().st_size // SECTOR
    with open(disk, "wb") as file:
        file.truncate((ROOT + root_size + TAIL) * SECTOR)
    write_table(disk, root_size)
    write_bios_loader(disk, (parts / "boot.img").read_bytes(), (parts / "core.img").read_bytes())
    write_esp(disk, parts / "bootx64.efi")
    copy_sparse(parts / "root.img", disk, ROOT)


def grow(disk, size):
    """Makes a disk of make() larger, to `size` bytes; room without files takes none of the host's."""
    with open(disk, "rb") as file:
        loader = file.read(BOOT_CODE_SIZE)
    root_mib = size // SECTOR // MIB - (ROOT + TAIL) // MIB
    with open(disk, "r+b") as file:
        file.truncate(size // SECTOR // MIB * MIB * SECTOR)
    # It cuts the file off behind the file system's size, as if that began with the file.
    run("resize2fs", f"{disk}?offset={ROOT * SECTOR}", f"{root_mib}M")
    with open(disk, "r+b") as file:
        file.truncate(size // SECTOR // MIB * MIB * SECTOR)
    write_table(disk, root_mib * MIB)
    write_at(disk, 0, loader)


def add_files(disk, files, folder):
    """Writes files of the host into `folder`, which is new, of the root file system."""
    lines = [f"mkdir {folder}"]
    lines += [f"write {source} {folder}/{pathlib.Path(source).name}" for source in files]
    target = f"{disk}?offset={ROOT * SECTOR}"
    run("debugfs", "-w", "-f", "-", target, text="\n".join(lines) + "\n")
    # debugfs says nothing by its status.
    listed = run("debugfs", "-R", f"ls -p {folder}", target)
    for source in files:
        path = pathlib.Path(source)
        if f"/{path.name}/{path.stat().st_size}/" not in listed:
            raise DiskError(f"{path} is not in the image's {folder}: {listed}")


def copy(source, target):
    run("cp", "--sparse=always", "--reflink=auto", source, target)
