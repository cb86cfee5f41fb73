"""Webhooks as real registries sent them (2.8.3 and 3.1.1), replayed with names of this installation.

Each fixture file maps the name of a case to the deliveries of that case, in order.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from harness.places import FIXTURES
from harness.relay import ask_events
from harness.stack import Stack, User

REFERRERS_TAG = "sha256-"
"""How a tag begins under which clients keep what is attached to an image."""


def captured(registry: str) -> dict[str, list[dict[str, Any]]]:
    loaded: dict[str, list[dict[str, Any]]] = json.loads(
        (FIXTURES / f"events-of-registry-{registry}.json").read_text()
    )
    return loaded


CASES = [(registry, case) for registry in ("2.8.3", "3.1.1") for case in captured(registry)]


def adapted(deliveries: list[dict[str, Any]], project: str) -> list[dict[str, Any]]:
    """The same deliveries for repositories of `project`, with identifiers of their own."""
    made: list[dict[str, Any]] = json.loads(json.dumps(deliveries))
    for delivery in made:
        for event in delivery["body"]["events"]:
            event["id"] = str(uuid.uuid4())
            for field in ("repository", "fromRepository"):
                if field in event["target"]:
                    event["target"][field] = f"{project}/{event['target'][field]}"
    return made


def tags_pushed(deliveries: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """Digest by tag by repository, as the registry has them after these events."""
    tags: dict[str, dict[str, str]] = {}
    for delivery in deliveries:
        for event in delivery["body"]["events"]:
            target = event["target"]
            if event["action"] == "push" and target["mediaType"] != "application/octet-stream":
                of_repository = tags.setdefault(target["repository"], {})
                if target.get("tag") and not target["tag"].startswith(REFERRERS_TAG):
                    of_repository[target["tag"]] = target["digest"]
    return tags


@pytest.mark.parametrize("registry, case", CASES, ids=[f"{registry}-{case}" for registry, case in CASES])
def test_what_a_real_registry_sent_is_taken_and_its_tags_recorded(
    stack: Stack, owner: User, project: str, registry: str, case: str
) -> None:
    deliveries = adapted(captured(registry)[case], project)
    expected = tags_pushed(deliveries)
    for repository in expected:  # as the push that caused the events asked for a token
        assert stack.granted(owner, repository, "pull,push") == {"pull", "push"}
    for delivery in deliveries * 2:  # the registry sends twice what was answered slowly
        body = json.dumps(delivery["body"]).encode()
        headers = {"Content-Type": delivery["content_type"]}
        answer = ask_events(stack.service.ops_url + "/events", stack.service.webhook_secret, body, headers)
        assert answer.status == 204
    for repository, tags in expected.items():
        for tag, digest in tags.items():
            stack.wait_for_tag(repository, tag, digest)
    listed = stack.service.cli_json("repository", "list", project)
    assert len(listed) == len(expected), listed
