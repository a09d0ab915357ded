#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes the seeds of the leaf fuzzer: short stories, each of which ends in a deep state.

usage: leaf_seeds.py [DIRECTORY]

DIRECTORY is tests/fuzz/corpus/leaf unless it is given. The seeds are in the
repository: run this again, and look at EXCLAVE_FUZZ_CHECKS=1, when the format of
the input changes (tests/fuzz/fuzz.h).
"""
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
WORLDS = ["empty", "debug", "avx512", "amx", "32bit"]
SPOIL = 0x80
ANY = 0x80  # an argument that names a page by its number
TAMPER = 0x90


def action_numbers():
    """The actions in the order of their numbers, from the list in fuzz.h."""
    table = re.search(r"#define ACTIONS\(X\)((?:.*\\\n)*.*)\n", (HERE / "fuzz.h").read_text())
    return {name: i for i, name in enumerate(re.findall(r"X\((\w+)\)", table.group(1)))}


ACTIONS = action_numbers()
EPC_PAGES = 24


def page(number):
    """The argument that names EPC page `number`, whatever is in it."""
    return ANY + (number - ANY) % EPC_PAGES


def spoilings():
    """Last two arguments that spoil each register in each way, then bits of the structures."""
    for register in range(3):
        for way in range(12):
            yield way + 20 * register, way << 3 | register << 1
    for offset in (0, 8, 9, 16, 24, 64, 65, 66, 72, 128, 136):
        for bit in (0, 3, 4):
            yield offset, bit << 1 | 1


def do(name, *args, cpu=0, spoil=False):
    action = ACTIONS[name] | cpu << 5 | (SPOIL if spoil else 0)
    return bytes([action, *args, *[0] * (5 - len(args))])


def story(world, *records, cpuid=0):
    return bytes([WORLDS.index(world), cpuid]) + b"".join(records)


INTERRUPT = do("event", 0, 0)
PAGE_FAULT = do("event", 0, 1, 0, 0x21)
KERNEL = 3


def build_own_enclave(debug):
    return [
        do("create", 0, 0, 1 if debug else 0),
        do("add", 0, 0, 0, 4 | 1 << 3),  # TCS, SSA at page 1
        do("add", 0, 0, 1, 3),
        do("add", 0, 0, 2, 3),
        do("add", 0, 0, 3, 7, 0x5a),
        do("extend", 0, 0, 3),
        do("init", 0, 0),
    ]


def accept_pending():
    return [do("augment", 0, 0, 24), do("accept", 0, 0)]


def seeds():
    transit = [do("augment", 0, 0, 24), do("augment", 0, 0, 25)]
    for world in WORLDS[1:]:
        yield f"enter-{world}", story(
            world, do("enter", 0), do("own_write", 0, 7, 15, 3), PAGE_FAULT, do("resume", 0),
            do("event", 0, 1, 1), do("enter", 0), INTERRUPT, do("resume", 0), do("leave"))
        yield f"evict-{world}", story(
            world, do("enter", 0), do("own_write", 0, 7, 15), INTERRUPT, do("evict", 0, 0, 1),
            do("page_in", 31, 0, 1), *[do("page_in", i, 0, 1) for i in range(20)],
            do("resume", 0), do("leave"))
        yield f"grow-{world}", story(
            world, do("enter", 0), *accept_pending(), *transit, do("accept_copy", 0, 3, 14),
            do("extend_rights", 20, 7), do("restrict_rights", 20, 1), do("track", 0, cpu=KERNEL),
            INTERRUPT, do("enter", 0), do("accept", 0, 0), do("leave"))
        yield f"shrink-{world}", story(
            world, do("enter", 0), INTERRUPT, do("change_type", 4, 0), do("track", 0),
            do("enter", 0), do("accept", 0, 0), do("leave"), do("remove", 4))
    yield "build-debug", story("empty", *build_own_enclave(True), do("enter", 0), INTERRUPT,
                               do("resume", 0), do("leave"), do("debug", 1, 1, 40, 3),
                               do("debug", 0, 1, 40))
    yield "build-production", story("empty", *build_own_enclave(False), do("enter", 0),
                                    do("own_write", 0, 0, 15), INTERRUPT, do("debug", 0, 2, 1))
    yield "notify", story(
        "debug", do("enter", 0), *[do("own_write", 0x40, 0, frame) for frame in (4, 5, 6)],
        INTERRUPT, do("resume", 0), do("drop_frame"), INTERRUPT, do("resume", 0), INTERRUPT,
        do("resume", 0), INTERRUPT, do("resume", 0), INTERRUPT, do("resume", 0), do("enter", 0))
    # Another thread writes to the frame that waits to be resumed.
    for name, where in (("header", range(0, 48, 2)), ("mxcsr", (1,))):
        yield f"frame-{name}", story(
            "debug", do("enter", 0), INTERRUPT, do("enter", 1),
            *[r for at in where for r in (do("own_write", 0x80, 0xff, 4, at),
                                          do("resume", 0, cpu=1))])
    yield "frame-registers", story(
        "debug", do("enter", 0), INTERRUPT, do("enter", 1),
        *[r for at in (143, 175, 183) for r in (do("own_write", 0x60, 0xff, 4, at),
                                                do("resume", 0, cpu=1))])
    yield "two-threads", story(
        "debug", do("enter", 0, cpu=0), do("enter", 1, cpu=1), do("block", 3, cpu=KERNEL),
        do("track", 0, cpu=KERNEL), do("track", 0, cpu=KERNEL), do("page_out", 0, cpu=KERNEL),
        do("event", 0, 0, cpu=0), do("resume", 0, cpu=0), do("page_out", 0, cpu=KERNEL),
        do("event", 0, 0, cpu=1), do("page_out", 0, cpu=KERNEL))
    for name, *odd in (("", ), ("-reserved", do("own_write", 0xc0, 1, 18, 90)),
                       ("-flags", do("own_write", 0xc0, 4, 18, 8)),
                       ("-cssa", do("own_write", 0xc0, 2, 18, 24)),
                       ("-aep", do("own_write", 0xc0, 1, 18, 40)),
                       ("-state", do("own_write", 0xc0, 1, 18, 0))):
        yield f"new-thread{name}", story(
            "avx512", do("enter", 0), *accept_pending(), do("own_write", 0xa0, 2, 18, 2), *odd,
            INTERRUPT, do("change_type", page(18), 2, cpu=KERNEL), do("track", 0, cpu=KERNEL),
            do("enter", 0), do("accept", 0, 0), do("leave"), do("enter", 3))
    for odd in range(6, 16):
        yield f"odd-tcs-{odd}", story(
            "empty", do("create", 0, 0), do("add", 0, 0, 0, 4 | 1 << 3, odd), do("add", 0, 0, 1, 3),
            do("init", 0, 0), do("enter", 0))
    yield "32bit-own", story(
        "32bit", do("create", 0, 1, 2), do("add", 0, 0, 40, 4 | 1 << 3, 13),
        do("add", 0, 0, 41, 4 | 1 << 3), do("add", 0, 0, 33, 3), do("init", 0, 0), do("enter", 3),
        do("leave"), do("mode", 3, 0), do("enter", 3), do("mode", 3 + 20, 0), do("enter", 3))
    yield "unreadable", story(
        "empty", *build_own_enclave(True)[:4], do("add", 0, 0, 5, 0), *build_own_enclave(True)[4:],
        do("enter", 0), do("extend_rights", 3, 2), do("extend_rights", 3, 1))
    # The enclave's pages at addresses that are not theirs.
    yield "elsewhere", story(
        "debug", do("enter", 0), do("augment", 0, 0, 24), do("guest", 0, 25, 18),
        do("accept_copy", 0, 3, 10, 25, 2 << 3 | 1 << 1, spoil=True),
        do("accept", 0, 0, 0, 25, 2 << 3 | 1 << 1, spoil=True), do("guest", 0, 25, 10),
        do("extend_rights", 0, 3, 0, 25, 2 << 3 | 1 << 1, spoil=True))
    for leaf in ("create", "add", "augment", "extend", "page_out", "page_in", "evict",
                 "restrict_rights", "change_type", "debug", "enter", "resume", "accept",
                 "extend_rights", "accept_copy", "report", "get_key", "init"):
        yield f"spoiled-{leaf.replace('_', '-')}", story(
            "empty" if leaf in ("create", "add", "extend", "init") else "debug",
            do("create", 0, 0, 1), do("version_array", 0), do("enter", 0), INTERRUPT,
            do("evict", 3), do("augment", 0, 0, 24), do("enter", 1),
            *[do(leaf, 0, 0, 1, *how, spoil=True) for how in spoilings()])
    yield "keys", story("debug", do("enter", 0), *[do("get_key", 0, n, 1, 0, 5) for n in range(6)],
                        do("get_key", 0, 0x84, 0x3c, 0, 7),
                        do("get_key", 0, 0xf0, 3), do("get_key", 0, 0xf1, 3), do("get_key", 0, 0xe2),
                        do("get_key", 0, 0xe0), do("get_key", 0, 0, 0, 0, 0xc4), do("report", 0, 3))
    yield "tampered", story(
        "debug", do("evict", 3), *[do("page_in", 0, 0, TAMPER + i, 3) for i in range(7)],
        do("page_in", 0, 0, 0), do("evict", 3), do("page_in", 0, 0, TAMPER + 7))
    yield "version-arrays", story(
        "debug", do("version_array", 0), do("evict", 4), do("page_out", 40), do("page_in", 1, 0, 1),
        do("page_in", 0, 0, 1), do("debug", 4, 0, 5))
    yield "token", story("empty", *build_own_enclave(True)[:-1], do("init", 0, 0, 3, 70),
                         do("init", 0, 0, 5, 0), do("init", 0, 0, 9), do("init", 0, 1, 1),
                         *[do("init", 0, 0, 3, at) for at in (1, 8, 48, 56, 64, 100, 130, 170)],
                         *[do("init", 0, 0, 5, at) for at in (0, 20, 24, 48)], do("init", 0, 0, 1))
    yield "signatures", story(
        "empty", *build_own_enclave(True)[:-1], *[do("init", 0, n) for n in (1, 2, 3, 4)],
        *[do("init", 0, 0, 0, at, 0, spoil=True) for at in
          (0, 2, 3, 6, 64, 70, 112, 113, 114, 116, 118, 120, 124, 126, 129)],
        do("init", 0, 0, 0, 113, 5, spoil=True), do("init", 0, 0))
    yield "sgx1-only", story("debug", do("augment", 0, 0, 24), do("enter", 0), INTERRUPT,
                             do("restrict_rights", 3, 1), do("enter", 9, cpu=1),
                             do("remove", ANY + 40), cpuid=1)
    yield "host-fails", story(
        "debug", do("host", 0, 2), do("augment", 0, 0, 24), do("block", 3), do("track", 0),
        do("host", 0, 3), do("page_out", 0), do("page_out", 0))
    yield "odd-modes", story("32bit", *[r for m in range(20) for r in
                                        (do("mode", 0x80 + m, 0x23), do("enter", 0))])
    yield "odd-modes-kernel", story("32bit", *[r for m in range(20) for r in
                                               (do("mode", 0x80 + m, 0x10), do("block", 3),
                                                do("mode", 0x80 + m, 5), do("debug", 1, 1, 4))])
    for leaf in ("enter", "resume", "augment", "page_in", "accept", "accept_copy", "evict", "add"):
        yield f"ambush-{leaf.replace('_', '-')}", story(
            "debug", do("enter", 0), INTERRUPT, do("augment", 0, 0, 24), do("evict", 6, 0, 0),
            do("enter", 1, cpu=1), do("ambush", 1), do(leaf, 0, 0, 1),
            do("remove", 5, cpu=KERNEL), do("ambush", 3), do(leaf, 0, 0, 1),
            do("evict", 3, cpu=KERNEL))
    yield "odd-secs", story("empty", *[do("create", 0, 0, 3, 0xc0 + odd, 0x77) for odd in range(24)],
                            *[do("create", 0, 0, n) for n in range(0, 256, 8)])
    # The second enclave's secrets, and what becomes of the page that held them.
    for name, *then in (("augment", do("augment", 0, 0, 24)),
                        ("evict", do("evict", page(17)), do("page_in", 0, 0, 1)),
                        ("version-array", do("version_array", 0))):
        yield f"secrets-{name}", story(
            "debug", do("enter", 2), do("own_write", 0, 0, 17), INTERRUPT, do("debug", 0, page(17), 96),
            do("remove", page(17)), *then, do("resume", 2), do("leave"))
    yield "watched", story(
        "debug", *[do("host", 1, i) for i in range(16)], do("enter", 0), INTERRUPT,
        do("evict", 5), do("page_in", 0, 0, 1), do("change_type", 3, 0), do("debug", 1, 6, 2))


def main():
    directory = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else HERE / "corpus" / "leaf")
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in seeds():
        (directory / name).write_bytes(content)


if __name__ == "__main__":
    main()
