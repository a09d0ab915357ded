#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""gdb debugs bare guests through QEMU's stub: KVM_SET_GUEST_DEBUG; speaks TAP.

usage: gdb_test.py --exclave PROGRAM --guests FOLDER

QEMU's own translator is the second opinion: gdb must print the same, line by line.
"""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile
import time

# A guest of tests/guest, what gdb does with it, and what must be in its words with either engine.
CASES = {
    "step_and_hardware_breakpoint_stop_where_they_should": ("step", """
        hbreak step_stops_after_each_instruction
        continue
        x/i $pc
        stepi
        x/i $pc
        stepi 20
        x/i $pc
        info registers eflags
        """, r"hit 1 time|Breakpoint 1, 0x\w+ in step_stops_after_each_instruction"),
    "watchpoint_stops_after_the_write": ("step", """
        hbreak step_stops_after_each_instruction
        continue
        watch *(unsigned int *)&stops
        continue
        x/i $pc
        print *(unsigned int *)&stops
        continue
        print *(unsigned int *)&stops
        """, r"Hardware watchpoint 2"),
    "software_breakpoint_stops_before_its_instruction": ("step", """
        hbreak step_stops_after_each_instruction
        continue
        delete
        break data_breakpoint_traps_after_the_write
        continue
        x/i $pc
        stepi
        x/i $pc
        """, r"Breakpoint 2, 0x\w+ in data_breakpoint_traps_after_the_write"),
    # The guest's own INT3 and debug registers are its own, although gdb has both in use.
    # The guest's own INT3 and debug registers are its own, although gdb has both in use.
    "guests_own_int3_reaches_it": ("exceptions", """
        hbreak guest_main
        continue
        break known_tcg
        continue
        """, r"Breakpoint 1, 0x\w+ in guest_main"),
    "guests_own_debug_registers_come_back_to_it": ("step", """
        hbreak guest_main
        continue
        delete
        continue
        """, r"Breakpoint 1, 0x\w+ in guest_main"),
}
# docs/errata.md, "near branches": there the guest's own test says so.
ERRATA = "FAIL jump_to_non_canonical_gp"
PRELUDE = """
set pagination off
set confirm off
set width 0
set architecture i386:x86-64
target remote {socket}
"""


class Machine:
    """QEMU with one bare guest, stopped until gdb lets it go."""

    def __init__(self, exclave, rom, folder, accel):
        self.socket = folder / f"{accel}.socket"
        self.console = folder / f"{accel}.console"
        command = ["qemu-system-x86_64", "-accel", "kvm" if accel == "exclave" else accel,
                   "-cpu", "Skylake-Client-v4" if accel == "exclave" else "max", "-M", "pc",
                   "-m", "64", "-bios", str(rom), "-net", "none", "-monitor", "none",
                   "-serial", "none", "-debugcon", f"file:{self.console}", "-display", "none",
                   "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-S",
                   "-gdb", f"unix:{self.socket},server=on,wait=off"]
        if accel == "exclave":
            command = [exclave, "run", "--", *command]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def debug(self, script, elf):
        """Return: what gdb says, and then the guest's console when it has come to its end."""
        deadline = time.monotonic() + 20
        while not self.socket.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        text = PRELUDE.format(socket=self.socket) + script
        commands = self.socket.with_suffix(".gdb")
        commands.write_text("\n".join(line.strip() for line in text.splitlines()))
        done = subprocess.run(["gdb", "-nx", "-batch", "-x", commands, elf], timeout=60,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        # gdb has gone: the guest runs on.
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            return done.stdout + "\nthe guest did not end"
        return done.stdout + self.console.read_text(errors="replace")

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()


def transcript(args, guest, script, accel):
    with tempfile.TemporaryDirectory(prefix="gdb-") as folder:
        machine = Machine(args.exclave, args.guests / f"{guest}.rom", pathlib.Path(folder), accel)
        try:
            return machine.debug(script, args.guests / f"{guest}.elf")
        finally:
            machine.end()


def judge(args, guest, script, wanted):
    """Return: what is wrong, or nothing."""
    ours, theirs = (transcript(args, guest, script, accel) for accel in ("exclave", "tcg"))
    if not re.search(wanted, theirs):
        return f"QEMU's own translator did not show {wanted}:\n{theirs}"
    # Each says which of its own differences are known.
    ours = "\n".join(line for line in ours.splitlines() if not line.startswith(ERRATA))
    lines = [[line for line in text.splitlines() if not line.startswith(("KNOWN", "PASS", "DONE"))]
             for text in (ours, theirs)]
    if lines[0] != lines[1]:
        return f"Exclave:\n{ours}\nQEMU's own translator:\n{theirs}"
    if "FAIL" in ours or "DONE" not in ours:
        return f"the guest's own tests failed:\n{ours}"
    return ""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--exclave", required=True)
    parser.add_argument("--guests", required=True, type=pathlib.Path)
    args = parser.parse_args()
    failed = 0
    print(f"1..{len(CASES)}")
    for number, (name, case) in enumerate(CASES.items(), 1):
        complaint = judge(args, *case)
        failed += bool(complaint)
        print(f"{'not ok' if complaint else 'ok'} {number} - {name}")
        for line in complaint.splitlines():
            print(f"# {line}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
