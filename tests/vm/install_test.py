#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What `make install` puts below DESTDIR works from there: commands, documents, the demonstration;
speaks TAP.

usage: install_test.py BUILD
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import packages

SECONDS = 180
WANTED = ("bin/exclave", "lib/exclave/libexclave.so", "share/man/man1/exclave.1",
          "share/bash-completion/completions/exclave.bash", "libexec/exclave/demo/guest_demo.py",
          "libexec/exclave/guest/guest-demo", "libexec/exclave/guest/alice.image",
          "libexec/exclave/scripts/build-image", "libexec/exclave/scripts/image/customize",
          "libexec/exclave/scripts/image/root/etc/fstab")


class Installed:
    def __init__(self, build, folder):
        subprocess.run(["meson", "install", "--no-rebuild", "--quiet", "-C", build,
                        "--destdir", folder / "root"], check=True, capture_output=True)
        found = list((folder / "root").rglob("bin/exclave"))
        self.prefix = found[0].parents[1] if found else folder / "root"
        self.folder = folder

    def run(self, *args, cwd=None, **environment):
        return subprocess.run([self.prefix / "bin" / "exclave", *args], capture_output=True, text=True,
                              timeout=SECONDS, cwd=cwd or self.folder,
                              env={**os.environ, "EXCLAVE_CONFIG": "/dev/null",
                                   "XDG_STATE_HOME": str(self.folder), **environment})


def all_files_are_there(installed):
    """Return: what is wrong, or None."""
    missing = [name for name in WANTED if not (installed.prefix / name).exists()]
    return f"no {missing}" if missing else None


def run_finds_its_library(installed):
    result = installed.run("run", "--log=1", "--", sys.executable, "-c", "open('/dev/kvm', 'rb')")
    if "/dev/kvm is software" not in result.stderr:
        return result.stderr
    return None


def doctor_is_content(installed):
    result = installed.run("doctor")
    return None if result.returncode == 0 else result.stdout


def demo_shows_all_steps(installed):
    result = installed.run("demo", f"--cache={packages.CACHE}")
    if result.returncode or "steps did what they claim" not in result.stdout:
        return result.stdout + result.stderr
    return None


def image_finds_its_script(installed):
    """Which asks for what it needs first; a disk takes minutes."""
    only = installed.folder / "only"
    only.mkdir()
    (only / "python3").symlink_to(sys.executable)
    result = installed.run("image", f"--cache={installed.folder}/cache", PATH=str(only))
    if result.returncode != 1 or not re.search("^image: .*apt-get install .*mmdebstrap", result.stderr):
        return f"{result.returncode}: {result.stderr}"
    return None


def scripts_missing_said_so(installed):
    shutil.rmtree(installed.prefix / "libexec")
    for name in ("demo", "image"):
        result = installed.run(name)
        if result.returncode != 125 or "install exclave again" not in result.stderr:
            return f"{name}: {result.returncode}: {result.stderr}"
    return None


CASES = (all_files_are_there, run_finds_its_library, doctor_is_content, demo_shows_all_steps,
         image_finds_its_script, scripts_missing_said_so)


def main():
    failed = 0
    print(f"1..{len(CASES)}", flush=True)
    with tempfile.TemporaryDirectory(prefix="exclave-install-test-") as name:
        installed = Installed(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(name).resolve())
        for number, case in enumerate(CASES, 1):
            wrong = case(installed)
            print(f"{'not ok' if wrong else 'ok'} {number} - {case.__name__}")
            for line in (wrong or "").splitlines():
                print(f"#   {line}")
            sys.stdout.flush()
            failed += bool(wrong)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
