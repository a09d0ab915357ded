#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`exclave image`, installed, with a small file system in the place of Debian's; speaks TAP.

usage: image_test.py EXCLAVE LIBRARY

What is in a real disk, and that it boots, tests/vm/image_test.py shows.
"""
import json
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time

import terminal
from exclave_test import House

ROOT = pathlib.Path(__file__).resolve().parents[2]
GUEST = ("guest-demo", "alice.image", "bob.image")
SELFTESTS = ("test_sgx", "test_encl.elf")
TOOLS = ("sfdisk", "mcopy", "mformat", "mmd", "debugfs", "mke2fs", "resize2fs", "e2fsck", "dd", "cp", "apt-get")
SECTOR = 512
MIB = 1 << 20
NOBODY = 65534

# In mmdebstrap's place: notes that it ran, and ends as FAKE says or leaves what the hooks leave. As the real one it
# waits for its children whatever the signal, and cleans up behind them.
MMDEBSTRAP = f"""#!{sys.executable}
import os, pathlib, signal, struct, subprocess, sys, tempfile
with open(os.environ["FAKE_CALLS"], "a") as calls:
    calls.write("call\\n")
if os.environ.get("FAKE_FAILURE"):
    print(os.environ["FAKE_FAILURE"], file=sys.stderr)
    sys.exit(25)
print("I: installing packages...", flush=True)
if os.environ.get("FAKE_WAIT"):
    signal.signal(signal.SIGTERM, lambda *_: None)
    child = subprocess.Popen(["sleep", "60"])
    note = pathlib.Path(os.environ["FAKE_WAIT"])
    note.with_suffix(".new").write_text(f"{{os.getpid()}} {{child.pid}}")
    note.with_suffix(".new").rename(note)
    child.wait()
    note.with_suffix(".clean").touch()
    sys.exit(1)
hook = [word for word in sys.argv if word.startswith("--customize-hook=")][0]
folder = pathlib.Path(hook.split("'")[-2])
core = bytearray(1024)
struct.pack_into("<QHH", core, 500, 0, 1, 0)
for name, content in (("boot.img", bytes(range(256)) * 2), ("core.img", bytes(core)), ("bootx64.efi", b"efi"),
                      ("vmlinuz", b"kernel"), ("initrd", b"initrd")):
    (folder / name).write_bytes(content)
