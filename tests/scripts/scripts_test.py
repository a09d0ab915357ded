#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The checks must fail on what they are for, and the runner must count what went wrong.

Each case plants one mistake in a small tree of its own. Prints TAP.
"""
import importlib.machinery
import importlib.util
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import traceback

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SCRIPTS = ROOT / "scripts"
SPDX = "// SPDX-License-Identifier: GPL-2.0-or-later\n"


def load(script):
    # It has no suffix by which Python would know it, and shall leave no cache behind.
    sys.dont_write_bytecode = True
    name = script.replace("-", "_")
    loader = importlib.machinery.SourceFileLoader(name, str(SCRIPTS / script))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


runner = load("run-tests")
check_live = load("check-live")


def write(root, name, text):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def script(name, *args, **more):
    done = subprocess.run([SCRIPTS / name, *args], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, **more)
    return done.returncode, done.stdout


def expect_pass(name, *args, **more):
    status, output = script(name, *args, **more)
    assert status == 0, f"{name} failed: {output}"
    assert not output.strip(), f"{name} passed with words: {output}"


def expect_refusal(text, name, *args, **more):
    status, output = script(name, *args, **more)
    assert status != 0, f"{name} passed"
    assert text in output, f"{name} does not say \"{text}\": {output}"


# Includes

def legal_tree(root):
    write(root, "src/lib/bits.h", "#include <stdint.h>\n")
    write(root, "src/sgx/sgx.c", '#include "lib/bits.h"\n#include "sgx/sgx.h"\n#include <time.h>\n')
    write(root, "src/kvm/vm.c", '#include "host/identity.h"\n#include <sys/ioctl.h>\n')


def includes_downward_pass(root):
    legal_tree(root)
    expect_pass("check-includes", root)


def includes_upward_fail(root):
    legal_tree(root)
    write(root, "src/sgx/bad.c", '\n#  include "kvm/vm.h"\n')
    expect_refusal('bad.c:2: sgx/ may not include "kvm/vm.h"', "check-includes", root)


def includes_sideways_fail(root):
    legal_tree(root)
    write(root, "src/irqchip/lapic.c", '#include "mmu/walk.h"\n')
    expect_refusal("irqchip/ may not include", "check-includes", root)


def includes_of_lib_know_nothing(root):
    legal_tree(root)
    write(root, "src/lib/bad.h", '#include "sgx/arch.h"\n')
    expect_refusal("lib/ may not include", "check-includes", root)


def includes_by_relative_path_fail(root):
    legal_tree(root)
    write(root, "src/sgx/encls/bad.c", '#include "../../kvm/vm.h"\n')
    expect_refusal("by their path below src/", "check-includes", root)
    write(root, "src/sgx/encls/bad.c", '#include "leaf.h"\n')
    expect_refusal("by their path below src/", "check-includes", root)


def includes_of_host_in_sgx_fail(root):
    legal_tree(root)
    for header in ("sys/ioctl.h", "sys/mman.h", "fcntl.h", "linux/kvm.h", "openssl/evp.h"):
        write(root, "src/sgx/bad.h", f"#include <{header}>\n")
        expect_refusal(f"sgx/ may not use <{header}>", "check-includes", root)


def includes_unknown_folder_fail(root):
    legal_tree(root)
    write(root, "src/misc/utils.c", "")
    expect_refusal("not in the table of layers", "check-includes", root)


def includes_empty_tree_fail(root):
    expect_refusal("no source files", "check-includes", root)


# Locks

LOCK_H = '#define LOCK_RANKS(X) \\\n\tX(LOCK_A, "a (b)") \\\n\tX(LOCK_B, "b")\n\nX(LOCK_NOT)\n'


def locks_same_order_pass(root):
    write(root, "src/lib/lock.h", LOCK_H)
    write(root, "docs/locking.md", "# Locks\n### `LOCK_A`\nLOCK_B\n### LOCK_B\n")
    expect_pass("check-locks", root)


def locks_other_order_fail(root):
    write(root, "src/lib/lock.h", LOCK_H)
    write(root, "docs/locking.md", "### LOCK_B\n### LOCK_A\n")
    expect_refusal("differ", "check-locks", root)


def locks_missing_or_surplus_fail(root):
    write(root, "src/lib/lock.h", LOCK_H)
    write(root, "docs/locking.md", "### LOCK_A\nLOCK_B is named in passing\n")
    expect_refusal("differ", "check-locks", root)
    write(root, "docs/locking.md", "### LOCK_A\n### LOCK_B\n### LOCK_C\n")
    expect_refusal("differ", "check-locks", root)


# Errata

def erratum(*parts):
    return "# E\n## S\n### Title\n\n" + "".join(f"- *{p}:* x\n" for p in parts)


ALL_PARTS = ["On hardware", "Here", "Why", "Workaround"]


def errata_complete_pass(root):
    write(root, "docs/errata.md", erratum(*ALL_PARTS) + "- *Test:* `a_test: does_x`, `*_shared_y`\n")
    write(root, "tests/a_test.c", "does_x eenter_shared_y")
    expect_pass("check-errata", root)


def errata_unknown_test_fail(root):
    write(root, "docs/errata.md", erratum(*ALL_PARTS) + "- *Test:* `a_test: does_z`\n")
    write(root, "tests/a_test.c", "does_x")
    expect_refusal("names the test does_z", "check-errata", root)


def errata_part_missing_fail(root):
    write(root, "docs/errata.md", erratum("On hardware", "Here", "Why") + "- *Test:* none\n")
    expect_refusal("instead of", "check-errata", root)


# Isolation

def isolation(root, cell, prose=""):
    """One row that is named, and one with @cell."""
    write(root, "tests/attack/a.c", "\tATTACK(reads_x),\n\tATTACK(writes_y),\n/* reads_z */\n")
    write(root, "tests/vm/b.py", 'class B:\n    name = "guest_looks"\n    checks = ("looks_at_x",)\n')
    write(root, "docs/isolation.md", "# I\n| Who | Case |\n|---|---|\n| a | `reads_x`, `writes_y` |\n"
          f"| b | {cell} |\n\n{prose}\n\n| Other | Table |\n|---|---|\n| no | `case` |\n")


def isolation_complete_pass(root):
    for cell in ("the same", "the same; `guest_looks: looks_at_x`", "`attack: reads_x`, `guest_looks` (all)"):
        isolation(root, cell, "`/dev/x`: `attack: writes_y`")
        expect_pass("check-isolation", root)


def isolation_unknown_case_fail(root):
    for name in ("reads_z", "attack: reads_z", "guest_looks: looks_at_z", "guest_looks: reads_x",
                 "attack: looks_at_x", "nobody: reads_x"):
        isolation(root, f"`{name}`")
        expect_refusal(f"names the case {name}, which does not exist", "check-isolation", root)
    isolation(root, "the same", "It goes nowhere: `attack: reads_z`.")
    expect_refusal("names the case attack: reads_z,", "check-isolation", root)


def isolation_row_without_case_fail(root):
    isolation(root, "by reasoning")
    expect_refusal('a line with "by reasoning" names no case', "check-isolation", root)


def isolation_attack_without_line_fail(root):
    isolation(root, "the same")
    write(root, "tests/attack/c.c", "\tATTACK(jumps_z),\n")
    expect_refusal("has no line for the attack jumps_z", "check-isolation", root)


# Patches

def patches(shown, count=25):
    return "# P\n| # | Patch | Shown by |\n|---|---|---|\n" + "".join(
        f"| {number} | subject | {shown} |\n" for number in range(1, count + 1))


def patches_complete_pass(root):
    write(root, "src/arch.h", "")
    write(root, "tests/a_test.c", "does_x()")
    write(root, "tests/vm/b_test.py", 'name = "boots_y"')
    write(root, "docs/patches.md", patches("`a_test: does_x`, `boots_y`; `a_test` (all), `does_*`, "
                                           "`src/arch.h` asserts"))
    expect_pass("check-patches", root)


def patches_unknown_test_fail(root):
    write(root, "tests/a_test.c", "does_x()")
    for name in ("does_z", "a_test: does_z", "doez_*", "src/arch.h"):
        write(root, "docs/patches.md", patches(f"`{name}`"))
        expect_refusal("which does not exist", "check-patches", root)


def patches_row_missing_or_without_test_fail(root):
    write(root, "tests/a_test.c", "does_x()")
    write(root, "docs/patches.md", patches("`does_x`", 24))
    expect_refusal("instead of 1 to 25", "check-patches", root)
    write(root, "docs/patches.md", patches("none yet"))
    expect_refusal("names no test", "check-patches", root)


# Files, format, clang-tidy

def files_clean_pass(root):
    write(root, "src/a.c", SPDX + "int a;\n")
    write(root, "README.md", "[a](src/a.c) [b](https://example.org/x)\n")
    expect_pass("check-files", root)


def files_without_licence_fail(root):
    write(root, "src/a.c", "int a;\n")
    expect_refusal("a.c:1: no line", "check-files", root)


def files_with_trailing_space_fail(root):
    write(root, "src/a.c", SPDX + "int a; \n")
    expect_refusal("a.c:2: white space", "check-files", root)


def files_with_dead_link_fail(root):
    write(root, "docs/x.md", "see [b](b.md#part)\n")
    expect_refusal("x.md:1: link to b.md", "check-files", root)


def format_other_layout_fail(root):
    shutil.copy(ROOT / ".clang-format", root)
    write(root, "src/a.c", "int f(void)\n{\n\treturn 0;\n}\n")
    expect_pass("check-format", root)
    write(root, "src/a.c", "int f(void) {\n    return 0; }\n")
    expect_refusal("a.c:1", "check-format", root)
    expect_pass("check-format", "--fix", root)
    expect_pass("check-format", root)


def tidy_planted_bug_fail(root):
    shutil.copy(ROOT / ".clang-tidy", root)

    def database(text):
        path = write(root, "a.c", text)
        entry = {"directory": str(root), "file": str(path), "arguments": ["cc", "-c", str(path)]}
        write(root, "compile_commands.json", json.dumps([entry]))
        return path
    path = database("int f(int *p);\nint f(int *p)\n{\n\treturn p ? *p : 0;\n}\n")
    expect_pass("check-tidy", root, path)
    path = database("int f(int *p);\nint f(int *p)\n{\n\tif (p)\n\t\treturn 0;\n\treturn *p;\n}\n")
    expect_refusal("a.c:6", "check-tidy", root, path)


# Live code

def live_complaints(root, in_file, **files):
    """Of a build with files of those contents in engine/, compiled as live code."""
    commands = []
    (root / "src").mkdir(exist_ok=True)
    for name, text in files.items():
        source = write(root, f"src/engine/{name}.c", text)
        flag = [] if name == "other" else [check_live.FLAG]
        command = ["gcc", "-O2", *flag, "-c", str(source), "-o", f"src/{name}.o"]
        subprocess.run(command, cwd=root, check=True)
        commands.append({"directory": str(root), "file": str(source), "command": " ".join(command)})
    write(root, "compile_commands.json", json.dumps(commands))
    return "\n".join(check_live.check(list(check_live.units_of(root)), in_file))


def live_calls_each_other_pass(root):
    assert not live_complaints(root, {}, a="int b(void); int a(void) { return b() + 1; }",
                               b="int sched_yield(void); int b(void) { return sched_yield(); }")


def live_calls_libc_fail(root):
    text = live_complaints(root, {}, a="int puts(const char *); void a(void) { puts(\"\"); }")
    assert "src/engine/a.c: calls puts" in text, text


def live_calls_what_is_not_live_fail(root):
    text = live_complaints(root, {}, a="int b(void); int a(void) { return b() + 1; }",
                           other="int b(void) { return 1; }")
    assert "src/engine/a.c: calls b" in text, text
    assert "src/engine/other.c: compiled without" in text, text


def live_exceptions_for_one_file_and_in_use(root):
    puts = "int puts(const char *); void {}(void) {{ puts(\"\"); }}"
    allowed = {"engine/a.c": {"puts"}}
    assert not live_complaints(root, allowed, a=puts.format("a"))
    text = live_complaints(root, allowed, a="int a;", b=puts.format("b"))
    assert "src/engine/b.c: calls puts" in text, text
    assert "src/engine/a.c: does not call puts" in text, text
    text = live_complaints(root, {"engine/gone.c": {"puts"}}, a="int a;")
    assert "src/engine/gone.c: in scripts/check-live" in text, text


def live_build_of_other_kind_fail(root):
    live_complaints(root, {}, other="int a;")
    expect_refusal("nothing here is compiled with", "check-live", root)


# The runner

def counts(outcome):
    return outcome.passed, outcome.failed, outcome.skipped


def judged(command, timeout=10):
    return runner.judge_tap(*runner.run(["sh", "-c", command], timeout))


def runner_counts_every_case(root):
    outcome = judged("echo 1..2; echo ok 1 - a; echo 'ok 2 # SKIP b'; echo 1..1; echo ok 1 - c")
    assert counts(outcome) == (2, 0, 1), counts(outcome)


def runner_shows_failed_case_alone(root):
    outcome = judged("echo 1..3; echo noise of a; echo ok 1 - a; echo cause of b;"
                     "echo not ok 2 - b; echo '# line 7'; echo ok 3 - c; exit 1")
    assert counts(outcome) == (2, 1, 0), counts(outcome)
    assert outcome.complaints == ["cause of b\nnot ok 2 - b\n# line 7"], outcome.complaints


def runner_counts_crash_as_failure(root):
    outcome = judged("echo 1..2; echo ok 1 - a; echo last words; kill -SEGV $$")
    assert counts(outcome) == (1, 1, 0), counts(outcome)
    assert "crashed: SIGSEGV after 1 of 2" in outcome.complaints[0]
    assert "last words" in outcome.complaints[0]


def runner_counts_bad_status_as_failure(root):
    outcome = judged("echo 1..1; echo WARNING: data race; echo ok 1 - a; exit 66")
    assert counts(outcome) == (1, 1, 0), counts(outcome)
    assert "data race" in outcome.complaints[0]
    outcome = judged("echo 1..1; echo not ok 1 - a")
    assert counts(outcome) == (0, 2, 0), counts(outcome)


def runner_counts_empty_run_as_failure(root):
    assert counts(judged("true")) == (0, 1, 0)
    assert counts(judged("echo 1..0")) == (0, 1, 0)
    assert counts(judged("echo 1..2; echo ok 1 - a")) == (1, 1, 0)


def runner_says_how_to_see_a_finding_again(root):
    found = "#2\tINITED cov: 1\nbroken rule\nTest unit written to /b/leaf-crash-1\n"
    outcome = runner.judge_fuzzer("build/leaf_fuzz", found, -6)
    assert counts(outcome) == (0, 1, 0), outcome
    text = outcome.complaints[0]
    assert "To see it again: build/leaf_fuzz /b/leaf-crash-1" in text, text
    assert "broken rule" in text and "INITED" not in text, text
    ran = "stat::number_of_executed_units: %d\n"
    assert counts(runner.judge_fuzzer("f", ran % 10, 0)) == (1, 0, 0)
    assert counts(runner.judge_fuzzer("f", ran % 0, 0)) == (0, 1, 0)
    assert counts(runner.judge_fuzzer("f", ran % 10, None)) == (0, 1, 0)


def runner_ends_what_hangs(root):
    outcome = judged("echo 1..1; echo waiting; sleep 60 & wait", timeout=1)
    assert counts(outcome) == (0, 1, 0), counts(outcome)
    assert "ran out of time" in outcome.complaints[0]


def runner_counts_failed_build(root):
    """And the last line and the exit status of the program say so."""
    copy = root / "with a space"
    shutil.copytree(SCRIPTS, copy / "scripts")
    write(copy, "meson.build", "project('x', 'c')\n")
    status, output = script(copy / "scripts/run-tests", "plain")
    assert status == 1 and output.endswith("\n0 passed, 1 failed\n"), output
    write(copy, "meson.build", "project('x', 'c')\nerror('broken')\n")
    status, output = script(copy / "scripts/run-tests", "plain")
    assert status == 1 and "broken" in output, output
    assert output.endswith("\n0 passed, 1 failed\n"), output


# Packages

TOOLS = ["sh", "env", "mktemp", "cat", "rm", "ls", "ln"]
NEEDED = ["gcc", "meson", "ninja", "pkg-config"]


def fake_system(root, **programs):
    """A PATH with the basic tools and @programs, each a line of shell."""
    folder = root / "bin"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for tool in TOOLS:
        (folder / tool).symlink_to(shutil.which(tool))
    for name, line in programs.items():
        path = write(folder, name.replace("_", "-"), f"#!/bin/sh\n{line}\n")
        path.chmod(0o755)
    return {"env": {"PATH": str(folder)}}


def packages_all_there_silent(root):
    system = fake_system(root, **{name: "exit 0" for name in NEEDED})
    expect_pass("need-packages", "build", **system)


def packages_missing_are_installed_once(root):
    log = root / "log"
    there = {name: "exit 0" for name in NEEDED if name != "meson"}
    install = f'echo "$*" >>{log}; case $* in *install*) ln -sf env {root}/bin/meson ;; esac'
    system = fake_system(root, id="echo 0", apt_get=install, **there)
    status, output = script("need-packages", "build", **system)
    assert status == 0 and "meson: describes the build" in output, output
    calls = log.read_text().splitlines()
    assert len(calls) == 2 and calls[0].endswith("update"), calls
    assert calls[1].endswith("install -y --no-install-recommends meson"), calls
    expect_pass("need-packages", "build", **system)


def packages_through_sudo_when_not_root(root):
    there = {name: "exit 0" for name in NEEDED if name != "meson"}
    system = fake_system(root, id="echo 1000", apt_get='test -n "$ROOT" || exit 1',
                         sudo=f'ln -sf env {root}/bin/meson; ROOT=1 exec "$@"', **there)
    status, output = script("need-packages", "build", **system)
    assert status == 0, output


def packages_neither_root_nor_sudo_fail(root):
    system = fake_system(root, id="echo 1000", apt_get="exit 0")
    expect_refusal("not root and there is no sudo", "need-packages", "build", **system)
    expect_refusal("apt-get install gcc meson", "need-packages", "build", **system)


def packages_apt_fails_fail(root):
    system = fake_system(root, id="echo 0", apt_get="echo no network; exit 100")
    expect_refusal("no network", "need-packages", "build", **system)
    expect_refusal("Remedy:", "need-packages", "build", **system)
    system = fake_system(root, id="echo 0", apt_get="exit 0")
    expect_refusal("still not found", "need-packages", "build", **system)


def packages_no_apt_fail(root):
    expect_refusal("no apt-get", "need-packages", "build", **fake_system(root, id="echo 0"))


CASES = [
    includes_downward_pass, includes_upward_fail, includes_sideways_fail,
    includes_of_lib_know_nothing, includes_by_relative_path_fail, includes_of_host_in_sgx_fail,
    includes_unknown_folder_fail, includes_empty_tree_fail,
    locks_same_order_pass, locks_other_order_fail, locks_missing_or_surplus_fail,
    errata_complete_pass, errata_unknown_test_fail, errata_part_missing_fail,
    isolation_complete_pass, isolation_unknown_case_fail, isolation_row_without_case_fail,
    isolation_attack_without_line_fail,
    patches_complete_pass, patches_unknown_test_fail, patches_row_missing_or_without_test_fail,
    files_clean_pass, files_without_licence_fail, files_with_trailing_space_fail,
    files_with_dead_link_fail, format_other_layout_fail, tidy_planted_bug_fail,
    live_calls_each_other_pass, live_calls_libc_fail, live_calls_what_is_not_live_fail,
    live_exceptions_for_one_file_and_in_use, live_build_of_other_kind_fail,
    runner_counts_every_case, runner_shows_failed_case_alone, runner_counts_crash_as_failure,
    runner_counts_bad_status_as_failure, runner_counts_empty_run_as_failure,
    runner_says_how_to_see_a_finding_again, runner_ends_what_hangs, runner_counts_failed_build,
    packages_all_there_silent, packages_missing_are_installed_once,
    packages_through_sudo_when_not_root, packages_neither_root_nor_sudo_fail,
    packages_apt_fails_fail, packages_no_apt_fail,
]


def main():
    failed = 0
    print(f"1..{len(CASES)}")
    for number, case in enumerate(CASES, 1):
        with tempfile.TemporaryDirectory() as folder:
            try:
                case(pathlib.Path(folder))
                print(f"ok {number} - {case.__name__}")
            except (AssertionError, OSError) as error:
                failed += 1
                print(traceback.format_exc() if isinstance(error, OSError) else error)
                print(f"not ok {number} - {case.__name__}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
