# SPDX-License-Identifier: GPL-2.0-or-later
"""One run of an unmodified QEMU: its command line, its serial line, what it cost.

With accelerator `tcg` QEMU runs by itself; with `exclave` the same command line goes through
`exclave run` and a run only counts if that library, and not the machine's own /dev/kvm, was used.
"""
import argparse
import contextlib
import dataclasses
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import time

import kernel

ROOT = pathlib.Path(__file__).resolve().parents[2]
QEMU = "qemu-system-x86_64"
OUR_KVM = "/memfd:exclave:kvm"
OUR_LINE = "exclave: /dev/kvm is software"
CHECK = re.compile(r"EXCLAVE-TEST: (\S+) (PASS|FAIL) ?(.*)")
MARK = re.compile(r"EXCLAVE-MARK: (\S+) ?(.*)")
POWER_DOWN = "reboot: Power down"
# A named model: `host` would take vendor, family and more from the host's CPUID.
EXCLAVE_CPU = ("Skylake-Client-v4,vendor=GenuineIntel,+arch-capabilities,+rdctl-no,+ibrs-all,"
               "+skip-l1dfl-vmentry,+ssb-no,+mds-no,+pschange-mc-no,+taa-no")
CPUS = {"tcg": "max", "exclave": EXCLAVE_CPU}
ACCELERATORS = {"tcg": "tcg", "exclave": "kvm"}
# From the end of its serial line to that of the process.
END_SECONDS = 5
TICKS = os.sysconf("SC_CLK_TCK")


@dataclasses.dataclass
class Machine:
    """What is run; the defaults are the smallest guest."""
    accel: str = "tcg"
    cpu: str = ""
    machine: str = "q35"
    memory: str = "512M"
    smp: int = 1
    kernel: str = "cloud"
    append: str = "quiet"
    timeout: float = 120
    exclave: str = ""
    accel_options: str = ""
    args: list = dataclasses.field(default_factory=list)
    devices: list = dataclasses.field(default_factory=list)
    environment: dict = dataclasses.field(default_factory=dict)
    no_reboot: bool = True

    def command(self, image, initrd):
        accel = ACCELERATORS[self.accel] + (f",{self.accel_options}" if self.accel_options else "")
        command = [QEMU, "-accel", accel, "-cpu", self.cpu or CPUS[self.accel],
                   "-machine", self.machine, "-m", self.memory, "-smp", str(self.smp),
                   "-no-user-config", "-nodefaults", "-display", "none", "-serial", "stdio",
                   "-kernel", str(image), "-initrd", str(initrd),
                   "-append", f"console=ttyS0 panic=-1 {self.append}",
                   *(["-no-reboot"] if self.no_reboot else []), *self.devices, *self.args]
        if self.accel == "exclave":
            return [self.exclave, "run", "--", *command]
        return command


def add_options(parser):
    """The options of a program that runs guests; machine_of() reads them."""
    parser.add_argument("--accel", choices=ACCELERATORS, default="tcg")
    parser.add_argument("--accel-options", default="", metavar="NAME=VALUE,...",
                        help="appended to -accel")
    parser.add_argument("--exclave", default=os.environ.get("EXCLAVE", ""), metavar="PROGRAM",
                        help="the program `exclave`; else $EXCLAVE, else one of build/release")
    parser.add_argument("--cpu", default="", help="another -cpu")
    parser.add_argument("--machine", choices=["q35", "pc"], default="q35")
    parser.add_argument("--memory", default="512M")
    parser.add_argument("--smp", type=int, default=1)
    parser.add_argument("--kernel", choices=kernel.METAPACKAGES, default="cloud")
    parser.add_argument("--timeout", type=float, default=120, help="seconds for each guest")
    parser.add_argument("--append", default="quiet", help="more of the kernel's command line")
    parser.add_argument("--qemu-arg", action="append", default=[], metavar="ARG",
                        help="one more argument of QEMU; --qemu-arg=-d --qemu-arg=int")
    parser.add_argument("--logs", type=pathlib.Path, default=ROOT / "build" / "vm-logs",
                        help="where the output of each guest goes")


def find_exclave(wanted):
    """The program `exclave`, by its path or from where the build leaves it."""
    built = ROOT / "build" / "release" / "src" / "exclave"
    found = wanted or (str(built) if built.exists() else shutil.which("exclave"))
    return found or str(built)


def machine_of(args):
    return Machine(accel=args.accel, cpu=args.cpu, machine=args.machine, memory=args.memory,
                   smp=args.smp, kernel=args.kernel, append=args.append, timeout=args.timeout,
                   accel_options=args.accel_options, args=list(args.qemu_arg),
                   exclave=find_exclave(args.exclave) if args.accel == "exclave" else "")


def parser_for(description):
    parser = argparse.ArgumentParser(description=description)
    add_options(parser)
    return parser


