"""What every stock client looks like to a test: log in, push, pull, and read the terminal.

`push` makes a small image (or file) of its own from a text. Every client object has a folder of
its own for credentials, so that two users never share a login.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from harness.images import OciLayout
from harness.process import Outcome

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Transfer:
    """A push or a pull: what the terminal said and which manifest went over the wire."""

    outcome: Outcome
    digest: str = ""

    @property
    def text(self) -> str:
        return self.outcome.text

    @property
    def succeeded(self) -> bool:
        return self.outcome.succeeded

    def check(self) -> Transfer:
        self.outcome.check()
        assert DIGEST.fullmatch(self.digest), f"no digest seen in: {self.text}"
        return self


def printed_digest(outcome: Outcome) -> Transfer:
    """For clients that print the digest: the last one of the text."""
    found = DIGEST.findall(outcome.text)
    return Transfer(outcome, found[-1] if found and outcome.succeeded else "")


class Program(ABC):
    """A program that talks to the registry, with one user's credentials."""

    name: str

    def __init__(self, home: Path) -> None:
        self.home = home
        home.mkdir(parents=True, exist_ok=True)
        self._number = 0

    def path(self, name: str) -> Path:
        """A new path in the client's own folder."""
        self._number += 1
        return self.home / f"{self._number}-{name}"

    @abstractmethod
    def run(self, *words: str | Path, stdin: str | None = None) -> Outcome: ...

    @abstractmethod
    def login(self, host: str, user: str, password: str) -> Outcome: ...


class Client(Program):
    """A program that pushes and pulls."""

    login_asks_the_service = True

    @abstractmethod
    def push(self, reference: str, content: str) -> Transfer: ...

    @abstractmethod
    def pull(self, reference: str) -> Transfer: ...

    def push_layout(self, reference: str, layout: OciLayout) -> Transfer:
        """Pushes an image or index as it is; only skopeo and crane can."""
        raise NotImplementedError(f"{self.name} cannot push an OCI layout")
