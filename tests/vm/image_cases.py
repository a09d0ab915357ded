# SPDX-License-Identifier: GPL-2.0-or-later
"""The guests of image_test.py: how each machine starts, what it has, and what must have come of it."""
import dataclasses
import http.server
import os
import pathlib
import re
import subprocess
import tarfile
import threading

import cases
import harness
import packages
import selftests
import sgx_cases

SCRIPTS = pathlib.Path(__file__).resolve().parent / "image"
BUILD = harness.ROOT / "scripts" / "build-image"
FIRMWARE = pathlib.Path("usr/share/OVMF")
ERRORS = (packages.PackageError, subprocess.CalledProcessError)
DISKS = {
    "virtio-blk": ["-device", "virtio-blk-pci,drive=root"],
    "virtio-scsi": ["-device", "virtio-scsi-pci", "-device", "scsi-hd,drive=root"],
    "ahci": ["-device", "ich9-ahci,id=sata", "-device", "ide-hd,bus=sata.0,drive=root"],
}
NETWORKS = {"virtio-net-pci": "virtio_net", "e1000": "e1000"}
PROMPT = b"exclave:~# "
LOGIN = [(b"exclave login: ", b"root\n"),
         (PROMPT, b"mkdir /run/test && tar -xf /dev/disk/by-id/virtio-test -C /run/test && "
                 b"sh /run/test/test.sh\n")]
# Of the kernel series of 2021, word for word, but for the image's name.
SERIES = ("-smp 4 -m 2G -drive file=IMAGE,if=virtio -cpu host,+sgx_provisionkey "
          "-sgx-epc id=epc1,memdev=mem1 -object memory-backend-epc,id=mem1,size=64M,prealloc")
DRIFT_MAX = 500e-6
# A drift is told from the time that a line takes to us by nothing shorter.
DRIFT_SECONDS = 20
IMAGE = {}


def prepare(args):
    """Builds what all guests share."""
    # Not the user's own disk, which guests may have written to.
    IMAGE["folder"] = packages.CACHE / "image-test"
    subprocess.run([BUILD, "--guest", args.guest, "--output", IMAGE["folder"]], check=True, stdout=subprocess.DEVNULL)
    IMAGE["ovmf"] = packages.package_tree("ovmf") / FIRMWARE


@dataclasses.dataclass
class ImageMachine(harness.Machine):
    """`start` is what starts the system: GRUB by a BIOS or by UEFI, or QEMU's -kernel."""
    start: str = "kernel"
    folder: pathlib.Path = None

    def command(self, image, initrd):
        accel = harness.ACCELERATORS[self.accel] + (f",{self.accel_options}" if self.accel_options else "")
        command = [harness.QEMU, "-accel", accel, "-cpu", self.cpu or harness.CPUS[self.accel],
                   "-machine", self.machine, "-m", self.memory, "-smp", str(self.smp),
                   "-no-user-config", "-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot",
                   *self.starter(), *self.devices, *self.args]
        return [self.exclave, "run", "--", *command] if self.accel == "exclave" else command

    def starter(self):
        if self.start == "bios":
            return []
        if self.start == "uefi":
            # Its variables are the guest's to write.
            variables = self.folder / "variables.fd"
            variables.write_bytes((IMAGE["ovmf"] / "OVMF_VARS_4M.fd").read_bytes())
            code = IMAGE["ovmf"] / "OVMF_CODE_4M.fd"
            return ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={code}",
                    "-drive", f"if=pflash,unit=1,format=raw,file={variables}"]
        return ["-kernel", str(IMAGE["folder"] / "vmlinuz"), "-initrd", str(IMAGE["folder"] / "initrd"),
                "-append", "root=LABEL=exclave ro console=ttyS0"]


