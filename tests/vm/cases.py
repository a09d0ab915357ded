# SPDX-License-Identifier: GPL-2.0-or-later
"""The guests of boot_test.py: what each takes along, and what must have come of it."""
import gzip
import hashlib
import http.server
import os
import re
import shutil
import subprocess
import threading

import harness
import initramfs
import packages

PLAIN_SIZE = 20_000_000
KEY = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
INITIAL = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"
DRIFT_MAX = 500e-6
IDLE_MAX = 0.03


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def program_path(name):
    path = shutil.which(name)
    if not path:
        raise packages.PackageError(f"no program {name} here to take into the guest")
    return path


def output_of(*command, data=None):
    return subprocess.run(command, input=data, check=True, stdout=subprocess.PIPE).stdout


class Case:
    """A guest. `checks` are what its script reports besides its end."""
    name = ""
    checks = ()

    def __init__(self, options):
        self.options = options

    @property
    def script(self):
        """Its file in tests/vm/guest, without suffix: several cases may share one."""
        return self.name.partition("_")[0]

    def title(self, machine):
        options = machine.accel_options.replace("kernel-irqchip=", "")
        processors = f"smp{machine.smp}" if machine.smp > 1 else ""
        return "_".join(filter(None, (self.name, machine.accel, machine.kernel, machine.machine,
                                      machine.memory, options, processors)))

    def skipped(self, guest_kernel):
        """Why it cannot run with this kernel, or None."""
        return None

    def prepare(self, machine, files, folder):
        """Puts what the script needs into the initial file system and devices on the machine."""

    def watch(self, run, line):
        """Sees each line of the guest's as it comes, and may keep it waiting."""

    def judge(self, run):
        """Complains about what the host can see."""

    def finish(self):
        """Gives back what prepare() took."""


class Boot(Case):
    """To the end of a script, with all that the kernel says."""
    name = "boot"
    checks = ("booted",)

    def prepare(self, machine, files, folder):
        machine.append = machine.append.replace("quiet", "")
        self.machine = machine

    def judge(self, run):
        self.__judge_machine(run)
        if self.machine.accel == "exclave":
            self.__judge_mitigations(run)

    def __judge_machine(self, run):
        found = dict(re.findall(r"^(MEMORY|PROCESSORS): (\d+)", run.text(), re.M))
        unit = {"M": 1 << 10, "G": 1 << 20}[self.machine.memory[-1]]
        memory = int(self.machine.memory[:-1]) * unit
        # Kernel and firmware keep some tens of megabytes, and a 64th for struct page.
        if int(found.get("MEMORY", 0)) < memory * 0.97 - (100 << 10):
            run.complain(f"the guest has {found.get('MEMORY')} of {memory} KiB")
        if int(found.get("PROCESSORS", 0)) != self.machine.smp:
            run.complain(f"the guest has {found.get('PROCESSORS')} processors")

    def __judge_mitigations(self, run):
        for line in re.findall(r".*leaves CPU vulnerable.*", run.text()):
            run.complain(line)
        states = dict(re.findall(r"^VULNERABILITY: (\S+): (.*)$", run.text(), re.M))
        if "page tables isolation: enabled" in run.text():
            run.complain("the kernel isolates page tables")
        for name in ("meltdown", "mds", "l1tf", "tsx_async_abort", "spec_store_bypass"):
            if states.get(name) != "Not affected":
                run.complain(f"{name}: {states.get(name)}")
        # Newer kernels name AMD's as well: "Enhanced / Automatic IBRS".
        if not re.search(r"Enhanced (/ Automatic )?IBRS", states.get("spectre_v2", "")):
            run.complain(f"spectre_v2: {states.get('spectre_v2')}")


class Openssl(Case):
    """Cryptography: vector, carry-less and AES instructions, against the host's results."""
    name = "openssl"
    ciphers = ("aes-256-cbc", "aes-256-ctr", "chacha20")
    digests = ("sha1", "sha256", "sha512", "sha3-256", "blake2b512")
    checks = ("sha256_abc", "aes128_fips197", *ciphers, *(f"{name}-back" for name in ciphers),
              *digests, "signature_p256", "signature_ed25519", "speed_sha256",
              "speed_aes-128-gcm", "speed_aes-256-cbc", "speed_ecdsap256")

    def prepare(self, machine, files, folder):
        openssl = program_path("openssl")
        files.add_program(openssl)
        data = os.urandom(2 << 20)
        files.add_bytes("data/random", data)
        answers = {}
        for cipher in self.ciphers:
            secret = output_of(openssl, "enc", f"-{cipher}", "-K", KEY, "-iv", INITIAL, data=data)
            answers[cipher.replace("-", "_")] = sha256(secret)
        for digest in self.digests:
            line = output_of(openssl, "dgst", f"-{digest}", "-r", data=data)
            answers[digest.replace("-", "_")] = line.split()[0].decode()
        files.add_variables(**answers)


