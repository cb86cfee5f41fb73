"""Running programs: short ones with a time limit, long ones in the background.

A background process leads a session of its own, and the kernel ends it when the test run dies,
so that nothing is left behind even after a kill -9.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

Value = TypeVar("Value")


@dataclass(frozen=True)
class Outcome:
    """How a program ended and what it printed."""

    command: str
    exit_code: int
    stdout: str
    stderr: str

    @property
    def text(self) -> str:
        """Everything that a person would have seen on the terminal."""
        return self.stdout + self.stderr

    @property
    def succeeded(self) -> bool:
        return self.exit_code == 0

    def check(self) -> Outcome:
        """Fails with the whole text unless the program succeeded."""
        assert self.succeeded, f"{self.command}: exit code {self.exit_code}\n{self.text}"
        return self


def run(
    argv: Sequence[object],
    *,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 60,
    cwd: Path | None = None,
) -> Outcome:
    """Runs a program to its end; one that takes longer than `timeout` seconds fails the test."""
    words = [str(word) for word in argv]
    done = subprocess.run(
        words,
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        text=True,
        errors="replace",
        env=None if env is None else {**os.environ, **env},
        timeout=timeout,
        cwd=cwd,
        check=False,
    )
    return Outcome(" ".join(words), done.returncode, done.stdout, done.stderr)


def remove_tree(folder: Path) -> None:
    """Removes a folder with thousands of files in a tenth of the time that Python takes."""
    run(["rm", "-rf", "--one-file-system", folder], timeout=120)


def wait_until(condition: Callable[[], Value], what: str, seconds: float = 10) -> Value:
    """Asks again and again until the answer is true, and returns that answer."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"waited {seconds} s in vain: {what}"
        time.sleep(0.02)


class BackgroundProcess:
    """A server of the test bench with its terminal text in files."""

    def __init__(
        self,
        name: str,
        argv: Sequence[object],
        folder: Path,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.stdout_path = folder / f"{name}.stdout"
        self.log_path = folder / f"{name}.log"
        with self.stdout_path.open("ab") as stdout, self.log_path.open("ab") as stderr:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *(str(word) for word in argv)],
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                env={**os.environ, **(env or {})},
                cwd=folder,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def wait_until(self, condition: Callable[[], Value], what: str, seconds: float = 20) -> Value:
        """Like `wait_until`, but gives up at once, with the log, if the process has ended."""

        def alive_and_ready() -> Value:
            ready = condition()
            if not ready and self.exit_code is not None:
                raise AssertionError(f"{self.name} ended with {self.exit_code}:\n{self.log()[-4000:]}")
            return ready

        try:
            return wait_until(alive_and_ready, f"{self.name}: {what}", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log()[-2000:]}") from None

    def signal(self, name: str) -> None:
        """Sends a signal, such as TERM, unless it has ended."""
        if self.exit_code is None:
            self._process.send_signal(getattr(signal, f"SIG{name}"))

    def stop(self, grace: float = 10) -> int:
        """Asks politely, insists after `grace` seconds, and returns the exit code."""
        if self.exit_code is None:
            self._process.terminate()
            try:
                self._process.wait(grace)
            except subprocess.TimeoutExpired:
                self.kill()
        return self._process.wait(10)

    def kill(self) -> None:
        """kill -9."""
        if self.exit_code is None:
            self._process.kill()
            self._process.wait(10)
