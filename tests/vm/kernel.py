#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's kernels for guests, with their modules.

usage: kernel.py [--refresh] [cloud|generic]...     prints the path of each kernel
"""
import argparse
import pathlib
import re
import sys

import packages

METAPACKAGES = {"cloud": "linux-image-cloud-amd64", "generic": "linux-image-amd64"}
# Debian 12's, signed as it comes.
IMAGE = r"linux-image-6\.1\.[0-9]+-[0-9]+(?:-cloud)?-amd64\b"
DEPENDS = re.compile(rb"\0depends=([^\0]*)\0")


class Kernel:
    """A kernel's image and the folder of its modules."""

    def __init__(self, flavour, refresh=False):
        package = packages.dependency_of(METAPACKAGES[flavour], IMAGE, refresh)
        tree = packages.package_tree(package, refresh)
        self.flavour = flavour
        self.release = package.removeprefix("linux-image-")
        self.image = tree / "boot" / f"vmlinuz-{self.release}"
        self.modules = tree / "lib" / "modules" / self.release
        self.files = {self.name_of(path): path for path in self.modules.rglob("*.ko*")}
        builtin = (self.modules / "modules.builtin").read_text().split()
        self.builtin = {self.name_of(pathlib.Path(path)) for path in builtin}

    @staticmethod
    def name_of(path):
        """A module's own name; its file may write it with dashes."""
        return path.name.partition(".ko")[0].replace("-", "_")

    def has(self, name):
        return name in self.files or name in self.builtin

    def with_dependencies(self, names):
        """The files of modules `names` in an order in which they can be loaded."""
        order = []
        for name in names:
            self.__add(name, order)
        return order

    def __add(self, name, order):
        if name in self.builtin:
            return
        if name not in self.files:
            raise packages.PackageError(f"kernel {self.release} has no module {name}")
        path = self.files[name]
        depends = DEPENDS.search(path.read_bytes())
        for other in depends.group(1).decode().split(",") if depends else []:
            if other:
                self.__add(other.replace("-", "_"), order)
        if path not in order:
            order.append(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--refresh", action="store_true", help="download again")
    parser.add_argument("flavours", nargs="*", metavar="cloud|generic", default=[])
    args = parser.parse_args()
    try:
        for flavour in args.flavours or METAPACKAGES:
            if flavour not in METAPACKAGES:
                parser.error(f"no kernel {flavour}; there are {', '.join(METAPACKAGES)}")
            print(Kernel(flavour, args.refresh).image)
    except packages.PackageError as error:
        sys.exit(f"kernel: {error}")


if __name__ == "__main__":
    main()