class Gzip(Case):
    name = "gzip"
    checks = ("plain", "gnu_to_busybox", "busybox_to_gnu", "packed")

    def prepare(self, machine, files, folder):
        program = program_path("gzip")
        files.add_program(program, "bin/gnu-gzip")
        plain = "".join(f"{i}\n" for i in range(1, 2_600_001)).encode()[:PLAIN_SIZE]
        packed = output_of(program, "-n", "-2", data=plain)
        if gzip.decompress(packed) != plain:
            raise packages.PackageError("the host's gzip does not give back what it packed")
        files.add_bytes("data/plain", plain)
        files.add_variables(plain_sha256=sha256(plain), packed_sha256=sha256(packed))


class Languages(Case):
    name = "languages"
    checks = ("perl", "perl_result", "tcc_compiles", "primes_compiled", "primes_result",
              "tcc_runs", "tcc_result")

    def prepare(self, machine, files, folder):
        perl = program_path("perl")
        program = initramfs.GUEST / "program.pl"
        # Its own modules; those of the distribution are many and not needed.
        base = output_of(perl, "-MConfig", "-MFile::Spec", "-e",
                         'print join "\n", grep { -e "$_/strict.pm" } @INC').decode().split("\n")[0]
        files.add_program(perl)
        for module in ("strict.pm", "warnings.pm"):
            files.add(f"{base}/{module}", f"{base}/{module}".lstrip("/"))
        files.add(program, "data/program.pl")
        files.add(initramfs.GUEST / "primes.c", "data/primes.c")
        files.add_program(packages.package_tree("tcc") / "usr" / "bin" / "tcc")
        expected = output_of(perl, str(program)).decode().splitlines()[-1]
        files.add_variables(perl_expected=expected)


class Processors(Case):
    """Four of them, more than here may be, with all that KVM has to help them."""
    name = "processors"
    checks = ("clock", "unmap", "wake")
    paravirtual = ("pv_ipi", "pv_tlb_flush", "pv_sched_yield", "pv_spinlocks")
    features = "".join(f",+kvm-{name}" for name in (
        "pv-ipi", "pv-tlb-flush", "pv-sched-yield", "pv-unhalt", "pv-eoi", "steal-time"))

    def prepare(self, machine, files, folder):
        machine.smp = 4
        files.add_compiled("processors.c")
        self.machine = machine
        if machine.accel != "exclave":
            return
        if not machine.cpu:
            machine.cpu = harness.EXCLAVE_CPU + self.features
        if self.features in machine.cpu:
            self.checks = (*self.checks, *self.paravirtual)
            files.add_variables(paravirtual="yes")

    def judge(self, run):
        for begin, end in zip(run.marks.get("begin", []), run.marks.get("end", [])):
            run.note(f"{begin.text} {end.when - begin.when:.1f} s CPU {end.cpu - begin.cpu:.1f} s")


class Memory(Case):
    name = "memory"
    checks = ("memory_walk",)

    def prepare(self, machine, files, folder):
        files.add_compiled("memory_walk.c")
        self.above = machine.memory.endswith("G") and int(machine.memory[:-1]) > 4

    def judge(self, run):
        """The kernel gives memory from its upper end first."""
        detail = run.checks.get("memory_walk", (True, ""))[1]
        if self.above and detail.endswith(", 0 above 4 GiB"):
            run.complain("none of the memory that was tested is above 4 GiB")


class Float(Case):
    """The host computes the rows to compare with when the initial file system is made."""
    name = "float"
    checks = ("float", "float_rounds", "float_beside")

    def prepare(self, machine, files, folder):
        program = files.add_compiled("float_check.c")
        files.add_bytes("data/rows", output_of(str(program), "record"))
        # TCG computes sines and the like in its own way.
        files.add_variables(float_exact="exact" if machine.accel == "exclave" else "")


class Time(Case):
    """The guest's clock against the host's, and what an idle guest costs."""
    name = "time"
    checks = ("slept",)

    def prepare(self, machine, files, folder):
        files.add_compiled("clock_marks.c")
        files.add_variables(seconds=self.options.drift_seconds)
        machine.timeout += self.options.drift_seconds
        self.accel = machine.accel

    def judge(self, run):
        try:
            self.__judge_drift(run)
            self.__judge_idle(run)
        except (KeyError, ValueError):
            run.complain("marks of the guest's are missing or damaged")

    @staticmethod
    def __ahead(marks):
        """How far the host's clock is ahead of the guest's, by the line that came fastest."""
        return min(mark.when - float(mark.text) for mark in marks)

    def __judge_drift(self, run):
        first, last = run.marks["clock_first"], run.marks["clock_last"]
        elapsed = last[0].when - first[0].when
        drift = (self.__ahead(last) - self.__ahead(first)) / elapsed
        run.note(f"drift {drift * 1e6:+.0f} ppm in {elapsed:.0f} s")
        if abs(drift) > DRIFT_MAX:
            run.complain(f"the guest's clock drifts by {drift * 1e6:.0f} ppm")

    def __judge_idle(self, run):
        begin, end = run.marks["idle_begins"][0], run.marks["idle_ends"][0]
        share = (end.cpu - begin.cpu) / (end.when - begin.when)
        run.note(f"idle {share * 100:.1f} % of a processor")
        if self.accel == "exclave" and share > IDLE_MAX:
            run.complain(f"an idle guest takes {share * 100:.1f} % of a processor")


