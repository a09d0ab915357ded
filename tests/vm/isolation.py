# SPDX-License-Identifier: GPL-2.0-or-later
"""A case of sgx_test.py: what the host's tools find of a secret in an enclave of a guest.

The guest (guest/hunt) has planted two patterns: a word by lot and its successors, in an enclave and
in ordinary memory. Whoever looks through memory must find the second and not the first.
"""
import json
import pathlib
import re
import socket
import struct

import cases
import harness
import sgx_cases

WINDOW = 16


class Pattern:
    """A word, whose low 16 bits are 0, and its successors in memory."""

    def __init__(self, first, count):
        self.first = first
        self.count = count
        # All words end by these bytes, whatever their number.
        self.end = struct.pack("<Q", first)[2:]

    def found_in(self, data):
        """How often two words of it lie side by side in `data`."""
        found, at = 0, data.find(self.end)
        while at >= 0:
            number = struct.unpack_from("<H", data, at - 2)[0] if at >= 2 else self.count
            if number + 1 < self.count:
                wanted = struct.pack("<QQ", self.first + number, self.first + number + 1)
                found += data[at - 2:at - 2 + WINDOW] == wanted
            at = data.find(self.end, at + 1)
        return found


class Monitor:
    """QEMU's, by QMP."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(str(path))
        self.file = self.socket.makefile("rw")
        self.file.readline()
        self.execute("qmp_capabilities")

    def execute(self, command, **arguments):
        self.file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.file.flush()
        while True:
            answer = json.loads(self.file.readline())
            if "error" in answer:
                raise OSError(f"{command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    def human(self, line):
        return self.execute("human-monitor-command", **{"command-line": line})


def mappings_of(pid):
    """Start and end of what a process may read of its own memory."""
    for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
        place, rights = line.split()[:2]
        if rights.startswith("r") and not line.endswith(("[vvar]", "[vsyscall]")):
            start, end = (int(part, 16) for part in place.split("-"))
            yield start, end


def read_memory(pid, start, size):
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        memory.seek(start)
        try:
            return memory.read(size)
        except OSError:
            return b""


def resident_pieces(pid):
    """All memory of a process that is there, in pieces that the gaps between would not have."""
    page, most = 4096, 4096
    with open(f"/proc/{pid}/pagemap", "rb", buffering=0) as pagemap:
        for start, end in mappings_of(pid):
            for at in range(start, end, most * page):
                pages = min(most, (end - at) // page)
                pagemap.seek(at // page * 8)
                entries = pagemap.read(pages * 8)
                present = [entries[8 * i + 7] & 0xc0 for i in range(len(entries) // 8)]
                if any(present):
                    first = present.index(next(p for p in present if p))
                    yield read_memory(pid, at + first * page, (len(present) - first) * page)


class Isolation(sgx_cases.Sgx):
    """Nobody but the enclave reads its pages; the owner of the host alone can."""
    name = "sgx_isolation"
    script = "isolation"
    sections = (sgx_cases.Section("4M"),)
    memory = "256M"
    # The kernel does not use what is above; it has the queue of the disk there.
    kernel_memory = "192M"
    area = 200 << 20
    checks = ("plant", "host", "kernel_reads_ram", "kernel_reads_epc", "device_reads_epc",
              "secret_is_there", "push_out", "kernel_reads_evicted", "secret_is_back")

    @property
    def epc_size(self):
        return sgx_cases.size_of(self.sections[0].size)

    def variables(self):
        return {"epc_size": self.epc_size, "area": self.area}

    def add_programs(self, files):
        super().add_programs(files)
        files.add(self.options.guest / "guest-hunt", "bin/guest-hunt")

    def prepare(self, machine, files, folder):
        super().prepare(machine, files, folder)
        self.folder = folder
        self.disk = folder / "disk"
        self.disk.write_bytes(bytes(2 * self.epc_size))
        machine.append += f" mem={self.kernel_memory} iomem=relaxed"
        machine.devices += ["-qmp", f"unix:{folder}/qmp,server=on,wait=off",
                            "-serial", f"unix:{folder}/serial,server=on,wait=off",
                            *cases.drive(self.disk, ",disable-modern=on,disable-legacy=off")]
        self.searched = False

    def watch(self, run, line):
        mark = re.search(r"EXCLAVE-MARK: planted ([0-9a-f]+) ([0-9a-f]+) (\d+) (\d+)", line)
        if not mark or self.searched:
            return
        self.searched = True
        secret, control, count, control_count = mark.groups()
        self.secret = Pattern(int(secret, 16), int(count))
        self.control = Pattern(int(control, 16), int(control_count))
        try:
            self.search(run)
        except OSError as error:
            run.complain(f"the host's search failed: {error}")
        finally:
            with socket.socket(socket.AF_UNIX) as line_to_guest:
                line_to_guest.connect(str(self.folder / "serial"))
                line_to_guest.sendall(b"done\n")

    def search(self, run):
        monitor = Monitor(self.folder / "qmp")
        pid = harness.descendants(run.process.pid)[-1]
        self.search_by_monitor(run, monitor)
        self.search_dump(run, monitor)
        self.search_mapping(run, monitor, pid)
        self.search_process(run, pid)

    def expect_ones(self, run, what, data):
        if len(data) != self.epc_size or data.strip(b"\xff"):
            run.complain(f"{what}: {len(data)} bytes, not all ones")
        if self.secret.found_in(data):
            run.complain(f"{what}: there is the secret")

    def search_by_monitor(self, run, monitor):
        text = monitor.human(f"xp /{self.epc_size // 8}gx {self.base:#x}")
        words = re.findall(r"0x([0-9a-f]{16})", text)
        self.expect_ones(run, "xp", b"".join(struct.pack("<Q", int(word, 16)) for word in words))
        saved = self.folder / "epc"
        monitor.execute("pmemsave", val=self.base, size=self.epc_size, filename=str(saved))
        self.expect_ones(run, "pmemsave", saved.read_bytes())

    def search_dump(self, run, monitor):
        dump = self.folder / "dump"
        monitor.execute("dump-guest-memory", paging=False, protocol=f"file:{dump}")
        data = dump.read_bytes()
        dump.unlink()
        if self.secret.found_in(data):
            run.complain("dump-guest-memory: there is the secret")
        # Each page has one window less than words.
        if self.control.found_in(data) < self.control.count // 512 * 511:
            run.complain("dump-guest-memory: not even the control is there")

    def search_mapping(self, run, monitor, pid):
        text = monitor.human(f"gpa2hva {self.base:#x}")
        address = re.search(r"is (0x[0-9a-f]+)", text)
        if not address:
            run.complain(f"gpa2hva: {text.strip()}")
            return
        data = read_memory(pid, int(address.group(1), 16), self.epc_size)
        self.expect_ones(run, "mapping of the virtual EPC", data)

    def search_process(self, run, pid):
        """No confidentiality against the host's owner (docs/errata.md): here it is found."""
        found = sum(self.secret.found_in(data) for data in resident_pieces(pid))
        run.note(f"the secret {found} times in QEMU's memory")
        if found < self.secret.count // 512 * 511:
            run.complain(f"the secret is only {found} times in all memory of QEMU")

    def judge(self, run):
        if not self.searched:
            run.complain("the host never searched")
            return
        data = self.disk.read_bytes()
        self.expect_ones(run, "read by a device", data[:self.epc_size])
        if self.control.found_in(data) != 511:
            run.complain("the device did not read the control")
