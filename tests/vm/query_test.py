#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What unmodified QEMU says of the host's SGX: query-sgx-capabilities; speaks TAP.

usage: query_test.py --exclave PROGRAM

QEMU executes CPUID itself. Where the machine has CPUID faulting, the model answers; where not, or
where that is off, QEMU sees the machine's own (docs/errata.md, "CPUID of the host").
"""
import argparse
import ctypes
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import harness

SYS_ARCH_PRCTL = 158
ARCH_SET_CPUID = 0x1012
MEBIBYTE = 1 << 20
SECONDS = 60

BACKEND = ["-object", "memory-backend-epc,id=epc0,size=8M,prealloc=on",
           "-machine", "sgx-epc.0.memdev=epc0,sgx-epc.0.node=0",
           "-cpu", f"{harness.EXCLAVE_CPU},+sgx,+sgxlc,+sgx1,+sgx2"]


def can_fault():
    """Whether CPUID faulting can be switched on; tried in a child, which ends at once."""
    pid = os.fork()
    if not pid:
        libc = ctypes.CDLL(None, use_errno=True)
        os._exit(libc.syscall(SYS_ARCH_PRCTL, ARCH_SET_CPUID, 0) != 0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def machine_has_sgx():
    flags = [line for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
             if line.startswith("flags")]
    return "sgx" in flags[0].split()


def ask(exclave, questions, arguments, environment):
    """The answers of a QEMU whose guest has not started."""
    command = [exclave, "run", "--", harness.QEMU, "-accel", "kvm", "-machine", "q35", "-S",
               "-no-user-config", "-nodefaults", "-display", "none", "-qmp", "stdio", *arguments]
    commands = ["qmp_capabilities", *questions, "quit"]
    text = "".join(json.dumps({"execute": name}) + "\n" for name in commands)
    run = subprocess.run(command, input=text, capture_output=True, text=True, timeout=SECONDS,
                         env={**os.environ, **environment}, check=False)
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    errors = [answer["error"]["desc"] for answer in answers if "error" in answer]
    if run.returncode or errors:
        raise AssertionError(f"QEMU ended with {run.returncode}: {errors} {run.stderr[-600:]}")
    return [answer["return"] for answer in answers if "return" in answer][1:-1]


def equal(found, expected):
    if found != expected:
        raise AssertionError(f"{found} instead of {expected}")


def model(flc=True, sections=((0, 128 << 30),)):
    return {"sgx": True, "sgx1": True, "sgx2": True, "flc": flc,
            "section-size": sum(size for _, size in sections),
            "sections": [{"node": node, "size": size} for node, size in sections]}


def capabilities(args, environment, arguments=()):
    """The answer, twice in one QEMU: the second must be the first."""
    first, second = ask(args.exclave, ["query-sgx-capabilities"] * 2, arguments, environment)
    equal(second, first)
    return {name: first[name] for name in model()}


def query_with_faulting_is_the_models(args):
    if not can_fault():
        return "no CPUID faulting on this machine"
    equal(capabilities(args, {}), model())
    return None


def query_beside_a_backend_is_the_models(args):
    if not can_fault():
        return "no CPUID faulting on this machine"
    equal(capabilities(args, {}, BACKEND), model())
    return None


def query_follows_the_environment(args):
    if not can_fault():
        return "no CPUID faulting on this machine"
    found = capabilities(args, {"EXCLAVE_EPC": "0:64M,1:32M", "EXCLAVE_LAUNCH_CONTROL": "locked"})
    equal(found, model(flc=False, sections=((0, 64 * MEBIBYTE), (1, 32 * MEBIBYTE))))
    return None


def query_with_faulting_off_is_the_machines(args):
    found = capabilities(args, {"EXCLAVE_CPUID_FAULTING": "off"})
    equal(found["sgx"], machine_has_sgx())
    return None


def query_without_faulting_is_the_machines(args):
    if can_fault():
        return "this machine has CPUID faulting"
    equal(capabilities(args, {})["sgx"], machine_has_sgx())
    return None


CASES = (query_with_faulting_is_the_models, query_beside_a_backend_is_the_models,
         query_follows_the_environment, query_with_faulting_off_is_the_machines,
         query_without_faulting_is_the_machines)


def run_one(number, case, args):
    """Return: whether it failed."""
    try:
        skipped = case(args)
    except (AssertionError, KeyError, ValueError, subprocess.TimeoutExpired) as error:
        print(f"not ok {number} - {case.__name__}\n#   {error}", flush=True)
        return True
    print(f"ok {number} - {case.__name__}{f' # SKIP {skipped}' if skipped else ''}", flush=True)
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--exclave", default="", metavar="PROGRAM")
    args = parser.parse_args()
    args.exclave = harness.find_exclave(args.exclave)
    if not shutil.which(harness.QEMU):
        sys.exit(f"query_test: no {harness.QEMU} (package qemu-system-x86)")
    print(f"1..{len(CASES)}")
    with tempfile.TemporaryDirectory(prefix="exclave-state-") as state:
        os.environ["XDG_STATE_HOME"] = state
        failed = sum(run_one(number, case, args) for number, case in enumerate(CASES, 1))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
