# SPDX-License-Identifier: GPL-2.0-or-later
"""The guests of sgx_test.py: what EPC each has, and what must have come of it."""
import dataclasses
import re
import signal

import cases
import harness
import packages
import selftests

CPU_FEATURES = ("+sgx,+sgxlc,+sgx1,+sgx2,+sgx-exinfo,+sgx-debug,+sgx-mode64,+sgx-provisionkey,"
                "+sgx-tokenkey,+sgx-kss")
MIB = 1 << 20
UNITS = {"M": MIB, "G": 1 << 30}
STEPS = {
    "hello": ("hello_alice", "hello_bob"),
    "attributes": ("attributes",),
    "attest": ("attest", "attest_elsewhere", "attest_forged"),
    "grow": ("grow",),
    "rights": ("restrict", "epcm_fault", "extend"),
    "trim": ("trim", "regrow"),
    "threads": ("threads",),
    "storm": ("storm",),
    "timing": ("timing",),
    "debug": ("debug_refused", "debug_read", "debug_optin"),
    "provision": ("provision_refused", "provision_attribute", "provision_key"),
}
SEAL_FIRST = ("sealed",)
SEAL_SECOND = ("unsealed", "unseal_other", "unseal_damaged")


def size_of(text):
    return int(text[:-1]) * UNITS[text[-1]]


@dataclasses.dataclass
class Section:
    """One EPC section: its size as QEMU takes it, and the node that it is on."""
    size: str = "64M"
    node: int = 0
    prealloc: bool = True


class Sgx(cases.Case):
    """A guest with EPC, in which steps of the demonstration run."""
    script = "sgx"
    sections = (Section(),)
    memory = "512M"
    chipset = "q35"
    base = 0x1_0000_0000
    steps = ("hello",)
    numa = False
    smp = 1
    irqchip = ""

    @property
    def checks(self):
        shown = [check for step in self.steps for check in STEPS[step]]
        return ("sgx_enclave", "sgx_provision", "cpu_flags", *shown)

    def title(self, machine):
        return "_".join((self.name, machine.accel, machine.kernel))

    def prepare(self, machine, files, folder):
        machine.memory = self.memory
        machine.smp = max(machine.smp, self.smp)
        if self.irqchip:
            machine.accel_options = f"kernel-irqchip={self.irqchip}"
        machine.cpu = machine.cpu or f"{harness.EXCLAVE_CPU},{CPU_FEATURES}"
        machine.machine = self.chipset
        for number, section in enumerate(self.sections):
            name = f"epc{number}"
            machine.machine += (f",sgx-epc.{number}.memdev={name}"
                                f",sgx-epc.{number}.node={section.node}")
            machine.devices += ["-object", f"memory-backend-epc,id={name},size={section.size},"
                                f"prealloc={'on' if section.prealloc else 'off'}"]
        files.add_variables(**self.variables())
        self.add_programs(files)

    def variables(self):
        return {"steps": " ".join(self.steps)}

    def add_programs(self, files):
        self.add_built(files, "guest-demo", "alice.image", "bob.image")

    def add_built(self, files, *names):
        """What is built in guest/: programs and images of enclaves."""
        for name in names:
            target = f"data/{name}" if name.endswith(".image") else f"bin/{name}"
            source = self.options.guest / name
            if not source.exists():
                raise packages.PackageError(f"no {source} (--guest names the folder)")
            files.add(source, target)

    def judge(self, run):
        """The sections lie side by side above all memory."""
        found = re.findall(r"^EPC-SECTION: 0x([0-9a-f]+)-0x([0-9a-f]+)", run.text(), re.M)
        wanted, base = [], self.base
        for section in self.sections:
            wanted.append((f"{base:x}", f"{base + size_of(section.size) - 1:x}"))
            base += size_of(section.size)
        if found != wanted:
            run.complain(f"EPC sections {found}, not {wanted}")
        self.judge_nodes(run)

    def judge_nodes(self, run):
        nodes = {int(node): int(size) for node, size in
                 re.findall(r"^EPC-NODE: (\d+) (\d+)", run.text(), re.M)}
        wanted = {}
        for section in self.sections:
            wanted[section.node] = wanted.get(section.node, 0) + size_of(section.size)
        if nodes != wanted:
            run.complain(f"EPC by node {nodes}, not {wanted}")
        if self.numa and "EPC-FALLBACK" in run.text():
            run.complain("Linux does not find a section's node")


