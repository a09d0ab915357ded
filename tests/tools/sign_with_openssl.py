#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Signs an enclave described as in mrenclave.py: DESCRIPTION KEY.pem SIGSTRUCT.

The key is made by `openssl genrsa -3 3072` when there is none, the signature by
`openssl dgst`; Q1 and Q2 are Python's big integers.
"""
import os
import struct
import subprocess
import sys

import mrenclave

SIZE = 384


def openssl(*args, **kwargs):
    return subprocess.run(('openssl', ) + args, check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, **kwargs).stdout


def make_key(path):
    if not os.path.exists(path):
        openssl('genrsa', '-3', '-out', path, '3072')


def modulus_of(path):
    text = openssl('rsa', '-in', path, '-noout', '-modulus').decode()
    return int(text.split('=')[1], 16)


def sigstruct(text, key, isv_prod_id=1, isv_svn=1):
    _, _, attributes, xfrm, miscselect = mrenclave.enclave_fields(mrenclave.parse(text))
    ones = 0xffffffffffffffff
    head = struct.pack('<16sII16sI84x', bytes.fromhex('06000000e10000000000010000000000'), 0,
                       0x20240101, bytes.fromhex('01010000600000006000000001000000'), 0)
    body = struct.pack('<II20xQQQQ32s32xHH', miscselect, 0xffffffff, attributes, xfrm, ones, ones,
                       mrenclave.measure(text), isv_prod_id, isv_svn)
    assert len(head) == 128 and len(body) == 128
    s = int.from_bytes(openssl('dgst', '-sha256', '-sign', key, input=head + body), 'big')
    m = modulus_of(key)
    q1, r1 = divmod(s * s, m)
    q2 = s * r1 // m
    m, s, q1, q2 = (n.to_bytes(SIZE, 'little') for n in (m, s, q1, q2))
    return head + m + struct.pack('<I', 3) + s + body + bytes(12) + q1 + q2


if __name__ == '__main__':
    with open(sys.argv[1], encoding='ascii') as description:
        make_key(sys.argv[2])
        result = sigstruct(description.read(), sys.argv[2])
    with open(sys.argv[3], 'wb') as out:
        out.write(result)
