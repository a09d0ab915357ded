# SPDX-License-Identifier: GPL-2.0-or-later
"""A line in the terminal that says for how long something has been going on."""
import contextlib
import os
import sys
import threading
import time

FIRST_SECONDS = 1.0
STEP_SECONDS = 0.25


def is_terminal(stream):
    return stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"


class Waiting:
    """While its block runs, and it takes more than a second, a line counts the seconds.

    Only in a terminal. say() is for what is printed meanwhile: it counts from there again.
    """

    def __init__(self, text, stream=sys.stderr):
        self.text, self.stream = text, stream
        self.lock = threading.Lock()
        self.done = threading.Event()
        self.shown = False
        self.since = time.monotonic()
        self.thread = threading.Thread(target=self.__count, daemon=True)

    def __enter__(self):
        if is_terminal(self.stream):
            self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        if self.thread.is_alive():
            self.thread.join()
        with self.lock:
            self.__clear()

    def say(self, text):
        with self.lock:
            self.__clear()
            self.stream.write(f"{text}\n")
            self.stream.flush()
            self.since = time.monotonic()

    def __clear(self):
        if self.shown:
            # Nor is there anything to clear when the terminal has gone.
            with contextlib.suppress(OSError):
                self.stream.write("\r\033[K")
                self.stream.flush()
        self.shown = False

    def __line(self, seconds):
        """Less than the terminal is wide: what had wrapped would stay."""
        try:
            columns = os.get_terminal_size(self.stream.fileno()).columns or 80
        except OSError:
            columns = 80
        end = f" {seconds:.0f} s"
        return f"  {self.text}"[:max(columns - len(end) - 1, 0)] + end

    def __count(self):
        while not self.done.wait(STEP_SECONDS):
            with self.lock:
                seconds = time.monotonic() - self.since
                if seconds >= FIRST_SECONDS:
                    self.stream.write(f"\r\033[K{self.__line(seconds)}")
                    self.stream.flush()
                    self.shown = True