class Demo(Sgx):
    """Every step, and what was sealed in one QEMU unsealed in the next."""
    name = "sgx_demo"
    steps = tuple(STEPS)

    @property
    def checks(self):
        return (*super().checks, *SEAL_FIRST)

    def variables(self):
        return {"steps": " ".join([*self.steps, "seal"]), "steps_again": "hello seal",
                "disk": "/dev/vda"}

    def prepare(self, machine, files, folder):
        super().prepare(machine, files, folder)
        disk = folder / "disk"
        disk.write_bytes(bytes(MIB))
        files.add_modules(["virtio_pci", "virtio_blk"])
        machine.devices += cases.drive(disk)
        self.machine = machine
        self.initrd = folder / "initrd"

    def judge(self, run):
        super().judge(run)
        if run.complaints:
            return
        again = harness.Run(self.machine, self.initrd, run.log.with_suffix(".second.log")).run()
        again.want("hello_alice", *SEAL_SECOND)
        run.complaints += [f"second boot: {complaint}" for complaint in again.complaints]
        sealed, unsealed = run.checks["sealed"][1], again.checks.get("unsealed", (False, ""))[1]
        if sealed != unsealed:
            run.complain(f"'{sealed}' was sealed, '{unsealed}' came back")


class Reboot(Demo):
    """The same over a reset of the machine, amid enclaves at work."""
    name = "sgx_reboot"
    script = "reboot"
    checks = ("hello_alice", "hello_bob", "grow", *SEAL_FIRST, *SEAL_SECOND)

    def prepare(self, machine, files, folder):
        super().prepare(machine, files, folder)
        machine.no_reboot = False

    def judge(self, run):
        if len(run.marks.get("boot", [])) != 2:
            run.complain(f"{len(run.marks.get('boot', []))} boots, not 2")
        if run.checks.get("sealed", (0, 0))[1] != run.checks.get("unsealed", (0, 1))[1]:
            run.complain("what came back is not what was sealed")


class Selftest(Sgx):
    """All of the kernel's own cases, which drive EWB and ELDU hard; skipped ones do not count."""
    name = "sgx_selftest"
    script = "selftest"
    memory = "1G"
    checks = ("reclaimer_first",)

    def prepare(self, machine, files, folder):
        super().prepare(machine, files, folder)
        # A case may take 30 s, one of them 900 s.
        machine.timeout = 600

    def add_programs(self, files):
        built = selftests.build()
        files.add(built / "test_sgx", "data/test_sgx")
        files.add(built / "test_encl.elf", "data/test_encl.elf")
        files.add_program(cases.program_path("chrt"))

    def judge(self, run):
        self.judge_round(run, run.text(), selftests.CASES)

    def judge_round(self, run, text, count):
        failed = selftests.CASES - count
        wanted = f"# Totals: pass:{count} fail:{failed} xfail:0 xpass:0 skip:0 error:0"
        totals = re.findall(r"^# Totals: .*", text, re.M)
        if totals != [wanted]:
            run.complain(f"{totals}, not '{wanted}'")
        passed = set(re.findall(r"^ok \d+ (\S+)$", text, re.M))
        if len(passed) != count:
            run.complain(f"{len(passed)} cases passed without remark")
        for line in re.findall(r"^(?:not ok .*|ok .*SKIP.*|# .*Expected .*)", text, re.M):
            run.complain(line)


class SelftestSmp(Selftest):
    """
    On four processors, then all on one of them. In the first round, the one case that does without
    retrying what the reclaimer may refuse is free to fail by just that, EAGAIN.
    """
    name = "sgx_selftest_smp"
    smp = 4
    checks = ("reclaimer_first", "reclaimer_pinned")
    racing = "unclobbered_vdso_oversubscribed_remove"
    again = "Expected errno_save (11) == 0 (0)"

    def variables(self):
        return {"pinned": "yes"}

    def judge(self, run):
        first, _, second = run.text().partition("EXCLAVE-MARK: pinned")
        self.judge_round(run, second, selftests.CASES)
        lost = f"not ok 3 enclave.{self.racing}" in first
        if not lost:
            self.judge_round(run, first, selftests.CASES)
            return
        run.note("once EAGAIN")
        if self.again not in first:
            run.complain(f"{self.racing} failed, and not by EAGAIN")
        others = "\n".join(line for line in first.split("\n") if self.racing not in line)
        self.judge_round(run, others, selftests.CASES - 1)


class Numa(Sgx):
    """Two sections on two nodes."""
    name = "sgx_numa"
    sections = (Section("64M", 0), Section("28M", 1))
    numa = True

    def prepare(self, machine, files, folder):
        super().prepare(machine, files, folder)
        for node in (0, 1):
            machine.devices += ["-object", f"memory-backend-ram,id=ram{node},size=256M",
                                "-numa", f"node,nodeid={node},memdev=ram{node}"]


class Small(Sgx):
    name = "sgx_8m"
    sections = (Section("8M"),)
    steps = ("hello", "grow", "trim")


class Tiny(Sgx):
    """Less EPC than the enclaves have pages: each step also pages in and out."""
    name = "sgx_1m"
    sections = (Section("1M"),)
    steps = ("hello", "grow", "rights", "trim", "threads", "storm", "attest")


