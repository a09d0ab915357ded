#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares the model with independent programs: VECTORS_CROSS [SEED].

 - MRENCLAVE of random enclaves with mrenclave.py
 - EINIT of a SIGSTRUCT made by the openssl command line
 - AES-CMAC of random messages with `openssl mac`
"""
import os
import random
import subprocess
import sys
import tempfile

import mrenclave
import sign_with_openssl

MAX_PAGES = 40


def model(*args, **kwargs):
    return subprocess.run((sys.argv[1], ) + args, check=True, stdout=subprocess.PIPE,
                          **kwargs).stdout.decode().strip()


def random_page(rng, offset):
    chunks = rng.choice((0, 0xffff, rng.randrange(0x10000)))
    if rng.randrange(4) == 0:
        flags = rng.choice((0, 1, 2, 3))
        return f'tcs {offset:x} {chunks:x} {flags:x} 1000 {rng.randrange(9):x} 2000'
    pattern = rng.randbytes(rng.randint(1, 64)).hex()
    return f'page {offset:x} {rng.choice((0, 1, 3, 4, 5, 7)):x} {chunks:x} {pattern}'


def random_enclave(rng):
    size = 1 << rng.randint(13, 36)
    pages = range(size // mrenclave.PAGE)
    count = rng.randint(0, min(len(pages), MAX_PAGES))
    # AEXNOTIFY is there, so that TCS.FLAGS may have it.
    lines = [f'enclave {size:x} {rng.randint(1, 4):x} {0x404 | rng.choice((0, 2)):x} 3 1']
    lines += [random_page(rng, page * mrenclave.PAGE) for page in rng.sample(pages, count)]
    return '\n'.join(lines) + '\n'


def compare(what, ours, theirs):
    if ours != theirs:
        sys.exit(f'{what}: the model says {ours}, the other {theirs}')


def check_measurements(rng, folder):
    path = os.path.join(folder, 'enclave')
    for _ in range(30):
        text = random_enclave(rng)
        with open(path, 'w', encoding='ascii') as out:
            out.write(text)
        compare(f'MRENCLAVE of\n{text}', model('measure', path), mrenclave.measure(text).hex())


def check_signature(rng, folder):
    description, key, path = (os.path.join(folder, name) for name in ('enclave', 'key', 'sig'))
    text = random_enclave(rng)
    sign_with_openssl.make_key(key)
    good = sign_with_openssl.sigstruct(text, key)
    bad = bytearray(good)
    bad[20] ^= 1
    with open(description, 'w', encoding='ascii') as out:
        out.write(text)
    for sigstruct, code in ((good, '0'), (bad, '8')):
        with open(path, 'wb') as out:
            out.write(sigstruct)
        compare('EINIT', model('einit', description, path), code)


def check_cmac(rng):
    for length in (0, 1, 15, 16, 17, 192, 384, 642, rng.randrange(4096)):
        key, message = rng.randbytes(16).hex(), rng.randbytes(length)
        theirs = sign_with_openssl.openssl('mac', '-cipher', 'AES-128-CBC', '-macopt',
                                           'hexkey:' + key, 'CMAC', input=message)
        compare(f'CMAC of {length} bytes', model('cmac', key, input=message),
                theirs.decode().strip().lower())


if __name__ == '__main__':
    seed = sys.argv[2] if len(sys.argv) > 2 else str(random.randrange(1 << 32))
    print('seed', seed)
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        check_measurements(rng, folder)
        check_signature(rng, folder)
    check_cmac(rng)
