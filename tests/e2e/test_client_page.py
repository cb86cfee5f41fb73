"""docs/CLIENTS.md has a row for everything that clients_table.py has the clients do."""

from __future__ import annotations

import pytest

from client_cases import CASES, Case
from harness.places import REPOSITORY


def section(title: str) -> str:
    """What stands under a heading of the page."""
    page = (REPOSITORY / "docs" / "CLIENTS.md").read_text()
    _, found, after = page.partition(f"\n## {title}\n")
    assert found, f"docs/CLIENTS.md lacks this section; make it anew with clients_table.py: {title}"
    return after.partition("\n## ")[0]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_the_page_shows_what_each_client_says(case: Case) -> None:
    rows = [line.split("|")[1].strip() for line in section(case.title).splitlines() if line.startswith("| ")]
    assert rows[1:] == [row.shown or row.client for row in case.rows]
