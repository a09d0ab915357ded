#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's own SGX tests, tools/testing/selftests/sgx of Debian's linux-source, built for a guest.

usage: selftests.py     prints the folder of test_sgx and test_encl.elf

Nothing of them is changed. test_sgx is linked statically, so that a guest needs no libraries.
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile

import packages
import progress

PACKAGE = "linux-source-6.1"
TARBALL = f"./usr/src/{PACKAGE}.tar.xz"
SGX = "tools/testing/selftests/sgx"
MEMBERS = [SGX, "tools/testing/selftests/kselftest.h", "tools/testing/selftests/kselftest_harness.h",
           "tools/include", "arch/x86/include/asm/sgx.h", "arch/x86/include/asm/enclu.h",
           "arch/x86/include/uapi/asm/sgx.h"]
INCLUDES = ["-I../../../include"]
# As in their Makefile, but for -static.
HOST_FLAGS = ["-Wall", "-g", "-fPIC", "-static", "-z", "noexecstack", *INCLUDES]
ENCLAVE_FLAGS = ["-Wall", "-Werror", "-static", "-nostdlib", "-nostartfiles", "-fPIC",
                 "-fno-stack-protector", "-mrdrnd", *INCLUDES]
CASES = 16


def unpack_source(folder):
    """A few files of the kernel's source; all of it is more than a gigabyte."""
    with tempfile.TemporaryDirectory(dir=packages.CACHE) as download:
        file = packages.fetch(PACKAGE, pathlib.Path(download))
        packages.tell("taking the SGX tests out of it")
        stages = [["dpkg-deb", "--fsys-tarfile", str(file)], ["tar", "-xO", TARBALL],
                  ["tar", "-xJ", "-C", str(folder), "--strip-components=1",
                   *(f"{PACKAGE}/{member}" for member in MEMBERS)]]
        running, source = [], None
        for stage in stages:
            running.append(subprocess.Popen(stage, stdin=source, stdout=subprocess.PIPE))
            if source:
                source.close()
            source = running[-1].stdout
        try:
            with progress.Waiting("unpacking"):
                running[-1].communicate()
        except BaseException:
            for process in running:
                process.kill()
                process.wait()
            raise
        # The ones before it may end by a closed pipe.
        if [process.wait() for process in running][-1] != 0:
            raise packages.PackageError(f"{PACKAGE} does not hold {', '.join(MEMBERS)}")


def run_compiler(folder, *arguments):
    result = subprocess.run(["gcc", *arguments], cwd=folder, capture_output=True, text=True)
    if result.returncode != 0:
        raise packages.PackageError(f"the kernel's SGX tests do not compile (packages gcc, "
                                    f"libssl-dev):\n{result.stderr[-2000:]}")


def compile_tests(source):
    sgx = source / SGX
    packages.tell("compiling the kernel's SGX tests")
    run_compiler(sgx, *HOST_FLAGS, "-o", str(source / "test_sgx"), "main.c", "load.c",
                 "sigstruct.c", "call.S", "sign_key.S", "-lcrypto")
    run_compiler(sgx, *ENCLAVE_FLAGS, "-T", "test_encl.lds", "test_encl.c",
                 "test_encl_bootstrap.S", "-o", str(source / "test_encl.elf"),
                 "-Wl,--build-id=none")


def build(refresh=False):
    """Return: the folder of both programs, made once."""
    destination = packages.CACHE / "selftests-sgx"
    with packages.locked("selftests-sgx"):
        if refresh or not destination.is_dir():
            partial = destination.with_name("selftests-sgx.partial")
            for folder in (partial, destination):
                shutil.rmtree(folder, ignore_errors=True)
            partial.mkdir(parents=True)
            unpack_source(partial)
            compile_tests(partial)
            partial.rename(destination)
    return destination


def main():
    try:
        print(build("--refresh" in sys.argv[1:]))
    except packages.PackageError as error:
        sys.exit(f"selftests: {error}")


if __name__ == "__main__":
    main()
