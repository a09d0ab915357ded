#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The options of exclave(1): each on the command line, in the environment and in a file, which of
these counts, and that help, manual page and completion have them all.

usage: settings_test.py EXCLAVE LIBRARY MANUAL COMPLETION
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from exclave_test import House, expect, expect_refused

# Of each option a variable, what will do and what will not.
OPTIONS = {
    "engine": ("EXCLAVE_ENGINE", ("auto", "soft"), ("hard", "soft,auto")),
    "epc-pool": ("EXCLAVE_EPC", ("64M", "0:64M,1:1G"), ("64Q", "0", "0:64M,0:1G")),
    "launch-control": ("EXCLAVE_LAUNCH_CONTROL", ("flexible", "locked"), ("open",)),
    "sgx-driver": ("EXCLAVE_SGX_DRIVER", ("on", "off"), ("1",)),
    "cpuid-faulting": ("EXCLAVE_CPUID_FAULTING", ("on", "off"), ("yes",)),
    "identity": ("EXCLAVE_IDENTITY", ("/a/b",), ("x" * 5000,)),
    "provision": ("EXCLAVE_PROVISION", ("none", "/a/b"), ("x" * 5000,)),
    "cpu-features": ("EXCLAVE_CPU_FEATURES", ("-avx2,-sha_ni",), ("avx2", "-avx9")),
    "code-cache": ("EXCLAVE_CODE_CACHE", ("1M", "128M"), ("1K", "2G", "many")),
    "log": ("EXCLAVE_LOG", ("0", "1"), ("2", "loud")),
}
HELP_OPTION = re.compile(r"--([a-z][a-z-]+)")


def show(house, variable, *options, **environment):
    """What a command started with the options finds in its environment."""
    return house.run("run", *options, "--", "sh", "-c", f"printf %s \"${variable}\"", **environment)


def check_table(house):
    """The rows above are the rows of the program."""
    text = house.run("run", "--help").stdout
    rows = set(HELP_OPTION.findall(text)) - {"help", "verbose"}
    expect(rows == set(OPTIONS), f"options {rows}", house.run("run", "--help"))


def check_option(house, name, variable, good, bad):
    config = house.root / "config"
    for value in good:
        result = show(house, variable, f"--{name}={value}")
        expect(result.stdout == value, f"--{name}={value}", result)
        result = show(house, variable, f"--{name}", value)
        expect(result.stdout == value, f"--{name} {value}", result)
        result = show(house, variable, **{variable: value})
        expect(result.stdout == value, f"{variable}={value}", result)
        config.write_text(f"# of a test\n\n  {name} =  {value}  \n")
        result = show(house, variable, EXCLAVE_CONFIG=str(config))
        expect(result.stdout == value, f"{name} = {value}", result)
    for value in bad:
        expect_refused(house, 125, [f"--{name}={value[:20]}"], "run", f"--{name}={value}", "--",
                       "true")
        result = house.run("run", "--", "true", **{variable: value})
        expect(result.returncode == 125 and variable in result.stderr, f"{variable}=", result)
        config.write_text(f"\n{name}={value}\n")
        result = house.run("run", "--", "true", EXCLAVE_CONFIG=str(config))
        expect(result.returncode == 125 and f"{config}:2: " in result.stderr, "file", result)


def check_precedence(house):
    """Command line, environment, the user's file; what is nowhere stays unset."""
    home = house.root / "home"
    (home / "exclave").mkdir(parents=True)
    (home / "exclave" / "config").write_text("code-cache = 2M\n")
    where = {"EXCLAVE_CONFIG": "", "XDG_CONFIG_HOME": str(home)}
    variable = "EXCLAVE_CODE_CACHE"
    result = show(house, variable, **where)
    expect(result.stdout == "2M", "the user's file", result)
    result = show(house, variable, **where, EXCLAVE_CODE_CACHE="3M")
    expect(result.stdout == "3M", "environment before file", result)
    result = show(house, variable, "--code-cache=4M", **where, EXCLAVE_CODE_CACHE="3M")
    expect(result.stdout == "4M", "command line first", result)
    result = show(house, "EXCLAVE_EPC", **where)
    expect(result.stdout == "", "what nobody has set", result)


