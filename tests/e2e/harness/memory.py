"""A limit for the memory of a program, and what it takes of it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")


@contextmanager
def limited_memory(name: str, most: int) -> Iterator[list[str]]:
    """The words that a command begins with so that the kernel ends it when it takes more than so many bytes.

    Where no control group can be made there are none, and a warning says so; the caller still compares the peak.
    """
    folder = _make_group(name, most)
    if folder is None:
        warnings.warn("no control group can be made: only the peak of the memory is compared", stacklevel=2)
        yield []
        return
    try:
        yield ["sh", "-c", f'echo $$ > {folder}/cgroup.procs && exec "$@"', "sh"]
    finally:
        # By now the program has ended, or its group cannot be removed.
        folder.rmdir()


def _make_group(name: str, most: int) -> Path | None:
    for root, limits in [
        (CGROUPS / "memory", ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes")),
        (CGROUPS, ("memory.max", "memory.swap.max")),
    ]:
        folder = root / f"{name}-{os.getpid()}"
        try:
            folder.mkdir()
        except OSError:
            continue
        try:
            (folder / limits[0]).write_text(str(most))
        except OSError:
            folder.rmdir()
            continue
        swap = folder / limits[1]
        if swap.exists():
            swap.write_text(str(most) if "memsw" in limits[1] else "0")
        return folder
    return None


def resident(pid: int, what: str = "VmRSS") -> int:
    """Bytes of memory; `VmHWM` is the most that it ever had, `RssAnon` what no file stands behind."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"the process {pid} has no {what}")
