# SPDX-License-Identifier: GPL-2.0-or-later
"""What the host must have for a disk image, each lack with its remedy; and what its failures mean."""
import os
import pathlib
import pwd
import re
import shutil
import tempfile

import disk

# Of programs the packages. A program of an administrator's may not be in everybody's path.
PROGRAMS = {"mmdebstrap": "mmdebstrap", "sfdisk": "fdisk", "mcopy": "mtools", "mke2fs": "e2fsprogs",
            "debugfs": "e2fsprogs", "resize2fs": "e2fsprogs", "gcc": "gcc", "xz": "xz-utils"}
USER_PROGRAMS = {"newuidmap": "uidmap"}
# What a build takes, in MiB: of its temporary folder, and of the folder of each copy of the disk.
BUILD_MIB, DISK_MIB = 2200, 900
MIB = 1 << 20
# Of what mmdebstrap and its programs say, what it means and what to do.
FAILURES = (
    (r"No space left on device|not enough free space",
     "there is no room left; make some, or name another folder (--cache, --output; TMPDIR for what is temporary)"),
    (r"Could not resolve|Failed to fetch|Unable to connect|Connection (refused|failed|timed out)|"
     r"Temporary failure|404 +Not Found|does not have a Release file|cannot fetch",
     "Debian's mirror does not give the packages; see that `apt-get update` works here (network, proxy, "
     "/etc/apt/sources.list), and try again"),
    (r"NO_PUBKEY|not signed|couldn't be verified|signatures? (were|was) invalid|EXPKEYSIG",
     "Debian's keys are missing or old; install the package debian-archive-keyring"),
    (r"unshare|newuidmap|newgidmap|user namespace|unable to pick chroot mode",
     "this user may have no user namespaces; as root: `sysctl kernel.unprivileged_userns_clone=1`, or build as root"),
)


def missing_packages():
    wanted = PROGRAMS if os.geteuid() == 0 else {**PROGRAMS, **USER_PROGRAMS}
    return sorted({package for name, package in wanted.items() if not shutil.which(name, path=disk.PATH)})


def check_programs():
    missing = " ".join(missing_packages())
    if missing:
        raise disk.DiskError(f"these packages are not installed: {missing}; have an administrator run: "
                             f"apt-get install {missing}")


def check_subordinates():
    """An ordinary user's files in the image belong to IDs that /etc/subuid and /etc/subgid give the user."""
    if os.geteuid() == 0:
        return
    names = {str(os.getuid())}
    try:
        names.add(pwd.getpwuid(os.getuid()).pw_name)
    except KeyError:
        pass
    for path in map(pathlib.Path, ("/etc/subuid", "/etc/subgid")):
        lines = path.read_text().splitlines() if path.exists() else []
        if not any(line.partition(":")[0] in names for line in lines):
            name = max(names, key=len)
            raise disk.DiskError(f"{path} has no line for user {name}, who is to make files of all users; as root: "
                                 f"usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {name}")


def make_folder(path, option):
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise disk.DiskError(f"{path} cannot be written: {error.strerror}; make it writable, or name another folder "
                             f"with {option}") from None


def check_room(needs):
    """`needs` are folders, MiB and what names another folder. What is on one file system adds up."""
    devices = {}
    for folder, mib, remedy in needs:
        device = devices.setdefault(folder.stat().st_dev, [folder, 0, []])
        device[1] += mib
        device[2] += [remedy] if remedy not in device[2] else []
    for folder, mib, remedies in devices.values():
        free = shutil.disk_usage(folder).free // MIB
        if free < mib:
            raise disk.DiskError(f"{folder}: {free} MiB are free there, and {mib} MiB are needed; make room, or name "
                                 f"another folder with {' or '.join(remedies)}")


def explain(log):
    """What the end of mmdebstrap's output means, or nothing."""
    for pattern, meaning in FAILURES:
        line = re.search(rf"^.*({pattern}).*$", log, re.M)
        if line:
            return f"{meaning}\n  {line.group(0).strip()[:300]}"
    return ""
