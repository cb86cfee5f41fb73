"""`config check` opens what a start would open, says what is missing or cannot be used, and changes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.service import Service, default_settings
from harness.web import request


@pytest.fixture
def service(tmp_path: Path) -> Service:
    """Configured, and nothing made yet."""
    return Service(tmp_path, default_settings(tmp_path, f"sqlite:{tmp_path}/auth-service.db", 5000))


def test_what_is_not_made_yet_is_named_with_the_commands_that_make_it(service: Service) -> None:
    before = set(service.folder.iterdir())
    checked = service.cli("config", "check").check().stdout
    assert "auth-service key init" in checked
    assert "auth-service db init" in checked
    assert set(service.folder.iterdir()) == before
    service.cli("key", "init").check()
    service.cli("db", "init").check()
    assert json.loads(service.cli("--json", "config", "check").check().stdout)["missing"] == []


def test_what_cannot_be_used_is_a_fault_all_at_once(service: Service) -> None:
    service.cli("key", "init").check()
    service.cli("db", "init").check()
    next((service.folder / "keys" / "leaf").glob("*.key")).chmod(0o644)
    (service.folder / "auth-service.db").write_bytes(b"")
    settings = {**service.settings}
    settings["http"] = {**settings["http"], "tls_certificate": "missing.pem", "tls_key": "missing.key"}
    refused = Service(service.folder, settings, "broken").cli("config", "check")
    assert refused.exit_code == 2
    for part in ("http.tls_certificate", "keys.directory", "chmod 600", "database.url", "is empty"):
        assert part in refused.stderr


def test_the_operations_listener_answers_only_the_networks_that_are_listed(service: Service) -> None:
    service.cli("key", "init").check()
    service.cli("db", "init").check()
    settings = {**service.settings, "ops": {**service.settings["ops"], "allowed_networks": ["192.0.2.0/24"]}}
    closed = Service(service.folder, settings, "closed")
    closed.serve()
    try:
        for path in ("/metrics", "/healthz", "/events", "/nothing"):
            assert request("GET", closed.ops_url + path).status == 403
        secret = {"Authorization": f"Bearer {closed.webhook_secret}"}
        assert request("POST", closed.ops_url + "/events", headers=secret, body=b"{}").status == 403
        assert request("GET", closed.url + "/healthz").status == 200
    finally:
        closed.stop()
