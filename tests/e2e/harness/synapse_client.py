"""The official Synapse client for Python, unmodified, in an environment of its own for each version."""

from __future__ import annotations

import tempfile
from pathlib import Path

from harness.places import TOOLS
from harness.process import Outcome, run

ENVIRONMENTS = {"4.5.0": TOOLS / "venv-synapse45", "4.14.0": TOOLS / "venv-synapse414"}
VERSIONS = tuple(ENVIRONMENTS)

# Without retries: the client would ask again for half an hour after an answer of 5xx.
PREAMBLE = '''\
import os, synapseclient, synapseclient.client

synapseclient.client.STANDARD_RETRY_PARAMS["retries"] = 0
synapseclient.client.STANDARD_RETRY_ASYNC_PARAMS["retry_max_wait_before_failure"] = 1
base = os.environ["BENCH_URL"]

def client(token=os.environ["BENCH_TOKEN"]):
    """A client that is logged in."""
    made = synapseclient.Synapse(
        repoEndpoint=base + "/repo/v1", authEndpoint=base + "/auth/v1",
        fileHandleEndpoint=base + "/file/v1", portalEndpoint=base + "/portal",
        skip_checks=True, configPath="no-such-file", cache_client=False, silent=True)
    made.login(authToken=token, silent=True)
    return made

'''


def run_synapse_client(
    snippet: str, base_url: str, token: str = "", version: str = VERSIONS[-1], timeout: float = 60
) -> Outcome:
    """Runs Python lines that may use `client()`, which logs in at `base_url` with the token."""
    with tempfile.TemporaryDirectory(prefix="auth-service-synapse-") as home:
        python = ENVIRONMENTS[version] / "bin" / "python"
        assert python.exists(), f"{python} is missing; run tests/install.sh"
        env = {"HOME": home, "BENCH_URL": base_url, "BENCH_TOKEN": token, "PYTHONWARNINGS": "ignore"}
        argv = ["env", "--unset=SYNAPSE_AUTH_TOKEN", python, "-c", PREAMBLE + snippet]
        return run(argv, env=env, timeout=timeout, cwd=Path(home))


def login_and_print_profile(base_url: str, token: str, version: str = VERSIONS[-1]) -> Outcome:
    """Prints the profile of the token's owner as one line of JSON."""
    snippet = "import json\nprint(json.dumps(dict(client().getUserProfile())))\n"
    return run_synapse_client(snippet, base_url, token, version)
