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
        do("create", 0, 1 if debug else 0),
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
        "debug", do("enter", 0), do("own_write", 0x40, 0, 3), INTERRUPT, do("resume", 0),
        do("drop_frame"), INTERRUPT, do("resume", 0), INTERRUPT, do("enter", 0), INTERRUPT,
        do("enter", 0), do("resume", 0))
    yield "two-threads", story(
        "debug", do("enter", 0, cpu=0), do("enter", 1, cpu=1), do("block", 3, cpu=KERNEL),
        do("track", 0, cpu=KERNEL), do("track", 0, cpu=KERNEL), do("page_out", 0, cpu=KERNEL),
        do("event", 0, 0, cpu=0), do("resume", 0, cpu=0), do("page_out", 0, cpu=KERNEL),
        do("event", 0, 0, cpu=1), do("page_out", 0, cpu=KERNEL))
    yield "new-thread", story(
        "avx512", do("enter", 0), *accept_pending(), do("own_write", 0xa0, 0, 18, 2),
        do("change_type", 14, 2, cpu=KERNEL), do("track", 0, cpu=KERNEL), INTERRUPT,
        do("enter", 0), do("accept", 0, 0), do("enter", 2, cpu=1))
    yield "keys", story("debug", do("enter", 0), *[do("get_key", 0, n, 1, 0, 5) for n in range(6)],
                        do("get_key", 0, 0x84, 0x3c, 0, 7), do("report", 0, 3))
    yield "tampered", story(
        "debug", do("evict", 3), *[do("page_in", 0, 0, TAMPER + i, 3) for i in range(8)],
        do("page_in", 0, 0, 0), do("evict", 3), do("page_in", 0, 0, 1))
    yield "version-arrays", story(
        "debug", do("version_array", 0), do("evict", 4), do("page_out", 40), do("page_in", 1, 0, 1),
        do("page_in", 0, 0, 1), do("debug", 4, 0, 5))
    yield "token", story("empty", *build_own_enclave(True)[:-1], do("init", 0, 0, 3, 70),
                         do("init", 0, 0, 5, 0), do("init", 0, 0, 9), do("init", 0, 1, 1),
                         do("init", 0, 0, 1))
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