def descendants(pid):
    """A process and all below it."""
    found = [pid]
    for parent in found:
        try:
            for task in pathlib.Path(f"/proc/{parent}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def descriptors_of(pid):
    """What the open descriptors of a process and those below it lead to."""
    targets = set()
    for each in descendants(pid):
        try:
            for entry in os.scandir(f"/proc/{each}/fd"):
                targets.add(os.readlink(entry.path))
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return targets


def cpu_seconds_of(pid):
    """User and system time of a process and those below it, until now."""
    total = 0
    for each in descendants(pid):
        try:
            stat = pathlib.Path(f"/proc/{each}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        fields = stat.rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


@dataclasses.dataclass
class Mark:
    """A line of the guest's: when the host saw it, and the CPU time until then."""
    text: str
    when: float
    cpu: float


class Run:
    """A machine from its start to its end. What it found wrong is in `complaints`.

    `watch` is called with each line as it comes. `answers` are pairs of what the guest asks and what is
    typed then, in this order.
    """

    def __init__(self, machine, initrd, log):
        self.machine = machine
        self.image = kernel.Kernel(machine.kernel).image
        self.initrd = initrd
        self.log = pathlib.Path(log)
        self.lines = []
        self.checks = {}
        self.marks = {}
        self.complaints = []
        self.notes = []
        self.status = None
        self.started = self.wall = self.cpu = 0.0
        self.process = None
        self.watch = lambda line: None
        self.answers, self.answered = [], []
        self.ours = self.theirs = False

    def complain(self, text):
        self.complaints.append(text)

    def note(self, text):
        self.notes.append(text)

    def run(self):
        """Return: itself, when the machine has been turned off or stopped."""
        command = self.machine.command(self.image, self.initrd)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        errors = self.log.with_suffix(".stderr")
        self.started = time.monotonic()
        with open(self.log, "wb") as log, open(errors, "wb") as stderr:
            try:
                self.process = subprocess.Popen(
                    command, stdin=subprocess.PIPE if self.answers else subprocess.DEVNULL,
                    stdout=subprocess.PIPE, stderr=stderr,
                    # Nor where the hardware would do: it is the library that is to be seen.
                    env={**os.environ, "EXCLAVE_LOG": "1", "EXCLAVE_ENGINE": "soft",
                         **self.machine.environment})
            except OSError as error:
                self.complain(f"{command[0]} cannot be started: {error.strerror} "
                              "(--exclave names the program)")
                return self
            try:
                self.__follow(log, self.started + self.machine.timeout)
            except BaseException:
                self.kill()
                raise
            finally:
                self.__end()
        self.wall = time.monotonic() - self.started
        self.__judge(errors.read_text(errors="replace"))
        return self

    def __follow(self, log, deadline):
        """Reads the serial line until QEMU closes it or time is up."""
        pipe = self.process.stdout.fileno()
        rest = b""
        while True:
            ready = select.select([pipe], [], [], 0.1)[0]
            now = time.monotonic()
            self.__look_at_descriptors()
            if ready:
                piece = os.read(pipe, 65536)
                if not piece:
                    return
                log.write(piece)
                *whole, rest = (rest + piece).split(b"\n")
                for line in whole:
                    self.__take(line.decode(errors="replace").rstrip("\r"), now)
                    # The kernel may have written behind the question.
                    if self.answers and self.answers[0][0] in line:
                        self.__answer()
                if self.answers and rest.endswith(self.answers[0][0]):
                    self.__answer()
                    rest = b""
            if now > deadline:
                self.complain(f"it had not ended after {self.machine.timeout:.0f} s")
                return

    def __answer(self):
        """Types what was asked for."""
        self.answered.append(time.monotonic())
        self.process.stdin.write(self.answers.pop(0)[1])
        self.process.stdin.flush()

    def __take(self, line, now):
        self.lines.append(line)
        self.watch(line)
        check, mark = CHECK.search(line), MARK.search(line)
        if check:
            self.checks[check.group(1)] = (check.group(2) == "PASS", check.group(3))
        if mark:
            cpu = cpu_seconds_of(self.process.pid)
            self.marks.setdefault(mark.group(1), []).append(Mark(mark.group(2), now, cpu))

    def __look_at_descriptors(self):
        """Our library's own descriptor must be there once, the machine's device never."""
        if self.machine.accel == "exclave":
            targets = descriptors_of(self.process.pid)
            self.theirs |= "/dev/kvm" in targets
            self.ours |= any(target.startswith(OUR_KVM) for target in targets)

    def kill(self):
        """Ends QEMU at once."""
        # They share our process group, so that they end with us; only theirs are to end here.
        for pid in descendants(self.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def __end(self):
        """Waits for QEMU, and ends it if it does not come to its own end."""
        deadline = time.monotonic() + (0 if self.complaints else END_SECONDS)
        pid, status, usage = os.wait4(self.process.pid, os.WNOHANG)
        while not pid and time.monotonic() < deadline:
            time.sleep(0.01)
            pid, status, usage = os.wait4(self.process.pid, os.WNOHANG)
        if not pid:
            self.kill()
            _, status, usage = os.wait4(self.process.pid, 0)
        self.status = self.process.returncode = os.waitstatus_to_exitcode(status)
        self.cpu = usage.ru_utime + usage.ru_stime
        self.process.stdout.close()
        if self.process.stdin:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()

    def __judge(self, errors):
        if self.status != 0:
            self.complain(f"QEMU ended with status {self.status}: {errors[-600:].strip()}")
        if not any(POWER_DOWN in line for line in self.lines):
            self.complain("the guest did not turn itself off; its last lines:")
            self.complaints += [f"  {line[:160]}" for line in self.lines[-8:]]
        for name, (passed, detail) in self.checks.items():
            if not passed:
                self.complain(f"{name}: {detail}")
        for question, _ in self.answers:
            self.complain(f"the guest never asked '{question.decode()}'")
        if self.machine.accel == "exclave":
            self.__judge_library(errors)

    def __judge_library(self, errors):
        if self.theirs:
            self.complain("QEMU had the machine's own /dev/kvm open")
        if not self.ours:
            self.complain(f"QEMU never had a descriptor of {OUR_KVM}")
        if OUR_LINE not in errors and not any(OUR_LINE in line for line in self.lines):
            self.complain(f"no line '{OUR_LINE}' from the library")

    def want(self, *names):
        """The script must have reported each of these, and come to its end."""
        for name in [*names, "kernel_log", "end"]:
            if name not in self.checks and self.status is not None:
                self.complain(f"{name}: the guest did not report it")

    def text(self):
        return "\n".join(self.lines)