class Case:
    """A guest. `checks` are what its script reports besides what finish() in common.sh does."""
    name = ""
    start, disk, network = "kernel", "virtio-blk", "virtio-net-pci"
    checks = ()
    timeout = 0

    def __init__(self, options):
        self.options = options

    @property
    def script(self):
        return self.name.partition("_")[0]

    def run(self, folder, log):
        """Return: the run, judged."""
        base = harness.machine_of(self.options)
        machine = ImageMachine(**vars(base), start=self.start, folder=folder)
        machine.timeout += self.timeout
        machine.devices += ["-drive", f"file={IMAGE['folder'] / 'disk.img'},format=raw,if=none,id=root,"
                            "snapshot=on", *DISKS[self.disk],
                            "-netdev", "user,id=net,ipv6=off", "-device", f"{self.network},netdev=net"]
        try:
            self.prepare(machine, folder)
            self.__add_scripts(machine, folder)
            run = harness.Run(machine, "", log)
            run.answers = list(LOGIN)
            run.run()
            run.want(*self.checks, "failed_units", "clocksource", "stuck")
            self.__judge_times(run)
            self.judge(run)
        finally:
            self.finish()
        return run

    def variables(self):
        return {}

    def __add_scripts(self, machine, folder):
        """An archive as a disk: what the shell is told to run."""
        values = {"processors": machine.smp, "firmware": "uefi" if self.start == "uefi" else "bios",
                  "root_driver": self.disk, "network_driver": NETWORKS[self.network],
                  **self.variables()}
        (folder / "variables.sh").write_text("".join(f"{k}='{v}'\n" for k, v in values.items()))
        (folder / "test.sh").write_text(f". /run/test/common.sh\n. ./{self.script}.sh\nfinish\n")
        with tarfile.open(folder / "test.tar", "w") as archive:
            for path in [*SCRIPTS.iterdir(), folder / "variables.sh", folder / "test.sh",
                         SCRIPTS.parent / "guest" / "check.sh"]:
                archive.add(path, path.name)
        self.add_disk(machine, folder / "test.tar", "test", "readonly=on")

    @staticmethod
    def add_disk(machine, path, name, more="snapshot=off"):
        machine.devices += ["-drive", f"file={path},format=raw,if=none,id={name},{more}",
                            "-device", f"virtio-blk-pci,drive={name},serial={name}"]

    def __judge_times(self, run):
        if run.answered:
            run.note(f"login after {run.answered[0] - run.started:.1f} s")
        if not {"clock_first", "clock_last"} <= run.marks.keys():
            return
        first, last = run.marks["clock_first"][0], run.marks["clock_last"][0]
        elapsed = last.when - first.when
        drift = (last.when - float(last.text) - first.when + float(first.text)) / elapsed
        run.note(f"drift {drift * 1e6:+.0f} ppm in {elapsed:.0f} s")
        # Lines that come late by tenths of a second are no drift.
        if abs(drift) > DRIFT_MAX and abs(drift * elapsed) > 0.5:
            run.complain(f"the guest's clock drifts by {drift * 1e6:.0f} ppm in {elapsed:.0f} s")

    def prepare(self, machine, folder):
        """Puts devices on the machine."""

    def judge(self, run):
        """Complains about what the host can see."""

    def finish(self):
        """Gives back what prepare() took."""


class BootKernel(Case):
    """Boots as QEMU's -kernel has it; the others come by a boot loader of the disk's."""
    name = "boot_kernel"
    start, disk, network = "kernel", "virtio-scsi", "virtio-net-pci"
    checks = ("processors", "login", "system_state", "firmware", "root_disk", "network_driver", "fetch",
              "fetched", "send")
    size = 4 << 20

    def prepare(self, machine, folder):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), cases.Server)
        self.server.content = os.urandom(self.size)
        self.server.received = b""
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def variables(self):
        return {"port": self.server.server_port, "file_sha256": cases.sha256(self.server.content)}

    def judge(self, run):
        if self.server.received != self.server.content:
            run.complain(f"the guest sent back {len(self.server.received)} bytes, "
                         "not the file that it fetched")
        loaders = {"bios": "by GRUB (pc)", "uefi": "by GRUB (efi)"}
        if self.start in loaders and loaders[self.start] not in run.text():
            run.complain(f"no line of the boot loader '{loaders[self.start]}'")

    def finish(self):
        self.server.shutdown()
        self.server.server_close()


class BootBios(BootKernel):
    name = "boot_bios"
    start, disk, network = "bios", "virtio-blk", "virtio-net-pci"


class BootUefi(BootKernel):
    name = "boot_uefi"
    start, disk, network = "uefi", "ahci", "e1000"


