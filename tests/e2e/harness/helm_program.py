"""Helm's own code on a command line; runs in the environment that has it (tests/requirements-helm.txt).

    login HOST USER        (the password on standard input)
    push CHART REMOTE
    pull CHART VERSION FOLDER

`push` and `pull` are what `helm push` and `helm pull` call; the digest, which the library keeps to
itself, is asked for afterwards.
"""

from __future__ import annotations

import sys
from pathlib import Path

import helm_python
from helm_python import RegistryClient


def push(client: RegistryClient, chart: str, remote: str) -> None:
    packed = Path(helm_python.package(chart, destination=Path(chart).parent))
    client.push(packed, remote, plain_http=True)
    name, _, version = packed.stem.rpartition("-")
    print_digest(client, f"{remote}/{name}:{version}")


def pull(client: RegistryClient, chart: str, version: str, folder: str) -> None:
    client.pull(chart, version=version, destination=folder, plain_http=True)
    print_digest(client, f"{chart}:{version}")


def print_digest(client: RegistryClient, chart: str) -> None:
    print("Digest:", client.resolve(chart.removeprefix("oci://"))["digest"])


def main(command: str, *words: str) -> None:
    client = RegistryClient(plain_http=True, credentials_file="registry.json")
    if command == "login":
        client.login(*words, sys.stdin.read(), plain_http=True)
        print("Login Succeeded")
    elif command == "push":
        push(client, *words)
    else:
        pull(client, *words)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except helm_python.HelmError as error:
        sys.exit(f"Error: {error}")
