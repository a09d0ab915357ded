#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""exclave doctor and exclave host: on a machine where all is well, and with one thing wrong at a time.

usage: doctor_test.py EXCLAVE LIBRARY
"""
import ctypes
import os
import pathlib
import pty
import re
import resource
import shutil
import struct
import subprocess
import sys
import tempfile

from exclave_test import House, expect, without_interpreter
from qemu_test import linux

MIB = 1 << 20
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
SYS_MMAP, EACCES = 9, 13
QEMU = b'#!/bin/sh\necho "QEMU emulator version %s (of a test)"\n'


def limit_address_space(size):
    return lambda: resource.setrlimit(resource.RLIMIT_AS, (size, size))


def forbid_shared_code():
    """A seccomp filter as a security policy may have: mmap(PROT_EXEC, MAP_SHARED) is EACCES."""
    load, jump_equal, jump_set, give = 0x20, 0x15, 0x45, 0x06
    program = b"".join(struct.pack("<HBBI", *row) for row in (
        (load, 0, 0, 0),                  # the system call's number
        (jump_equal, 0, 4, SYS_MMAP),
        (load, 0, 0, 16 + 8 * 2),         # prot
        (jump_set, 0, 2, 4),
        (load, 0, 0, 16 + 8 * 3),         # flags
        (jump_set, 1, 0, 1),
        (give, 0, 0, 0x7fff0000),
        (give, 0, 0, 0x00050000 | EACCES)))
    rows = ctypes.create_string_buffer(program)
    head = struct.pack("<HxxxxxxQ", len(program) // 8, ctypes.addressof(rows))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, head, 0, 0):
        os._exit(99)


def run(house, *args, before=None, **environment):
    env = {key: value for key, value in os.environ.items() if not key.startswith("EXCLAVE_")}
    env.update({"EXCLAVE_CONFIG": "/dev/null", "XDG_STATE_HOME": str(house.root / "state")})
    return subprocess.run([house.exclave, *map(str, args)], env={**env, **environment},
                          capture_output=True, text=True, timeout=60, preexec_fn=before)


def verdicts(result):
    return {name.strip(): (verdict == "ok", text) for verdict, name, text in
            re.findall(r"^(ok|FAIL) +(.{16})(.*)$", result.stdout, re.M)}


def expect_bad(result, name, *words):
    """Exactly one check fails, and says these."""
    found = verdicts(result)
    expect(result.returncode == 1, "exit status", result)
    expect([each for each, (good, _) in found.items() if not good] == [name], f"{name} alone", result)
    for word in words:
        expect(word in found[name][1], f"{name} does not say {word!r}", result)
    expect(result.stdout.endswith("1 of 9 checks failed.\n"), "summary", result)


def check_good(house, qemu):
    result = run(house, "doctor", f"--qemu={qemu}")
    expect(result.returncode == 0 and result.stdout.endswith("All is well.\n"), "status", result)
    expect(not result.stderr, "messages", result)
    expect(len(verdicts(result)) == 9, "number of checks", result)


def check_qemu(house, qemu):
    expect_bad(run(house, "doctor", "--qemu=nonesuch"), "QEMU", "nonesuch", "apt-get install")
    expect_bad(run(house, "doctor", PATH="/nonexistent"), "QEMU", "qemu-system-x86_64: not found")
    old = house.program("old", QEMU % b"6.1.0")
    expect_bad(run(house, "doctor", f"--qemu={old}"), "QEMU", "QEMU 6.1", "6.2", "install")
    static = house.program("static", without_interpreter(pathlib.Path("/bin/true").read_bytes()))
    expect_bad(run(house, "doctor", f"--qemu={static}"), "QEMU", "statically linked", "dynamically")


def check_identity(house, qemu):
    damaged = house.root / "damaged"
    damaged.write_bytes(b"x" * 128)
    damaged.chmod(0o600)
    expect_bad(run(house, "doctor", f"--qemu={qemu}", f"--identity={damaged}"), "identity",
               str(damaged), "damaged", "backup")
    damaged.chmod(0o644)
    expect_bad(run(house, "doctor", f"--qemu={qemu}", f"--identity={damaged}"), "identity",
               "0644", "chmod 600")
    expect_bad(run(house, "doctor", f"--qemu={qemu}", "--identity=/proc/nonexistent"), "identity",
               "cannot be made", "folder")


def check_room(house, qemu):
    arguments = ("doctor", f"--qemu={qemu}")
    expect_bad(run(house, *arguments, "--epc-pool=4G", "--cpu-features=-sgx",
                   before=limit_address_space(2048 * MIB)), "epc pool",
               "4096 MiB", "ulimit", "--epc-pool")
    expect_bad(run(house, *arguments, "--code-cache=1G", before=limit_address_space(1536 * MIB)),
               "a guest", "code cache", "ulimit", "EXCLAVE_CODE_CACHE")


def check_policy(house, qemu):
    expect_bad(run(house, "doctor", f"--qemu={qemu}", before=forbid_shared_code), "a guest",
               "no executable memory", "execmem")


def check_noexec(house, qemu):
    """Works where the kernel wants to know of each memfd whether it is code."""
    sysctl = "/proc/sys/vm/memfd_noexec"
    script = f"echo 2 >{sysctl} && exec \"$@\""
    if os.geteuid() or not os.path.exists(sysctl) or not shutil.which("unshare"):
        return  # Only root can make a PID namespace, which has this sysctl, since Linux 6.3.
    made = ["unshare", "--pid", "--fork", "sh", "-c", script, "sh"]
    if subprocess.run([*made, "true"], capture_output=True).returncode:
        return  # a container that may not
    result = subprocess.run([*made, house.exclave, "doctor", f"--qemu={qemu}"], text=True,
                            capture_output=True, env={**os.environ, "XDG_STATE_HOME": str(house.root)})
    expect(result.returncode == 0, "with vm.memfd_noexec=2", result)


def check_provision(house, qemu):
    arguments = ("doctor", f"--qemu={qemu}")
    expect_bad(run(house, *arguments, "--provision=/nonexistent"), "provisioning", "/nonexistent",
               "No such file", "--provision")
    expect("nobody" in run(house, *arguments, "--provision=none").stdout, "none",
           run(house, *arguments, "--provision=none"))


def check_others(house, qemu):
    old = house.program("vmlinuz-5.4.0", linux("5.4.0"))
    expect_bad(run(house, "doctor", f"--qemu={qemu}", f"--kernel={old}"), "guest's kernel", "5.4.0",
               "5.11", "another kernel")
    os.rename(house.library, f"{house.library}.away")
    result = run(house, "doctor", f"--qemu={qemu}")
    os.rename(f"{house.library}.away", house.library)
    found = verdicts(result)
    expect(not found["library"][0] and "install" in found["library"][1], "no library", result)
    pathlib.Path(house.library).rename(f"{house.library}.away")
    pathlib.Path(house.library).write_bytes(b"not a library")
    result = run(house, "doctor", f"--qemu={qemu}")
    pathlib.Path(f"{house.library}.away").rename(house.library)
    expect(not verdicts(result)["library"][0], "a damaged library", result)


def check_host(house, qemu):
    result = run(house, "host")
    expect(result.returncode == 0 and not result.stderr, "status", result)
    fields = dict(re.findall(r"^(\S.{14}) (\S.*)$", result.stdout, re.M))
    fields = {name.strip(): text for name, text in fields.items()}
    expect(fields["engine"].split(":")[0] in ("software", "hardware"), "engine", result)
    expect(" sgx sgx_lc sgx1 sgx2" in fields["for guests"], "SGX", result)
    expect(fields["epc pool"] == "node 0: 128 GiB", "pool", result)
    expect(fields["provisioning"] == "permitted", "provisioning", result)
    result = run(house, "host", "--epc-pool=0:64M,3:1G", "--cpu-features=-avx,-sgx2",
                 "--launch-control=locked", "--provision=none")
    expect("node 0: 64 MiB\n" in result.stdout and "node 3: 1 GiB\n" in result.stdout, "pool", result)
    features = re.search(r"^for guests +(.*)", result.stdout, re.M).group(1).split()
    expect(not {"avx", "avx2", "fma", "sgx2", "sgx_lc"} & set(features), "features", result)
    expect({"sgx", "sgx1", "aes"} <= set(features), "features", result)
    expect("not permitted" in result.stdout, "provisioning", result)
    expect("epc-pool = 0:64M,3:1G (the command line)" in result.stdout, "options", result)


def in_terminal(house, columns, *args, **environment):
    """What a terminal of so many columns gets to see."""
    pid, terminal = pty.fork()
    if not pid:
        os.environ.update({"TERM": "xterm", "EXCLAVE_CONFIG": "/dev/null",
                           "XDG_STATE_HOME": str(house.root), **environment})
        os.execlp("sh", "sh", "-c", f"stty cols {columns}; exec \"$@\"", "sh", house.exclave, *args)
    output = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            break
        if not piece:
            break
        output += piece
    os.close(terminal)
    os.waitpid(pid, 0)
    return output.decode().replace("\r\n", "\n")


def check_terminal(house, qemu):
    plain = re.compile("\x1b\\[[0-9;]*m")
    for columns in (40, 80, 200):
        for command in (["host"], ["doctor", "--qemu=nonesuch"]):
            text = in_terminal(house, columns, *command)
            if "\x1b[" not in text:
                sys.exit(f"exclave: {command} without colours")
            # A path is as long as it is.
            for line in plain.sub("", text).split("\n"):
                if len(line) > min(columns, 100) and "/" not in line:
                    sys.exit(f"exclave: {command} in {columns} columns: {line}")
    for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        if "\x1b" in in_terminal(house, 80, "doctor", **environment):
            sys.exit(f"exclave: colours with {environment}")
    if "\x1b" in run(house, "host").stdout:
        sys.exit("exclave: colours in a pipe")


def main():
    exclave, library = sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        house = House(pathlib.Path(name).resolve() / "installed", exclave, library)
        qemu = house.program("qemu", QEMU % b"7.2.0")
        for check in (check_good, check_qemu, check_identity, check_room, check_policy, check_noexec,
                      check_provision, check_others, check_host, check_terminal):
            check(house, qemu)


if __name__ == "__main__":
    main()