def check_files(house):
    config = house.root / "config"
    for text, words in (("nonesuch = 1\n", ["config:1: nonesuch", "no option"]),
                        ("log\n", ["config:1: log", "NAME = VALUE"])):
        config.write_text(text)
        result = house.run("run", "--", "true", EXCLAVE_CONFIG=str(config))
        expect(result.returncode == 125 and all(word in result.stderr for word in words), text,
               result)
    result = house.run("run", "--", "true", EXCLAVE_CONFIG="/nonexistent")
    expect(result.returncode == 125 and "/nonexistent" in result.stderr, "no file", result)


def check_engine(house):
    """No machine that builds this has both devices, unless it can run guests with them."""
    if os.access("/dev/kvm", os.R_OK | os.W_OK) and os.access("/dev/sgx_vepc", os.R_OK | os.W_OK):
        return
    expect_refused(house, 125, ["--engine=hardware: ", "/dev/", "--engine=soft"], "run",
                   "--engine=hardware", "--", "true")
    result = house.run("run", "-v", "--engine=soft", "--", "true")
    expect("in software: --engine=soft" in result.stderr, "why software", result)
    result = house.run("run", "-v", "--", "true")
    expect("in software: " in result.stderr and "/dev/" in result.stderr, "why", result)


def words_of_help(house):
    commands = re.findall(r"^  ([a-z]+) ", house.run("--help").stdout, re.M)
    expect("run" in commands, "commands", house.run("--help"))
    return commands, {word for command in commands
                      for word in HELP_OPTION.findall(house.run(command, "--help").stdout)}


def check_manual(house, manual):
    commands, options = words_of_help(house)
    text = manual.read_text().replace("\\-", "-")
    for word in [f"exclave {name}" for name in commands] + [f"--{name}" for name in options]:
        if word not in text:
            sys.exit(f"exclave: the manual page lacks {word}")
    if not shutil.which("groff"):
        return
    result = subprocess.run(["groff", "-man", "-ww", "-Tascii", "-z", manual], capture_output=True,
                            text=True)
    expect(result.returncode == 0 and not result.stderr, "groff complains", result)


def complete(completion, *words):
    """What bash offers for the last word."""
    script = ('source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _exclave; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    result = subprocess.run(["bash", "-c", script, completion, *words], capture_output=True,
                            text=True)
    expect(result.returncode == 0 and not result.stderr, f"completion of {words}", result)
    return set(result.stdout.split())


def check_completion(house, completion):
    commands, _ = words_of_help(house)
    for words, offered in (
            (("",), {*commands, "--help", "--version"}),
            (("run", "--eng"), {"--engine="}),
            (("run", "--engine", "=", "s"), {"soft"}),
            (("run", "--engine", "="), {"auto", "soft", "hardware"}),
            (("run", "--launch-control", "l"), {"locked"}),
            (("run", "--identity", "=", "/etc/passw"), {"/etc/passwd"}),
            (("run", "--", "tru", "/etc/passw"), {"/etc/passwd"})):
        found = complete(completion, "exclave", *words)
        if not offered <= found:
            sys.exit(f"exclave: completion of {words} is {found}")
    for command in commands:
        found = complete(completion, "exclave", command, "--")
        wanted = HELP_OPTION.findall(house.run(command, "--help").stdout.partition("\nOptions:")[2])
        for name in set(wanted):
            if not {f"--{name}", f"--{name}="} & found:
                sys.exit(f"exclave: completion of {command} lacks --{name}")


def main():
    exclave, library, manual, completion = sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        house = House(pathlib.Path(name).resolve() / "installed", exclave, library)
        check_table(house)
        for option, (variable, good, bad) in OPTIONS.items():
            check_option(house, option, variable, good, bad)
        check_precedence(house)
        check_files(house)
        check_engine(house)
        check_manual(house, pathlib.Path(manual))
        check_completion(house, completion)


if __name__ == "__main__":
    main()
