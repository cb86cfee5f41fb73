"""Images made from nothing: no base image is ever pulled.

`write_layer` makes the one layer from a text, so that equal texts share a layer and different
texts do not. The OCI layouts are written by hand, so their digests are known beforehand.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def layer_tar(content: str) -> bytes:
    """An uncompressed layer with one file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo("content.txt")
        entry.size = len(content.encode())
        archive.addfile(entry, io.BytesIO(content.encode()))
    return buffer.getvalue()


def write_layer(path: Path, content: str) -> Path:
    path.write_bytes(layer_tar(content))
    return path


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


class OciLayout:
    """A folder in the OCI image layout, with one entry `latest`: an image or an index of images."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "blobs" / "sha256").mkdir(parents=True, exist_ok=True)
        (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        self.digest = ""

    @classmethod
    def of_image(cls, folder: Path, content: str) -> OciLayout:
        layout = cls(folder)
        layout._publish(layout._image(content, "amd64"))
        return layout

    @classmethod
    def of_index(cls, folder: Path, content: str) -> OciLayout:
        """One image for each of two processors."""
        layout = cls(folder)
        children = [
            {**layout._image(f"{content} {kind}", kind), "platform": {"os": "linux", "architecture": kind}}
            for kind in ("amd64", "arm64")
        ]
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": children}
        layout._publish(layout._add(index, INDEX))
        return layout

    def _image(self, content: str, processor: str) -> dict[str, Any]:
        tar = layer_tar(content)
        layer = self._add(gzip.compress(tar, mtime=0), "application/vnd.oci.image.layer.v1.tar+gzip")
        config = {
            "architecture": processor,
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(tar)]},
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self._add(config, "application/vnd.oci.image.config.v1+json"),
            "layers": [layer],
        }
        return self._add(manifest, MANIFEST)

    def _add(self, content: bytes | dict[str, Any], media_type: str) -> dict[str, Any]:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        digest = digest_of(data)
        (self.folder / "blobs" / "sha256" / digest.removeprefix("sha256:")).write_bytes(data)
        return {"mediaType": media_type, "digest": digest, "size": len(data)}

    def _publish(self, entry: dict[str, Any]) -> None:
        self.digest = entry["digest"]
        named = {**entry, "annotations": {"org.opencontainers.image.ref.name": "latest"}}
        (self.folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [named]}))
