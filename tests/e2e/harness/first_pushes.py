"""Every command of the stock clients that can make a repository, by what one types."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.client import Client
from harness.images import INDEX, write_layer
from harness.process import Outcome
from harness.signers import Cosign

PLUGIN = """{"description": "", "documentation": "", "entrypoint": ["/none"],
 "interface": {"types": ["docker.volumedriver/1.0"], "socket": "none.sock"}, "linux": {"capabilities": []},
 "args": {"name": "", "description": "", "settable": null, "value": null}, "network": {"type": "none"},
 "mounts": null, "env": null, "workdir": "", "propagatedMount": ""}"""


@dataclass(frozen=True)
class Names:
    """What a command works on, as references with a tag."""

    source: str
    """An image that is there."""
    target: str
    """A name that nobody has pushed to."""

    @property
    def source_repository(self) -> str:
        return self.source.rpartition(":")[0]

    @property
    def target_repository(self) -> str:
        return self.target.rpartition(":")[0]


@dataclass(frozen=True)
class Command:
    """Pushes to the target with one client."""

    client: str
    push: Callable[[Any, Names], Outcome]
    looks_first: bool = False
    """It asks for pull alone, before it asks for push."""
    makes_repository: bool = True
    """Not so, if it pushes no manifest."""
    shows_why: bool = True
    """Not so, if it shows something else when it is refused."""


def some_file(client: Client) -> Path:
    path = client.path("file.txt")
    path.write_text(f"a file of {client.home.name}")
    return path


def some_layer(client: Client) -> Path:
    return write_layer(client.path("layer.tar"), f"a layer of {client.home.name}")


def push_image(client: Client, names: Names) -> Outcome:
    return client.push(names.target, f"an image of {client.home.name}").outcome


def crane(*words: str) -> Callable[[Client, Names], Outcome]:
    return lambda client, names: client.run(
        *(word.format(names=names, layer=some_layer(client)) for word in words)
    )


def oras(*words: str) -> Callable[[Client, Names], Outcome]:
    return lambda client, names: client.run(
        *(word.format(names=names, file=some_file(client).relative_to(client.home)) for word in words),
        cwd=client.home,
    )


def oras_manifest_push(oras: Client, names: Names) -> Outcome:
    index = oras.path("index.json")
    index.write_text(f'{{"schemaVersion": 2, "mediaType": "{INDEX}", "manifests": []}}')
    return oras.run("manifest", "push", "--plain-http", names.target, index)


def oras_restore(oras: Client, names: Names) -> Outcome:
    backup = oras.path("backup.tar")
    oras.run("backup", "--plain-http", "--output", backup, names.source).check()
    return oras.run("restore", "--plain-http", "--input", backup, names.target)


def skopeo(*words: str) -> Callable[[Client, Names], Outcome]:
    return lambda client, names: client.run(
        words[0],
        "--src-tls-verify=false",
        "--dest-tls-verify=false",
        *(word.format(names=names) for word in words[1:]),
    )


def podman_manifest_push(podman: Client, names: Names) -> Outcome:
    podman.run("manifest", "create", names.target).check()
    podman.run("manifest", "add", "--tls-verify=false", names.target, f"docker://{names.source}").check()
    words = ("manifest", "push", "--tls-verify=false", "--all", names.target)
    return podman.run(*words, f"docker://{names.target}")


def docker_manifest_push(docker: Client, names: Names) -> Outcome:
    docker.run("manifest", "create", "--insecure", names.target, names.source).check()
    return docker.run("manifest", "push", "--insecure", names.target)


def docker_plugin_push(docker: Client, names: Names) -> Outcome:
    plugin = docker.path("plugin")
    (plugin / "rootfs").mkdir(parents=True)
    (plugin / "config.json").write_text(PLUGIN)
    docker.run("plugin", "create", names.target, plugin).check()
    return docker.run("plugin", "push", names.target)


def imagetools_create(buildx: Client, names: Names) -> Outcome:
    return buildx.run("buildx", "imagetools", "create", "--tag", names.target, names.source)


def cosign_sign_elsewhere(cosign: Cosign, names: Names) -> Outcome:
    return cosign.sign(names.source, elsewhere=names.target_repository)


def cosign_load(cosign: Cosign, names: Names) -> Outcome:
    saved = cosign.path("saved")
    cosign.run("save", "--allow-http-registry", "--dir", saved, names.source).check()
    return cosign.run("load", "--allow-http-registry", "--dir", saved, names.target)


COMMANDS = {
    "docker push": Command("docker", push_image),
    "docker push (containerd)": Command("docker-containerd", push_image),
    "docker manifest push": Command("docker", docker_manifest_push),
    # Without TLS it tries https in the end, and shows what came of that.
    "docker plugin push": Command("docker", docker_plugin_push, shows_why=False),
    "docker buildx build --push": Command("buildx", push_image),
    "docker buildx imagetools create": Command("buildx", imagetools_create),
    "podman push": Command("podman", push_image),
    "podman manifest push": Command("podman", podman_manifest_push),
    "skopeo copy, from a folder": Command("skopeo", push_image),
    "skopeo copy": Command("skopeo", skopeo("copy", "docker://{names.source}", "docker://{names.target}")),
    "skopeo sync": Command(
        "skopeo",
        skopeo("sync", "--src=docker", "--dest=docker", "{names.source}", "{names.target_repository}"),
    ),
    "crane push": Command("crane", push_image),
    "crane copy": Command("crane", crane("copy", "{names.source}", "{names.target}")),
    "crane copy --no-clobber": Command(
        "crane", crane("copy", "--no-clobber", "{names.source}", "{names.target}"), looks_first=True
    ),
    "crane copy --all-tags": Command(
        "crane", crane("copy", "--all-tags", "{names.source_repository}", "{names.target_repository}")
    ),
    "crane copy --all-tags --no-clobber": Command(
        "crane",
        crane("copy", "--all-tags", "--no-clobber", "{names.source_repository}", "{names.target_repository}"),
        looks_first=True,
    ),
    "crane append": Command("crane", crane("append", "-f", "{layer}", "-t", "{names.target}")),
    "crane append --base": Command(
        "crane", crane("append", "-b", "{names.source}", "-f", "{layer}", "-t", "{names.target}")
    ),
    "crane mutate": Command("crane", crane("mutate", "-l", "a=b", "-t", "{names.target}", "{names.source}")),
    "crane mutate --repo": Command(
        "crane", crane("mutate", "-l", "a=b", "--repo", "{names.target_repository}", "{names.source}")
    ),
    "crane flatten": Command("crane", crane("flatten", "-t", "{names.target}", "{names.source}")),
    "crane rebase": Command(
        "crane",
        crane(
            "rebase",
            "{names.source}",
            "--old_base={names.source}",
            "--new_base={names.source}",
            "-t",
            "{names.target}",
        ),
    ),
    "crane index append": Command(
        "crane", crane("index", "append", "-m", "{names.source}", "-t", "{names.target}")
    ),
    "oras push": Command("oras", push_image),
    "oras blob push": Command(
        "oras",
        oras("blob", "push", "--plain-http", "{names.target_repository}", "{file}"),
        looks_first=True,
        makes_repository=False,
    ),
    "oras cp": Command(
        "oras", oras("cp", "--from-plain-http", "--to-plain-http", "{names.source}", "{names.target}")
    ),
    "oras cp --recursive": Command(
        "oras", oras("cp", "-r", "--from-plain-http", "--to-plain-http", "{names.source}", "{names.target}")
    ),
    "oras manifest push": Command("oras", oras_manifest_push, looks_first=True),
    "oras manifest index create": Command(
        "oras", oras("manifest", "index", "create", "--plain-http", "{names.target}")
    ),
    "oras restore": Command("oras", oras_restore, looks_first=True),
    "helm push": Command("helm", push_image, looks_first=True),
    "cosign sign, to another repository": Command("cosign", cosign_sign_elsewhere),
    "cosign load": Command("cosign", cosign_load),
}
"""Seen are the versions of Debian and Helm's library that tests/install.sh brings."""
