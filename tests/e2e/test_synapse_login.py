"""The official Synapse client, unmodified, logs in with tokens of this service."""

from __future__ import annotations

import json

import pytest

from harness.rest import personal_token, session
from harness.stack import Stack, User
from harness.synapse_client import VERSIONS, login_and_print_profile, run_synapse_client


@pytest.mark.parametrize("version", VERSIONS)
def test_it_logs_in_with_a_personal_access_token_and_with_a_session(
    stack: Stack, owner: User, version: str
) -> None:
    for token in (personal_token(stack, owner), session(stack, owner)):
        printed = login_and_print_profile(stack.service.url, token, version).check()
        profile = json.loads(printed.stdout.splitlines()[-1])
        assert profile["userName"] == owner.name


@pytest.mark.parametrize("version", VERSIONS)
def test_it_accepts_the_name_or_address_that_goes_with_the_token(
    stack: Stack, owner: User, version: str
) -> None:
    snippet = (
        "made = client()\n"
        f"made.login(email='{owner.name}', authToken=os.environ['BENCH_TOKEN'], silent=True)\n"
        f"made.login(email='{owner.name}@example.org', authToken=os.environ['BENCH_TOKEN'], silent=True)\n"
        "print(made.getUserProfile()['ownerId'])\n"
    )
    run_synapse_client(snippet, stack.service.url, personal_token(stack, owner), version).check()


@pytest.mark.parametrize("version", VERSIONS)
def test_it_shows_why_a_login_is_refused_and_does_not_repeat_it(
    stack: Stack, owner: User, version: str
) -> None:
    revoked = personal_token(stack, owner)
    (row,) = stack.service.cli_json("token", "list", "--user", owner.name)
    stack.service.cli("token", "revoke", row["id"]).check()
    refused = login_and_print_profile(stack.service.url, revoked, version)
    assert not refused.succeeded
    assert "this personal access token was revoked" in refused.text
    blind = stack.add_token(owner, "--scope", "download")
    refused = login_and_print_profile(stack.service.url, blind, version)
    assert not refused.succeeded
    assert "insufficient_scope" in refused.text


@pytest.mark.parametrize("version", VERSIONS)
def test_without_a_token_it_is_nobody(stack: Stack, version: str) -> None:
    snippet = (
        "made = synapseclient.Synapse(repoEndpoint=base + '/repo/v1', authEndpoint=base + '/auth/v1',\n"
        "    fileHandleEndpoint=base + '/file/v1', portalEndpoint=base + '/portal',\n"
        "    skip_checks=False, configPath='no-such-file', cache_client=False, silent=True)\n"
        "print(made.restGET('/userProfile')['ownerId'])\n"
    )
    printed = run_synapse_client(snippet, stack.service.url, version=version).check()
    assert printed.stdout.splitlines()[-1] == "273950"