with tempfile.TemporaryDirectory() as root:
    os.mkdir(f"{{root}}/opt")
    sys.exit(subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-d", root, folder / "root.img"]).returncode)
"""


class Image:
    """An installation, and what its command `image` says and leaves."""

    def __init__(self, folder, exclave, library):
        self.house = House(folder / "installed", exclave, library)
        self.folder, self.cache, self.calls = folder, folder / "cache", folder / "calls"
        base = self.house.root / "libexec" / "exclave"
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "scripts", base / "scripts", ignore=ignore)
        shutil.copytree(ROOT / "tests" / "vm", base / "tests" / "vm", ignore=ignore)
        self.guest = base / "guest"
        self.fill(self.guest, GUEST)
        self.fill(self.cache / "selftests-sgx", SELFTESTS)
        self.programs = folder / "programs"
        self.programs.mkdir()
        self.place("mmdebstrap", MMDEBSTRAP)
        (self.programs / "python3").symlink_to(sys.executable)

    @staticmethod
    def fill(folder, names):
        folder.mkdir(parents=True)
        for name in names:
            (folder / name).write_text(name)

    def place(self, name, text):
        (self.programs / name).write_text(text)
        (self.programs / name).chmod(0o755)

    def run(self, *options, path=None, **environment):
        path = path or f"{self.programs}:{os.environ['PATH']}:/usr/sbin:/sbin"
        return self.house.run("image", f"--cache={self.cache}", *options, PATH=path, FAKE_CALLS=str(self.calls),
                              **environment)

    def start(self, *options, **environment):
        return subprocess.Popen([self.house.exclave, "image", f"--cache={self.cache}", *options],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                preexec_fn=terminal.heed_signals,
                                env={**os.environ, "PATH": f"{self.programs}:{os.environ['PATH']}:/usr/sbin:/sbin",
                                     "EXCLAVE_CONFIG": "/dev/null", "FAKE_CALLS": str(self.calls), **environment})

    def built(self):
        """How often Debian was."""
        return len(self.calls.read_text().split()) if self.calls.exists() else 0

    def disk(self, folder=None):
        return (folder or self.cache / "image") / "disk.img"


def refused(result, *words, status=1):
    """Return: what is wrong with a message that should say these words."""
    if result.returncode != status or result.stdout or "Traceback" in result.stderr:
        return f"status {result.returncode}: {result.stdout}{result.stderr}"
    lacking = [word for word in words if word not in result.stderr]
    return f"{result.stderr} does not say {lacking}" if lacking else None


def run_tool(*command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          env={**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"})


def partitions(disk):
    return json.loads(run_tool("sfdisk", "--json", disk).stdout)["partitiontable"]["partitions"]


def size_is_no_size_refused(image):
    """Return: what is wrong, or None."""
    return (refused(image.run("--size=big"), "--size=big", "8G", status=125)
            or refused(image.run("--size=1G"), "1700M", status=125)
            or refused(image.run("--size=2T"), "1T", status=125))


def programs_missing_named_with_remedy(image):
    only = image.folder / "only"
    only.mkdir()
    (only / "python3").symlink_to(sys.executable)
    (only / "sfdisk").symlink_to("/bin/true")
    result = image.run(path=str(only))
    return refused(result, "apt-get install ", "mmdebstrap") or (
        f"{result.stderr} names what is there" if "fdisk" in result.stderr.replace("libfdisk", "") else None)


def output_not_writable_refused(image):
    return (refused(image.run("--output=/sys/exclave"), "/sys/exclave", "cannot be written", "--output")
            or refused(image.run("--output=/dev/null/image"), "/dev/null/image", "--output"))


def room_missing_refused(image):
    """A file system of a few MiB, in a name space of its own."""
    small = image.folder / "small"
    small.mkdir()
    script = 'mount -t tmpfs -o size=8m none "$1" && exec "$2" image --cache="$3" --output="$1"'
    result = subprocess.run(["unshare", "-rm", "sh", "-c", script, "sh", small, image.house.exclave, image.cache],
                            capture_output=True, text=True,
                            env={**os.environ, "PATH": f"{image.programs}:{os.environ['PATH']}",
                                 "FAKE_CALLS": str(image.calls), "EXCLAVE_CONFIG": "/dev/null"})
    wrong = refused(result, str(small), "MiB are needed", "--output")
    return wrong or ("Debian was built all the same" if image.built() else None)


def mirror_silent_refused_with_remedy(image):
    failure = "E: apt-get update failed\nErr:1 http://deb.example: Could not resolve 'deb.example'"
    result = image.run(FAKE_FAILURE=failure)
    if image.disk().exists():
        return "a disk is there"
    return refused(result, "mirror", "apt-get update", "Could not resolve 'deb.example'")


def room_used_up_explained(image):
    result = image.run(FAKE_FAILURE="dpkg: error: failed to write (No space left on device)")
    return refused(result, "no room left", "TMPDIR")


def failure_unknown_shows_log(image):
    return refused(image.run(FAKE_FAILURE="E: a thing that nobody expects"), "status 25", "build.log",
                   "nobody expects")


def user_without_subordinates_refused(image):
    """Root builds without them, so it becomes nobody."""
    for path in (image.folder, *image.folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | stat.S_IRGRP | stat.S_IROTH | (0o111 if path.is_dir() else 0))
    os.chown(image.cache, NOBODY, NOBODY)
    image.place("newuidmap", "#!/bin/sh\n")
    command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", image.house.exclave, "image",
               f"--cache={image.cache}"]
    result = subprocess.run(command, capture_output=True, text=True, cwd="/", env={
        **os.environ, "PATH": f"{image.programs}:{os.environ['PATH']}", "EXCLAVE_CONFIG": "/dev/null",
        "FAKE_CALLS": str(image.calls)})
    return refused(result, "/etc/subuid", "usermod --add-subuids")


def image_is_built_whole(image):
    result = image.run()
    disk = image.disk()
    if result.returncode != 0 or result.stdout != f"{disk.parent}\n":
        return f"{result.returncode}: {result.stdout}{result.stderr}"
    if terminal.ESCAPE in result.stderr:
        return f"escape codes in a pipe: {result.stderr}"
    if [(disk.parent / name).read_bytes() for name in ("vmlinuz", "initrd")] != [b"kernel", b"initrd"]:
        return "other boot files"
    return check_disk(disk, 1600)


def check_disk(disk, mib):
    """Return: what is wrong with its partitions, its loader, its file system and what is in it."""
    found = partitions(disk)
    if [part["name"] for part in found] != ["bios", "efi", "root"]:
        return f"partitions {found}"
    if found[2]["size"] * SECTOR != mib * MIB or disk.stat().st_size != (mib + 11) * MIB:
        return f"{found[2]['size'] * SECTOR // MIB} MiB of {disk.stat().st_size // MIB}, not {mib}"
    with open(disk, "rb") as file:
        code = file.read(440)
    if code[:0x5c] != bytes(range(0x5c)) or int.from_bytes(code[0x5c:0x64], "little") != found[0]["start"]:
        return "no boot loader"
    place = f"{disk}?offset={found[2]['start'] * SECTOR}"
    check = run_tool("e2fsck", "-f", "-n", place)
    blocks = [line.split()[-1] for line in run_tool("debugfs", "-R", "stats -h", place).stdout.split("\n")
              if line.startswith("Block count:")]
    if check.returncode != 0 or blocks != [str(mib * MIB // 4096)]:
        return f"{blocks} blocks; {check.stdout}{check.stderr}"
    listed = run_tool("debugfs", "-R", "ls -p /opt/exclave", place).stdout
    lacking = [name for name in (*GUEST, *SELFTESTS) if f"/{name}/" not in listed]
    return f"no {lacking} in {listed}" if lacking else None


def size_given_is_the_disks(image):
    result = image.run("--size=3G", f"--output={image.folder}/large")
    if result.returncode:
        return result.stderr
    return check_disk(image.disk(image.folder / "large"), 3 * 1024 - 11)


def folders_with_dashes_are_folders(image):
    """Their names begin with what options begin with."""
    image.cache.rename(image.folder / "-cache")
    image.cache = "-cache"
    result = image.run("--output=-disk", cwd=image.folder)
    if result.returncode or result.stdout != f"{image.folder}/-disk\n":
        return f"{result.returncode}: {result.stdout}{result.stderr}"
    wrong = refused(image.run(f"--output={'x' * 20000}"), "--output", "longer", status=125)
    return wrong or check_disk(image.folder / "-disk" / "disk.img", 1600)


def second_run_keeps_disk(image):
    image.run()
    before = image.disk().stat()
    result = image.run()
    if result.stdout != f"{image.disk().parent}\n" or result.stderr or image.built() != 1:
        return f"built {image.built()} times: {result.stdout}{result.stderr}"
    image.run(f"--output={image.folder}/other")
    if image.built() != 1 or not image.disk(image.folder / "other").exists():
        return "another output builds Debian again"
    after = image.disk().stat()
    return None if (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns) else "another disk"


def disk_written_to_kept_until_refresh(image):
    image.run()
    with open(image.disk(), "r+b") as disk:
        disk.seek(20 * MIB)
        disk.write(b"what a guest has written")
    inode = image.disk().stat().st_ino
    if image.run().returncode or image.disk().stat().st_ino != inode:
        return "an unchanged build replaces it"
    (image.guest / "alice.image").write_text("another")
    wrong = refused(image.run(), str(image.disk()), "written to", "--output", "--refresh")
    if wrong or image.disk().stat().st_ino != inode:
        return wrong or "it was replaced"
    result = image.run("--refresh")
    if result.returncode or image.disk().stat().st_ino == inode or image.built() != 2:
        return f"--refresh: built {image.built()} times: {result.stderr}"
    return None


def is_alive(pid):
    try:
        stat_line = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat_line.rpartition(")")[2].split()[0] not in "ZX"


def wait_for(path, seconds=30):
    deadline = time.monotonic() + seconds
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    return path.exists()


def end_by_signal(image, number):
    """Return: what is wrong, or None."""
    note, temporary = image.folder / f"{number.name}.pids", image.folder / f"{number.name}.tmp"
    temporary.mkdir()
    process = image.start(FAKE_WAIT=str(note), TMPDIR=str(temporary))
    if not wait_for(note) or len(list(temporary.iterdir())) != 1:
        process.kill()
        return f"not at work: {process.communicate()}"
    process.send_signal(number)
    output = "".join(process.communicate(timeout=30))
    if process.returncode != 128 + number or f"image: ended by {number.name}" not in output or "Traceback" in output:
        return f"status {process.returncode}: {output}"
    alive = [pid for pid in note.read_text().split() if is_alive(pid)]
    if alive or not note.with_suffix(".clean").exists():
        return f"alive: {alive}; cleaned up: {note.with_suffix('.clean').exists()}"
    left = [*temporary.iterdir(), *image.cache.rglob("*.partial")]
    return f"left behind: {left}" if left else None


def signal_ends_all_and_leaves_nothing(image):
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        wrong = end_by_signal(image, number)
        if wrong:
            return f"{number.name}: {wrong}"
    result = image.run()
    return result.stderr if result.returncode else check_disk(image.disk(), 1600)


def shell_words(line):
    return subprocess.run(["sh", "-c", f"printf '%s\\n' {line}"], capture_output=True, text=True).stdout.splitlines()


def terminal_is_told_how_to_boot(image):
    """In words that a shell takes as they are meant."""
    output = image.folder / "it's; a $disk"
    command = [image.house.exclave, "image", f"--cache={image.cache}", f"--output={output}"]
    status, lines = terminal.run(command, environment={
        "PATH": f"{image.programs}:{os.environ['PATH']}:/usr/sbin:/sbin", "FAKE_CALLS": str(image.calls),
        "EXCLAVE_CONFIG": "/dev/null"})
    hints = [line.partition("Boot it: ")[2] for line in lines if line.startswith("Boot it: ")]
    if status or len(hints) != 1 or f"--disk={image.disk(output)}" not in shell_words(hints[0]):
        return f"{status}: {lines}"
    return f"comments of TAP: {lines}" if any(line.startswith("# ") for line in lines) else None


def has_namespaces():
    return subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"],
                          capture_output=True).returncode == 0


def has_tools():
    return all(shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") for name in (*TOOLS, "gcc", "xz"))


# Of the cases: why one cannot run here.
CASES = (
    (size_is_no_size_refused, None),
    (programs_missing_named_with_remedy, None),
    (output_not_writable_refused, None if has_tools() else "a tool of `make image` is missing"),
    (room_missing_refused, None if has_tools() and has_namespaces() else "no user namespaces, or tools"),
    (mirror_silent_refused_with_remedy, None if has_tools() else "a tool of `make image` is missing"),
    (room_used_up_explained, None if has_tools() else "a tool of `make image` is missing"),
    (failure_unknown_shows_log, None if has_tools() else "a tool of `make image` is missing"),
    (user_without_subordinates_refused,
     None if has_tools() and os.geteuid() == 0 else "only root becomes a user without subordinate IDs"),
    (image_is_built_whole, None if has_tools() else "a tool of `make image` is missing"),
    (size_given_is_the_disks, None if has_tools() else "a tool of `make image` is missing"),
    (folders_with_dashes_are_folders, None if has_tools() else "a tool of `make image` is missing"),
    (second_run_keeps_disk, None if has_tools() else "a tool of `make image` is missing"),
    (disk_written_to_kept_until_refresh, None if has_tools() else "a tool of `make image` is missing"),
    (signal_ends_all_and_leaves_nothing, None if has_tools() else "a tool of `make image` is missing"),
    (terminal_is_told_how_to_boot, None if has_tools() else "a tool of `make image` is missing"),
)


def main():
    exclave, library = sys.argv[1:3]
    failed = 0
    print(f"1..{len(CASES)}", flush=True)
    for number, (case, lacks) in enumerate(CASES, 1):
        if lacks:
            print(f"ok {number} - {case.__name__} # SKIP {lacks}")
            continue
        with tempfile.TemporaryDirectory(prefix="exclave-image-test-") as name:
            wrong = case(Image(pathlib.Path(name).resolve(), exclave, library))
        print(f"{'not ok' if wrong else 'ok'} {number} - {case.__name__}")
        for line in (wrong or "").splitlines():
            print(f"#   {line}")
        sys.stdout.flush()
        failed += bool(wrong)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
