# SPDX-License-Identifier: GPL-2.0-or-later
"""Signals that end a program, as an exception: what `with` and `finally` undo is undone.

Python alone does so for SIGINT.
"""
import contextlib
import os
import signal
import subprocess
import sys

SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)
# mmdebstrap removes a root file system.
GRACE_SECONDS = 30


class Ended(BaseException):
    """No Exception, so that nobody takes it for a failure that can be mended."""

    def __init__(self, number):
        super().__init__(signal.Signals(number).name)
        self.status = 128 + number


def raise_ended(number, _):
    # Once is enough: a second one would leave half of it undone. Ignored, they would be by all children.
    for each in SIGNALS:
        signal.signal(each, lambda *_: None)
    raise Ended(number)


@contextlib.contextmanager
def by_signals(program, remark=""):
    """Around all that a program does: it ends with the status that a shell gives for the signal."""
    for number in SIGNALS:
        # As nohup and a shell's background want it.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, raise_ended)
    try:
        yield
    except Ended as ended:
        # The terminal may be what has gone.
        with contextlib.suppress(OSError):
            print(f"{program}: ended by {ended}{remark}", file=sys.stderr, flush=True)
        sys.exit(ended.status)


def signal_group(process, number):
    """To a process that was started as a leader, and to its children."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def end_group(process):
    """Asks it and its children to end, and makes those that do not; reads what they still write."""
    signal_group(process, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=GRACE_SECONDS)
    signal_group(process, signal.SIGKILL)
