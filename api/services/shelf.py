"""Models on the shelf: those that this release ships, and those that were trained here.

Shipped models lie beside the code and are pinned by checksum; models trained here lie in the
data directory and are signed with a key that is made there at the first need. A directory named
in the settings takes the place of both. Candidates lie apart: nothing decides with them until they
were judged and promoted, which puts them on the shelf. A candidate for a shipped name counts the
last part of its version up; releases count the others, so the two never meet.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from api.services.keyfiles import secret
from api.settings import Settings
from domain.errors import ModelMissing, SettingRefused
from triage import artefact, registry
from triage.desk import Desk


@dataclass(frozen=True)
class Shelved:
    """One version of one model, and where it lies."""

    name: str
    version: str
    root: Path
    origin: str

    @property
    def folder(self) -> Path:
        """Its files."""
        return self.root / self.name / self.version


def shelved(settings: Settings, name: str | None = None) -> list[Shelved]:
    """Every version of every model, or of one, oldest first."""
    found = []
    for root, origin in _roots(settings):
        names = [name] if name else _names(root)
        found += [
            Shelved(each, version, root, origin)
            for each in names
            for version in artefact.versions(root, each)
        ]
    return sorted(found, key=lambda model: (model.name, artefact.version_key(model.version)))


def waiting(settings: Settings) -> list[Shelved]:
    """Every candidate that is not on the shelf."""
    root = candidate_root(settings)
    there = {(model.name, model.version) for model in shelved(settings)}
    return [
        Shelved(name, version, root, "candidate")
        for name in _names(root)
        for version in artefact.versions(root, name)
        if (name, version) not in there
    ]


def open_desk(settings: Settings, name: str, version: str | None = None) -> Desk:
    """The desk of a model; the newest version when none is named."""
    there = [model for model in shelved(settings, name) if version in (None, model.version)]
    if not there:
        known = ", ".join(f"{model.name} {model.version}" for model in shelved(settings))
        called = f"{name[:60]!r} {version}" if version else f"{name[:60]!r}"
        raise ModelMissing(f"there is no model {called}; known are {known or 'none'}")
    chosen = there[-1]
    key = _key(settings) if chosen.origin != "shipped" else None
    return registry.open_desk(name, chosen.version, root=chosen.root, key=key)


def open_candidate(settings: Settings, name: str, version: str) -> Desk:
    """The desk of a candidate, after every check."""
    root = candidate_root(settings)
    return registry.open_desk(name, version, root=root, key=_key(settings))


def publish_candidate(settings: Settings, trained: Any) -> Path:
    """Write a trained model where candidates lie; what a killed run left is thrown away."""
    folder = candidate_root(settings) / trained.model.name / trained.model.version
    shutil.rmtree(folder, ignore_errors=True)
    return Path(trained.publish(candidate_root(settings), _key(settings)))


def note_learnt(settings: Settings, name: str, version: str, texts: Sequence[str]) -> None:
    """Remember by fingerprints which texts a model learnt from; none can be read back."""
    file = _learnt_file(settings, name, version)
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(".part")
    fresh.write_bytes(np.sort(fingerprints(texts)).tobytes())
    fresh.replace(file)


def learnt(settings: Settings, name: str, version: str) -> NDArray[np.uint64]:
    """Fingerprints of the texts that a model trained here learnt from; none of a shipped one."""
    file = _learnt_file(settings, name, version)
    content = file.read_bytes() if file.is_file() else b""
    return np.frombuffer(content, np.uint64)


def fingerprints(texts: Sequence[str]) -> NDArray[np.uint64]:
    """64 bits of each text's BLAKE2."""
    digests = (hashlib.blake2b(text.encode(), digest_size=8).digest() for text in texts)
    return np.frombuffer(b"".join(digests), np.uint64)


def _learnt_file(settings: Settings, name: str, version: str) -> Path:
    return settings.data_dir / "learnt" / f"{name}-{version}.u64"


def adopt(settings: Settings, name: str, version: str) -> None:
    """Put a candidate on the shelf, checked once more and signed as it was."""
    if any(model.version == version for model in shelved(settings, name)):
        return
    artefact.adopt(candidate_root(settings), own_root(settings), name, version, _key(settings))


def candidate_root(settings: Settings) -> Path:
    """Where models lie that nothing decides with yet."""
    return settings.data_dir / "candidates"


def next_candidate(settings: Settings, name: str, taken: Sequence[str] = ()) -> str:
    """What a candidate of that name is called; `taken` are versions of earlier ones."""
    there = shelved(settings, name)
    versions = {model.version for model in there} | set(taken)
    versions |= set(artefact.versions(candidate_root(settings), name))
    if not versions:
        return "1.0.0"
    major, minor, patch = artefact.version_key(max(versions, key=artefact.version_key))
    if any(model.origin == "shipped" for model in there):
        return f"{major}.{minor}.{patch + 1}"
    return f"{major}.{minor + 1}.0"


def next_version(settings: Settings, name: str) -> str:
    """What a newly trained model of that name is called."""
    there = shelved(settings, name)
    if any(model.origin == "shipped" for model in there):
        raise SettingRefused(f"{name!r} is the name of a shipped model; give your own model a name")
    if not there:
        return "1.0.0"
    major, minor, _ = artefact.version_key(there[-1].version)
    return f"{major}.{minor + 1}.0"


def publish(settings: Settings, trained: Any) -> Path:
    """Write a trained model to the shelf, signed."""
    return Path(trained.publish(own_root(settings), _key(settings)))


def _roots(settings: Settings) -> list[tuple[Path, str]]:
    own = (own_root(settings), "trained here")
    return [own] if settings.models_dir else [(registry.SHIPPED, "shipped"), own]


def own_root(settings: Settings) -> Path:
    """Where models that were trained here lie."""
    return settings.models_dir or settings.data_dir / "models"


def _key(settings: Settings) -> bytes:
    return secret(settings.data_dir, "models")


def _names(root: Path) -> list[str]:
    return sorted(entry.name for entry in root.iterdir()) if root.is_dir() else []