class Block(Case):
    """virtio-blk: the first half of the disk is written here, the second by the guest."""
    name = "block"
    checks = ("host_half", "write", "read_back", "host_half_again", "guest_half")
    half = 8 << 20

    def prepare(self, machine, files, folder):
        self.disk = folder / "disk"
        self.data = os.urandom(self.half)
        self.disk.write_bytes(self.data + bytes(self.half))
        files.add_modules(["virtio_pci", "virtio_blk"])
        files.add_variables(host_half_sha256=sha256(self.data))
        machine.devices += self.drive(self.disk)

    def drive(self, path):
        return drive(path)

    def judge(self, run):
        content = self.disk.read_bytes()
        theirs = run.checks.get("guest_half", (False, ""))[1]
        if content[:self.half] != self.data:
            run.complain("the host's half of the disk has changed")
        if sha256(content[self.half:]) != theirs:
            run.complain("the guest's half of the disk is not what the guest wrote")


def drive(path, more=""):
    return ["-drive", f"file={path},format=raw,if=none,id=disk",
            "-device", f"virtio-blk-pci,drive=disk{more}"]


class BlockThread(Block):
    """The device in a thread of its own: eventfds both ways, where the interrupts go by KVM."""
    name = "block_thread"

    def drive(self, path):
        return ["-object", "iothread,id=io", *drive(path, ",iothread=io")]


class Server(http.server.BaseHTTPRequestHandler):
    """Gives a file out and takes one back, on the host's loopback."""

    def do_GET(self):
        self.__answer(self.server.content)

    def do_POST(self):
        self.server.received = self.rfile.read(int(self.headers["Content-Length"]))
        self.__answer(b"")

    def __answer(self, data):
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        """Nothing: its place is the case's own report."""


class Network(Case):
    name = "network"
    device = "virtio-net-pci"
    modules = ("virtio_pci", "virtio_net")
    checks = ("fetch", "fetched", "send")
    size = 4 << 20

    def skipped(self, guest_kernel):
        absent = [name for name in self.modules if not guest_kernel.has(name)]
        return f"kernel {guest_kernel.release} has no {absent[0]}" if absent else None

    def prepare(self, machine, files, folder):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
        # A zero in busybox's --post-file would end it: text, of all that may be in a line.
        self.server.content = os.urandom(self.size // 2).hex().encode()
        self.server.received = b""
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        files.add_modules(self.modules)
        files.add_variables(port=self.server.server_port,
                            file_sha256=sha256(self.server.content))
        machine.devices += ["-netdev", "user,id=net,ipv6=off",
                            "-device", f"{self.device},netdev=net"]

    def judge(self, run):
        if self.server.received != self.server.content:
            run.complain(f"the guest sent back {len(self.server.received)} bytes, "
                         "not the file that it fetched")

    def finish(self):
        self.server.shutdown()
        self.server.server_close()


class NetworkE1000(Network):
    name = "network_e1000"
    device = "e1000"
    modules = ("e1000",)


class Reset(Case):
    """Four boots in one QEMU, with three ways of resetting the machine between."""
    name = "reset"
    checks = ("resets",)

    def prepare(self, machine, files, folder):
        disk = folder / "disk"
        disk.write_bytes(b"0" + bytes((1 << 20) - 1))
        files.add_modules(["virtio_pci", "virtio_blk"])
        machine.devices += drive(disk)
        machine.no_reboot = False
        machine.timeout *= 2

    def judge(self, run):
        boots = [mark.text for mark in run.marks.get("boot", [])]
        if boots != ["0", "1", "2", "3"]:
            run.complain(f"boots {', '.join(boots) or 'none'} of 0, 1, 2, 3")


CASES = {case.name: case for case in (Boot, Processors, Memory, Float, Openssl, Gzip, Languages, Block,
                                      BlockThread, Network, NetworkE1000, Reset, Time)}
# What depends on the chipset, on memory above 4 GiB, or on what a kernel has built in.
MATRIX_CASES = ("boot", "memory", "block", "network", "network_e1000", "reset")


def run_case(case, machine, guest_kernel, folder, log):
    """Return: the run, judged."""
    files = initramfs.Initramfs(guest_kernel)
    files.add_script(initramfs.GUEST / f"{case.script}.sh")
    try:
        case.prepare(machine, files, folder)
        initrd = folder / "initrd"
        files.write(initrd)
        run = harness.Run(machine, initrd, log)
        run.watch = lambda line: case.watch(run, line)
        run.run()
        run.want(*case.checks)
        case.judge(run)
    finally:
        case.finish()
    return run