class Work(Case):
    name = "work"
    checks = ("gcc_builds", "gcc_result", "make_builds", "make_result", "package_built", "apt_check",
              "apt_install", "apt_installed", "apt_purge", "apt_gone", "dpkg_verify", "fsck_before",
              "second_mounted", "second_copied", "second_same", "second_unmounted", "fsck_after", "luajit")

    def prepare(self, machine, folder):
        self.second = folder / "second.img"
        self.second.write_bytes(b"")
        os.truncate(self.second, 128 << 20)
        subprocess.run(["mke2fs", "-q", "-t", "ext4", self.second], check=True,
                       env={**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"})
        self.add_disk(machine, self.second, "second")

    def judge(self, run):
        """The host's own e2fsck has the last word."""
        result = subprocess.run(["/sbin/e2fsck", "-f", "-n", self.second], capture_output=True, text=True)
        if result.returncode != 0:
            run.complain(f"e2fsck on the host: {result.stdout[-400:]}")


class Stress(Case):
    name = "stress"
    classes = ("cpu", "vm", "futex", "fork", "signal", "timer", "mmap", "cache", "io")
    checks = tuple(f"stress_{name}" for name in classes)

    def variables(self):
        return {"seconds": self.options.seconds}

    def prepare(self, machine, folder):
        machine.timeout += 2 * len(self.classes) * self.options.seconds


class Kernel(Case):
    name = "kernel"
    checks = ("bench_sched_messaging", "bench_sched_pipe", "bench_futex_hash", "bench_futex_wake",
              "bench_futex_wake-parallel", "bench_futex_requeue", "bench_futex_lock-pi", "tcrypt",
              "tcrypt_failed", "tcrypt_tested", "tcrypt_unknown", "modules", "ftrace", "kprobes")
    timeout = 600


class Sgx(Case):
    """The demonstration and the kernel's tests, as services."""
    name = "sgx"
    checks = ("demo_service", "reclaimer", "selftest_service", "selftest_totals",
              *(check for step in sgx_cases.STEPS.values() for check in step))
    timeout = 900

    def variables(self):
        return {"totals": f"# Totals: pass:{selftests.CASES} fail:0 xfail:0 xpass:0 skip:0 error:0"}

    def prepare(self, machine, folder):
        machine.cpu = machine.cpu or f"{harness.EXCLAVE_CPU},{sgx_cases.CPU_FEATURES}"
        machine.machine += ",sgx-epc.0.memdev=epc,sgx-epc.0.node=0"
        machine.devices += ["-object", "memory-backend-epc,id=epc,size=64M,prealloc=on"]


class SeriesMachine(ImageMachine):
    """`exclave qemu`, with the command line of the series of 2021 as it stands there."""

    def command(self, image, initrd):
        line = SERIES.replace("IMAGE", str(IMAGE["folder"] / "disk.img")).split()
        # The serial line is the terminal, and the image is left as it is.
        return [self.exclave, "qemu", *line, "-nographic", "-no-reboot", "-snapshot"]


class Series(Case):
    """No script: what there is to see, the image's own services and commands say on the console."""
    name = "series"
    start = "bios"
    # Of the console: the boot loader, the machine that was asked for, and systemd.
    wanted = {"the boot loader": r"by GRUB \(pc\)", "four processors": r"smp: Brought up 1 node, 4 CPUs",
              "2 GiB": r"Memory: \d+K/209\d{4}K available", "64 MiB of EPC": r"sgx: EPC section",
              "systemd's service": r"Finished \S*exclave-hello\."}
    epc = re.compile(r"sgx: EPC section 0x([0-9a-f]+)-0x([0-9a-f]+)")
    steps = ("hello", "attributes", "attest", "grow", "rights", "trim", "threads", "storm", "debug", "provision")
    timeout = 300

    def run(self, folder, log):
        machine = SeriesMachine(**vars(harness.machine_of(self.options)), folder=folder)
        machine.timeout += self.timeout
        run = harness.Run(machine, "", log)
        run.answers = [LOGIN[0], (PROMPT, b"systemctl start exclave-demo; journalctl -o cat --no-pager -u exclave-demo;"
                                  b" systemctl --failed --plain --no-legend | sed 's/^/FAILED-UNIT /';"
                                  b" systemctl poweroff\n")]
        run.run()
        self.judge(run)
        return run

    def judge(self, run):
        text = run.text()
        for what, pattern in self.wanted.items():
            if not re.search(pattern, text):
                run.complain(f"the console does not show {what}: {pattern}")
        before_login = text.partition("exclave login: ")[0]
        for name in ("hello_alice", "hello_bob"):
            if f"EXCLAVE-TEST: {name} PASS" not in before_login:
                run.complain(f"{name}: no enclave says so before the login")
        for step in self.steps:
            for name in sgx_cases.STEPS[step]:
                if name not in run.checks:
                    run.complain(f"{name}: exclave-demo did not report it")
        epc = self.epc.search(text)
        if epc and int(epc.group(2), 16) + 1 - int(epc.group(1), 16) != 64 << 20:
            run.complain(f"EPC of another size: {epc.group(0)}")
        failed = re.findall(r"^FAILED-UNIT .*", text, re.M)
        if failed:
            run.complain(f"{failed}")


CASES = {case.name: case for case in (BootKernel, BootBios, BootUefi, Work, Stress, Kernel, Sgx, Series)}