class Large(Sgx):
    """More EPC than the host has memory: only what is used costs anything."""
    name = "sgx_64g"
    sections = (Section("64G", prealloc=False),)
    memory = "2G"
    steps = ("hello", "grow")


class High(Sgx):
    """EPC lies above the memory above 4 GiB."""
    name = "sgx_6g"
    memory = "6G"
    base = 0x2_0000_0000


class Pc(Sgx):
    name = "sgx_pc"
    chipset = "pc"
    steps = ("hello", "grow")


class Unprovisioned(Sgx):
    """QEMU may not open /dev/sgx_provision: the guest's CPUID has no PROVISIONKEY, ECREATE refuses."""
    name = "sgx_unprovisioned"
    checks = ("hello_alice", "unprovisioned")

    def variables(self):
        return {"steps": "hello unprovisioned"}

    def prepare(self, machine, files, folder):
        super().prepare(machine, files, folder)
        # Not even root may open what is not there.
        machine.environment["EXCLAVE_PROVISION"] = str(folder / "absent" / "provision")


class DemoSmp(Demo):
    """The same on four processors."""
    name = "sgx_demo_smp"
    smp = 4


class DemoSplit(Demo):
    """And with QEMU's own interrupt controllers beside KVM's local APICs."""
    name = "sgx_demo_split"
    smp = 4
    irqchip = "split"


@dataclasses.dataclass
class Crowd:
    """A process: guest-crowd with threads that share pages, and threads with pages of their own."""
    name: str
    pages: int
    churners: int
    growers: int

    def words(self, seconds):
        return f"{self.name} /data/crowd.image {seconds} {self.pages} {self.churners} {self.growers}"


class Crowded(Sgx):
    """An enclave of 3 MiB in 2 MiB of EPC, entered by eight threads on four processors."""
    name = "sgx_crowd"
    script = "crowd"
    sections = (Section("2M"),)
    smp = 4
    crowds = (Crowd("crowd", 768, 8, 0),)
    victims = 0

    @property
    def checks(self):
        return tuple(crowd.name for crowd in self.crowds)

    @property
    def seconds(self):
        return self.options.seconds

    def variables(self):
        return {"crowds": "\n".join(crowd.words(self.seconds) for crowd in self.crowds),
                "victims": str(self.victims)}

    def prepare(self, machine, files, folder):
        super().prepare(machine, files, folder)
        machine.timeout = max(machine.timeout, 300 + 2 * self.seconds)

    def add_programs(self, files):
        self.add_built(files, "guest-crowd", "crowd.image")

    def judge(self, run):
        for name in self.checks:
            run.note(f"{name}: {run.checks.get(name, (0, 'nothing'))[1]}")


class Changes(Crowded):
    """SGX2 by four threads at once beside four that visit, in less EPC than all of it wants."""
    name = "sgx_changes"
    crowds = (Crowd("changes", 640, 4, 4),)
    irqchip = "split"


class Rivals(Crowded):
    """Two processes that page each other out, while others come and are killed amid their work."""
    name = "sgx_rivals"
    crowds = (Crowd("rival_1", 384, 4, 0), Crowd("rival_2", 384, 3, 1))
    victims = 3


class Killed(Crowded):
    """QEMU is killed amid all that; the next one finds everything as it should be."""
    name = "sgx_killed"
    crowds = (Crowd("crowd", 576, 6, 2),)
    seconds = 2

    def prepare(self, machine, files, folder):
        super().prepare(machine, files, folder)
        self.machine = machine
        self.initrd = folder / "initrd"

    def judge(self, run):
        super().judge(run)
        victim = harness.Run(self.machine, self.initrd, run.log.with_suffix(".victim.log"))
        victim.watch = lambda line: victim.kill() if "EXCLAVE-MARK: churning" in line else None
        victim.run()
        if victim.status != -signal.SIGKILL:
            run.complain(f"killed, it ended with status {victim.status}")
        if "churning" not in victim.marks:
            run.complain("it never came to where it is to be killed")
        again = harness.Run(self.machine, self.initrd, run.log.with_suffix(".again.log")).run()
        again.want(*self.checks)
        run.complaints += [f"the next one: {complaint}" for complaint in again.complaints]


class RebootSmp(Reboot):
    """Four processors are reset while all of them have enclaves at work."""
    name = "sgx_reboot_smp"
    smp = 4

    def variables(self):
        return {"crowd": Crowd("crowd", 1024, 6, 2).words(60)}

    def add_programs(self, files):
        super().add_programs(files)
        self.add_built(files, "guest-crowd", "crowd.image")


CASES = {case.name: case for case in (Demo, Selftest, Reboot, Numa, Small, Tiny, Large, High, Pc,
                                      Unprovisioned, DemoSmp, DemoSplit, SelftestSmp, Crowded,
                                      Changes, Rivals, Killed, RebootSmp)}
