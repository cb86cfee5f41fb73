"""The stock registry, unmodified, with the configuration file that the project ships."""

from __future__ import annotations

import json
import os
import re
import secrets
from pathlib import Path

from harness.places import REPOSITORY, tool
from harness.process import BackgroundProcess
from harness.web import HttpAnswer, request

SHIPPED = REPOSITORY / "registry-config" / "config.yml"
MARKED_LINE = re.compile(r'"[^"]*"( # @(\w+))$', re.MULTILINE)
WITHOUT_TOKENS = """\
version: 0.1
storage: {{filesystem: {{rootdirectory: {root}}}, delete: {{enabled: true}}}}
http: {{addr: "{address}"}}
"""


def fill(template: str, values: dict[str, str]) -> str:
    """Puts each value where the line that ends in `# @name` has its string."""
    filled: set[str] = set()

    def replacement(match: re.Match[str]) -> str:
        filled.add(match[2])
        return json.dumps(values[match[2]]) + match[1]

    text = MARKED_LINE.sub(replacement, template)
    assert filled == set(values), f"the template lacks {set(values) - filled}"
    return text


def registry_program(version: str) -> Path:
    """2.8 as Debian builds it, or the 3.x binary that REGISTRY_V3 names."""
    return tool("docker-registry") if version == "2.8" else Path(os.environ["REGISTRY_V3"])


class Registry:
    """One registry process; `restart` keeps its contents."""

    def __init__(self, folder: Path, port: int, version: str = "2.8") -> None:
        self.version = version
        self.host = f"127.0.0.1:{port}"
        self.url = f"http://{self.host}"
        self.root = folder / "registry-data"
        self._folder = folder
        self._config = folder / "registry.yml"
        self._program = registry_program(version)
        self._process: BackgroundProcess | None = None

    def configure(self, tokens: dict[str, str], events_url: str, webhook_secret: str) -> None:
        """Fills in the shipped file; `tokens` holds realm, service, issuer, root_certificates."""
        values = {
            "addr": self.host,
            "root_directory": str(self.root),
            "http_secret": secrets.token_hex(16),
            "events_url": events_url,
            "events_authorization": f"Bearer {webhook_secret}",
            **tokens,
        }
        self._config.write_text(fill(SHIPPED.read_text(), values))

    def configure_without_tokens(self) -> None:
        """Open to everybody, for the tests of the test bench itself."""
        self._config.write_text(WITHOUT_TOKENS.format(root=self.root, address=self.host))

    def start(self) -> None:
        env = {"OTEL_TRACES_EXPORTER": "none"}
        argv = [self._program, "serve", self._config]
        self._process = BackgroundProcess("registry", argv, self._folder, env)
        self._process.wait_until(self._answers, "answers /v2/")

    def _answers(self) -> bool:
        try:
            return request("GET", self.url + "/v2/").status in (200, 401)
        except OSError:
            return False

    def stop(self) -> None:
        if self._process:
            self._process.stop(grace=2)

    def restart(self) -> None:
        self.stop()
        self.start()

    def log(self) -> str:
        return self._process.log() if self._process else ""

    def ask(self, method: str, path: str, token: str | None = None) -> HttpAnswer:
        """One request to the registry's own API, with a token if there is one."""
        headers = {"Accept": ", ".join(MANIFEST_TYPES)}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return request(method, self.url + path, headers=headers)


MANIFEST_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
