#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""MRENCLAVE of an enclave described in a text file, with nothing but hashlib.

Each line is one of (numbers in hexadecimal; '#' starts a comment):

  enclave SIZE SSAFRAMESIZE ATTRIBUTES XFRM MISCSELECT
  page OFFSET RIGHTS CHUNKS PATTERN
  tcs OFFSET CHUNKS FLAGS OSSA NSSA OENTRY

RIGHTS are the low three bits of SECINFO.FLAGS. Bit n of CHUNKS tells that the
n-th 256 bytes are measured. PATTERN is bytes repeated over the page.
"""
import hashlib
import struct
import sys

PAGE = 4096
CHUNK = 256
PT_TCS, PT_REG = 1, 2
TCS_DBGOPTIN = 1


def parse(text):
    lines = [line.split('#')[0].split() for line in text.splitlines()]
    return [line for line in lines if line]


def enclave_fields(lines):
    """SIZE, SSAFRAMESIZE, ATTRIBUTES, XFRM, MISCSELECT."""
    first = lines[0]
    assert first[0] == 'enclave'
    return [int(word, 16) for word in first[1:]]


def tcs_page(flags, ossa, nssa, oentry):
    """What EADD makes of it: DBGOPTIN is cleared before anything is measured."""
    page = struct.pack('<QQQIIQQQQII', 0, flags & ~TCS_DBGOPTIN, ossa, 0, nssa, oentry, 0, 0, 0,
                       0xffffffff, 0xffffffff)
    return page.ljust(PAGE, b'\0')


def page_of(words):
    """Offset, SECINFO.FLAGS, chunk mask and contents of a line."""
    if words[0] == 'page':
        offset, rights, chunks = (int(word, 16) for word in words[1:4])
        pattern = bytes.fromhex(words[4])
        contents = (pattern * (PAGE // len(pattern) + 1))[:PAGE]
        return offset, PT_REG << 8 | rights, chunks, contents
    assert words[0] == 'tcs'
    offset, chunks, flags, ossa, nssa, oentry = (int(word, 16) for word in words[1:])
    return offset, PT_TCS << 8, chunks, tcs_page(flags, ossa, nssa, oentry)


def measure(text):
    lines = parse(text)
    size, ssa_frame_size = enclave_fields(lines)[:2]
    sha = hashlib.sha256(struct.pack('<8sIQ44x', b'ECREATE', ssa_frame_size, size))
    for words in lines[1:]:
        offset, flags, chunks, contents = page_of(words)
        sha.update(struct.pack('<8sQQ40x', b'EADD', offset, flags))
        for at in range(0, PAGE, CHUNK):
            if chunks >> at // CHUNK & 1:
                sha.update(struct.pack('<8sQ48x', b'EEXTEND', offset + at))
                sha.update(contents[at:at + CHUNK])
    return sha.digest()


if __name__ == '__main__':
    with open(sys.argv[1], encoding='ascii') as description:
        print(measure(description.read()).hex())
