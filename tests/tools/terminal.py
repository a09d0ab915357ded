# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs in a terminal of a given width, and what they write to it."""
import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios

ESCAPE = "\033"


def heed_signals():
    """In a new process: as a program that is started from a terminal has them, and not from nohup or behind `&`."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def run(command, columns=80, environment=None, stdin=subprocess.DEVNULL, seconds=60):
    """Return: the exit status, and all that the terminal got, by lines without their ends."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    # The variables would be believed before the terminal.
    env = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")}
    process = subprocess.Popen([str(word) for word in command], stdin=stdin, stdout=slave, stderr=slave,
                               env={**env, "TERM": "xterm", **(environment or {})})
    os.close(slave)
    output = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:
            break
        if not piece:
            break
        output += piece
    process.wait(seconds)
    os.close(master)
    return process.returncode, output.decode(errors="replace").replace("\r\n", "\n").split("\n")
