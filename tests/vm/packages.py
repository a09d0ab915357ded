#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian packages, unpacked below the build folder and never installed.

usage: packages.py [--refresh] PACKAGE...     prints where each is unpacked

Once unpacked, a package is used as it is, without asking apt again, until --refresh.
EXCLAVE_CACHE names another folder than build/cache/vm.
"""
import argparse
import contextlib
import fcntl
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import progress

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get("EXCLAVE_CACHE", ROOT / "build" / "cache" / "vm")).absolute()
APT_SECONDS = 600


class PackageError(Exception):
    """What could not be had, why, and what to do about it."""


def tell(text):
    """Says what takes its time; a comment to a reader of TAP."""
    print(text if sys.stderr.isatty() else f"# {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def locked(name):
    """Lets only one process at a time make the thing called `name` in the cache."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / f".{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run_apt(command, cwd=None):
    try:
        with progress.Waiting(f"{command[0]} {command[-1]}"):
            return subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True,
                                  text=True, timeout=APT_SECONDS,
                                  env={**os.environ, "LC_ALL": "C"})
    except FileNotFoundError:
        raise PackageError(f"{command[0]} is not there: the guests are Debian's kernels, which "
                           "only a Debian system can download") from None
    except subprocess.TimeoutExpired:
        raise PackageError(f"`{' '.join(command)}` did not end in {APT_SECONDS} s: "
                           "is the network there?") from None


def private_lists():
    """apt's options for lists of our own, which any user may bring up to date."""
    folder = CACHE / "apt"
    (folder / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    (folder / "archives" / "partial").mkdir(parents=True, exist_ok=True)
    return ["-o", f"Dir::State::Lists={folder / 'lists'}", "-o", f"Dir::Cache={folder}"]


def download(package, folder, options):
    """Return: the package's file, or None and apt's complaint."""
    result = run_apt(["apt-get", "-q", *options, "download", package], folder)
    files = list(folder.glob("*.deb"))
    if result.returncode == 0 and files:
        return files[0], ""
    return None, result.stdout + result.stderr


def fetch(package, folder):
    """Downloads `package` into `folder`. Return: its file."""
    tell(f"downloading {package} (once)")
    file, complaint = download(package, folder, [])
    if file:
        return file
    # The system's lists are missing in a fresh container, and may name versions that have gone.
    tell("the system's package lists do not do; reading new ones into the cache")
    options = private_lists()
    result = run_apt(["apt-get", "-q", *options, "update"])
    if result.returncode == 0:
        file, complaint = download(package, folder, options)
    else:
        complaint += result.stdout + result.stderr
    if not file:
        raise PackageError(f"{package} cannot be downloaded:\n{complaint}"
                           "Remedy: see that `apt-get update` and "
                           f"`apt-get download {package}` work here.")
    return file


def unpack(file, destination):
    """Unpacks beside the destination first, so that what is there is whole."""
    tell(f"unpacking {file.name}")
    partial = destination.with_name(destination.name + ".partial")
    for folder in (partial, destination):
        shutil.rmtree(folder, ignore_errors=True)
    subprocess.run(["dpkg-deb", "-x", str(file), str(partial)], check=True)
    partial.rename(destination)


def package_tree(package, refresh=False):
    """The folder that `package` is unpacked in."""
    destination = CACHE / "packages" / package
    with locked(f"package-{package}"):
        if refresh or not destination.is_dir():
            destination.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=CACHE) as folder:
                unpack(fetch(package, pathlib.Path(folder)), destination)
    return destination


def dependency_of(metapackage, pattern, refresh=False):
    """The package that `metapackage` stands for: its dependency that matches `pattern`."""
    record = CACHE / "packages" / f"{metapackage}.stands-for"
    with locked(f"package-{metapackage}"):
        if refresh or not record.exists():
            record.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=CACHE) as folder:
                file = fetch(metapackage, pathlib.Path(folder))
                depends = subprocess.run(["dpkg-deb", "-f", str(file), "Depends"], check=True,
                                         capture_output=True, text=True).stdout
            match = re.search(pattern, depends)
            if not match:
                raise PackageError(f"{metapackage} depends on {depends.strip()}, "
                                   f"of which nothing matches {pattern}")
            record.write_text(match.group(0))
    return record.read_text()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--refresh", action="store_true", help="download again")
    parser.add_argument("packages", nargs="+", metavar="PACKAGE")
    args = parser.parse_args()
    try:
        for package in args.packages:
            print(package_tree(package, args.refresh))
    except PackageError as error:
        sys.exit(f"packages: {error}")


if __name__ == "__main__":
    main()
