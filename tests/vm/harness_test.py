#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The harness must see what goes wrong with a guest, and whose KVM answered; speaks TAP.

Each case runs a small program in the place of `exclave run`, which prints what a guest would.
"""
import os
import pathlib
import signal
import sys
import tempfile
import time
import traceback

import harness

GOOD = ("EXCLAVE-TEST: booted PASS 6.1\nEXCLAVE-TEST: kernel_log PASS\n"
        "EXCLAVE-TEST: end PASS\n[ 1.0] reboot: Power down\n")
OURS = "import os, sys\nour = os.memfd_create('exclave:kvm-vm')\n"
SAYS = f"print({harness.OUR_LINE!r}, file=sys.stderr)\n"


class NoKernel:
    """Stands for a kernel: none is started."""
    image = "kernel"

    def __init__(self, flavour):
        self.flavour = flavour


def run(folder, program, output=GOOD, timeout=10.0, accel="exclave", answers=()):
    """The judged run of a Python program that then writes `output`."""
    path = folder / "exclave"
    # The harness looks when a line arrives.
    path.write_text(f"#!{sys.executable}\n{program}\nimport sys, time\n"
                    f"sys.stdout.write({output!r})\nsys.stdout.flush()\ntime.sleep(0.3)\n")
    path.chmod(0o755)
    machine = harness.Machine(accel=accel, exclave=str(path), timeout=timeout)
    found = harness.Run(machine, folder / "initrd", folder / "log")
    found.answers = list(answers)
    found.run()
    found.want("booted")
    return found


def expect(found, *complaints):
    """Exactly these complaints, each by a part of it."""
    assert len(found.complaints) == len(complaints), found.complaints
    for complaint, part in zip(found.complaints, complaints):
        assert part in complaint, found.complaints


def good_guest_passes(folder):
    expect(run(folder, OURS + SAYS))


def library_without_descriptor_fails(folder):
    expect(run(folder, "import sys\n" + SAYS), "never had a descriptor")


def library_without_line_fails(folder):
    expect(run(folder, OURS), "no line")


def device_of_the_machine_fails(folder):
    """Only its name: a test must not open it."""
    real = harness.descriptors_of
    harness.descriptors_of = lambda pid: real(pid) | {"/dev/kvm"}
    try:
        expect(run(folder, OURS + SAYS), "machine's own /dev/kvm")
    finally:
        harness.descriptors_of = real


def descriptor_in_a_child_passes(folder):
    expect(run(folder, "import os, sys\n" + SAYS +
               "if os.fork():\n    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))\n" + OURS))


def failed_check_fails(folder):
    output = GOOD.replace("booted PASS 6.1", "booted FAIL why")
    expect(run(folder, OURS + SAYS, output), "booted: why")


def missing_check_fails(folder):
    output = GOOD.replace("booted", "other")
    expect(run(folder, OURS + SAYS, output), "booted: the guest did not report it")


def reset_instead_of_power_off_fails(folder):
    found = run(folder, OURS + SAYS, GOOD.replace("Power down", "Restarting"))
    assert "did not turn itself off" in found.complaints[0], found.complaints


def status_of_qemu_fails(folder):
    found = run(folder, OURS + SAYS + "import atexit\natexit.register(os._exit, 3)\n")
    expect(found, "status 3")


def guest_that_hangs_is_ended(folder):
    found = run(folder, OURS + SAYS + "import time\ntime.sleep(60)\n", timeout=0.5)
    assert "had not ended" in found.complaints[0], found.complaints
    assert found.wall < 10, found.wall


def guest_is_ended_at_once_when_we_are(folder):
    """It does not know of the signal that ends a program of ours."""
    def interrupt(line):
        raise KeyboardInterrupt

    path = folder / "exclave"
    path.write_text(f"#!{sys.executable}\nimport time\nprint('a line', flush=True)\ntime.sleep(60)\n")
    path.chmod(0o755)
    found = harness.Run(harness.Machine(accel="exclave", exclave=str(path)), folder / "initrd", folder / "log")
    found.watch = interrupt
    try:
        found.run()
    except KeyboardInterrupt:
        pass
    assert found.status == -signal.SIGKILL, found.status
    assert time.monotonic() - found.started < harness.END_SECONDS


def program_that_is_not_there_fails(folder):
    machine = harness.Machine(accel="exclave", exclave=str(folder / "absent"))
    found = harness.Run(machine, folder / "initrd", folder / "log").run()
    expect(found, "cannot be started")


def marks_have_times_and_costs(folder):
    program = OURS + SAYS + "print('EXCLAVE-MARK: a 1', flush=True)\n" \
        "import time\nend = time.process_time() + 0.3\n" \
        "while time.process_time() < end: pass\nprint('EXCLAVE-MARK: a 2', flush=True)\n"
    first, second = run(folder, program).marks["a"]
    assert (first.text, second.text) == ("1", "2")
    assert second.when - first.when >= 0.2 and 0.2 <= second.cpu - first.cpu < 2


LOGIN = "import sys\nprint('name: ', end='', flush=True)\nname = input()\n" \
    "print('word: ', end='', flush=True)\nprint('EXCLAVE-MARK: typed', name, input(), flush=True)\n"


def questions_are_answered(folder):
    found = run(folder, OURS + SAYS + LOGIN, answers=[(b"name: ", b"a\n"), (b"word: ", b"b\n")])
    expect(found)
    assert found.marks["typed"][0].text == "a b" and len(found.answered) == 2


def question_with_kernel_line_behind_is_answered(folder):
    program = LOGIN.replace("'name: ', end=''", "'name: [ 3.1] e1000e: a line'")
    found = run(folder, OURS + SAYS + program, answers=[(b"name: ", b"a\n"), (b"word: ", b"b\n")])
    expect(found)
    assert found.marks["typed"][0].text == "a b"


def question_that_is_not_asked_fails(folder):
    expect(run(folder, OURS + SAYS, answers=[(b"name: ", b"a\n")]), "never asked 'name: '")


CASES = (
    good_guest_passes, library_without_descriptor_fails, library_without_line_fails,
    device_of_the_machine_fails, descriptor_in_a_child_passes, failed_check_fails,
    missing_check_fails, reset_instead_of_power_off_fails, status_of_qemu_fails,
    guest_that_hangs_is_ended, guest_is_ended_at_once_when_we_are, program_that_is_not_there_fails, marks_have_times_and_costs,
    questions_are_answered, question_with_kernel_line_behind_is_answered, question_that_is_not_asked_fails,
)


def main():
    harness.kernel.Kernel = NoKernel
    failed = 0
    print(f"1..{len(CASES)}")
    for number, case in enumerate(CASES, 1):
        outcome = "ok"
        with tempfile.TemporaryDirectory() as folder:
            try:
                case(pathlib.Path(folder))
            except Exception:
                outcome = "not ok"
                failed += 1
                print("".join(f"# {line}\n" for line in traceback.format_exc().splitlines()), end="")
        print(f"{outcome} {number} - {case.__name__}")
    return 1 if failed else 0


if __name__ == "__main__":
    os.environ.pop("EXCLAVE", None)
    sys.exit(main())
