#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds initial RAM file systems for guests: busybox, modules, a test script, what it needs.

usage: initramfs.py [--kernel cloud|generic] [--module NAME]... [--program PATH]... [--file PATH]... SCRIPT OUTPUT

Programs are in /bin, with the libraries they are linked to, files in /data.

The archive is not compressed: unpacking it would be most of a short test.
"""
import argparse
import hashlib
import pathlib
import re
import shutil
import stat
import subprocess
import sys
import tempfile

import kernel
import packages

GUEST = pathlib.Path(__file__).resolve().parent / "guest"
FOLDERS = ["bin", "dev", "etc", "proc", "sys", "tmp", "modules", "data"]
LIBRARY = re.compile(r"(?:=>\s+)?(/\S+) \(0x")
# Rows of float_check are compared with what the host computed: no contraction, one order of operations.
CFLAGS = ["-O2", "-static", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-ffp-contract=off"]


def cpio_entry(inode, name, mode, data=b"", rdev=(0, 0)):
    """One entry of the "newc" format: Linux, Documentation/driver-api/early-userspace."""
    path = name.encode() + b"\0"
    fields = [inode, mode, 0, 0, 1, 0, len(data), 0, 0, *rdev, len(path), 0]
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + path
    return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)


def libraries_of(program):
    """What the dynamic linker would load for a program, itself included; nothing if static."""
    result = subprocess.run(["ldd", str(program)], capture_output=True, text=True)
    if result.returncode != 0:
        return []
    return [pathlib.Path(path) for path in LIBRARY.findall(result.stdout)]


def compile_static(source):
    """A static program of ours, made once for each state of its source."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        raise packages.PackageError("no C compiler (package gcc) for the guest's programs")
    folder = packages.CACHE / "programs"
    with packages.locked("programs"):
        folder.mkdir(parents=True, exist_ok=True)
        key = hashlib.sha256(source.read_bytes() + " ".join(CFLAGS).encode()).hexdigest()[:16]
        program = folder / f"{source.stem}-{key}"
        if not program.exists():
            partial = program.with_suffix(".partial")
            subprocess.run([compiler, *CFLAGS, "-o", str(partial), str(source), "-lm"], check=True)
            partial.rename(program)
    return program


class Initramfs:
    """Files by their names in the guest; write() makes the archive."""

    def __init__(self, guest_kernel):
        self.kernel = guest_kernel
        self.files = {}
        self.links = {}
        self.modules = []
        busybox = packages.package_tree("busybox-static") / "bin" / "busybox"
        self.add(busybox, "bin/busybox")
        self.add(GUEST / "init", "init")
        self.add(GUEST / "check.sh", "check.sh")

    def add(self, source, name):
        """A file of the host with its mode."""
        source = pathlib.Path(source)
        self.files[name] = (stat.S_IMODE(source.stat().st_mode) | 0o444, source.read_bytes())

    def add_bytes(self, name, data, mode=0o644):
        self.files[name] = (mode, data)

    def add_link(self, name, target):
        self.links[name] = target

    def add_script(self, source):
        """The test; init runs it when the machine is up."""
        self.add_bytes("test.sh", pathlib.Path(source).read_bytes())

    def add_variables(self, **variables):
        """What the script finds set."""
        text = "".join(f"{name}='{value}'\n" for name, value in variables.items())
        self.add_bytes("variables.sh", text.encode())

    def add_program(self, source, name=None):
        """A program of the host with the libraries it is linked to."""
        source = pathlib.Path(source)
        self.add(source, name or f"bin/{source.name}")
        for library in libraries_of(source):
            self.add(library, str(library).lstrip("/"))

    def add_compiled(self, source):
        """A program of ours, from its source in tests/vm/guest. Return: it, on the host."""
        program = compile_static(GUEST / source)
        self.add(program, f"bin/{pathlib.Path(source).stem}")
        return program

    def add_modules(self, names):
        """Modules that init loads, with what they depend on."""
        for path in self.kernel.with_dependencies(names):
            if path.name not in self.modules:
                self.modules.append(path.name)
                self.add(path, f"modules/{path.name}")

    def folders(self):
        found = set(FOLDERS)
        for name in [*self.files, *self.links]:
            found.update(str(parent) for parent in pathlib.PurePath(name).parents)
        return sorted(found - {"."})

    def entries(self):
        """Name, mode, contents and device number of everything, folders first."""
        for name in self.folders():
            yield name, stat.S_IFDIR | 0o755, b"", (0, 0)
        # The kernel opens it for init before anything could be mounted.
        yield "dev/console", stat.S_IFCHR | 0o600, b"", (5, 1)
        for name, (mode, data) in self.files.items():
            yield name, stat.S_IFREG | mode, data, (0, 0)
        for name, target in self.links.items():
            yield name, stat.S_IFLNK | 0o777, target.encode(), (0, 0)

    def write(self, path):
        self.add_bytes("modules/order", "".join(f"{name}\n" for name in self.modules).encode())
        with open(path, "wb") as archive:
            for inode, (name, mode, data, rdev) in enumerate(self.entries(), 1):
                archive.write(cpio_entry(inode, name, mode, data, rdev))
            archive.write(cpio_entry(0, "TRAILER!!!", 0))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kernel", choices=kernel.METAPACKAGES, default="cloud")
    parser.add_argument("--module", action="append", default=[])
    parser.add_argument("--program", action="append", default=[])
    parser.add_argument("--file", action="append", default=[], type=pathlib.Path, dest="files")
    parser.add_argument("script", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    args = parser.parse_args()
    try:
        guest_kernel = kernel.Kernel(args.kernel)
        built = Initramfs(guest_kernel)
        built.add_script(args.script)
        built.add_modules(args.module)
        for program in args.program:
            built.add_program(program)
        for path in args.files:
            built.add(path, f"data/{path.name}")
        with tempfile.TemporaryDirectory(dir=args.output.resolve().parent) as folder:
            built.write(pathlib.Path(folder) / "initrd")
            (pathlib.Path(folder) / "initrd").rename(args.output)
    except packages.PackageError as error:
        sys.exit(f"initramfs: {error}")
    except OSError as error:
        sys.exit(f"initramfs: {error.filename}: {error.strerror}")
    print(f"-kernel {guest_kernel.image} -initrd {args.output.resolve()}")


if __name__ == "__main__":
    main()
