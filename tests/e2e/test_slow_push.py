"""A push that takes longer than its token lives: every client gets itself a new token."""

from __future__ import annotations

import pytest

from harness.clients import NAMES
from harness.slow_pushes import LEEWAY, LIFETIME, SlowPushes


@pytest.mark.timeout(260)
def test_a_push_that_outlives_its_token_ends_well_with_every_client(slow_pushes: SlowPushes) -> None:
    pushed = slow_pushes.results(timeout=240)
    assert set(pushed) == set(NAMES)
    for name, push in pushed.items():
        push.transfer.check()
        assert push.seconds > LIFETIME + LEEWAY, f"{name} was done before its token ended"
        slow_pushes.stack.wait_for_tag(push.item, "v1", push.transfer.digest)
