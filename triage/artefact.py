"""Model files: written at once or not at all, checked before a byte of them is believed.

A model is a directory ``<name>/<version>`` of three files. `manifest.json` holds the SHA-256 of
the other two; the manifest itself is either pinned in `triage.shipped` or signed with a key that
the caller keeps elsewhere. `model.joblib` holds numbers and plain containers only, so the reader
refuses every class and function that a pickle could name.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import io
import json
import os
import pickle
import shutil
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from domain.errors import Conflict, ModelMissing, ModelRefused

PAYLOAD, MANIFEST, CARD = "model.joblib", "manifest.json", "card.md"
FORMAT = 1
_HIDDEN = ".new-"
# All that the unpickler raises on bytes that are no pickle of plain values.
_BROKEN = (zlib.error, pickle.UnpicklingError, EOFError, AttributeError, MemoryError, ValueError,
           TypeError, IndexError, KeyError, OverflowError)  # fmt: skip
_LARGEST_FILE = 200 << 20
_LARGEST_PAYLOAD = 1 << 30
_ARRAY = "ndarray"
_NUMBERS = frozenset({"float16", "float32", "float64", "int8", "uint8", "int16", "uint16", "int32",
                      "uint32", "int64", "bool"})  # fmt: skip


@dataclass(frozen=True)
class ModelFile:
    """A model whose files have passed every check.

    Attributes
    ----------
    name, version : str
    manifest : mapping
        As it stands in `manifest.json`.
    payload : mapping
        Arrays, numbers, strings and plain containers.
    """

    name: str
    version: str
    manifest: Mapping[str, Any] = field(repr=False)
    payload: Mapping[str, Any] = field(repr=False)


def publish(
    root: Path,
    name: str,
    version: str,
    payload: Mapping[str, Any],
    facts: Mapping[str, Any],
    card: str,
    key: bytes | None = None,
) -> Path:
    """Write a model so that a reader sees all of it or nothing.

    Parameters
    ----------
    root : Path
        Directory of all models.
    name, version : str
        Version as ``1.0.0``.
    payload : mapping
        Numpy arrays of numbers, numbers, strings, and containers of these.
    facts : mapping
        What the manifest says beside names and checksums; JSON values.
    card : str
        Markdown.
    key : bytes, optional
        Signs the manifest (HMAC-SHA256).

    Returns
    -------
    Path
        The new directory.

    Raises
    ------
    Conflict
        That version exists.
    """
    _refuse_name(name, version)
    target = root / name / version
    if target.exists():
        raise Conflict(f"model {name} {version} exists; publish under a new version")
    files = {PAYLOAD: _packed(payload), CARD: card.encode()}
    described = {file: _described(data) for file, data in files.items()}
    described[PAYLOAD]["unpacked_bytes"] = len(zlib.decompress(files[PAYLOAD]))
    manifest = {"format": FORMAT, "name": name, "version": version, **facts, "files": described}
    if key is not None:
        manifest["signature"] = signature(manifest, key)
    files[MANIFEST] = (json.dumps(manifest, ensure_ascii=False, indent=2) + "\n").encode()
    with _appearing(target) as hidden:
        for file, data in files.items():
            _write_through(hidden / file, data)
    return target


def adopt(source: Path, target: Path, name: str, version: str, key: bytes) -> Path:
    """Copy a signed model from one directory of models to another, all of it or nothing.

    Parameters
    ----------
    source, target : Path
        Directories of models.
    name, version : str
    key : bytes
        Checks the signature before anything is copied.

    Returns
    -------
    Path
        The new directory.

    Raises
    ------
    Conflict
        `target` holds that version already.
    ModelRefused
        As `load`.
    """
    _refuse_name(name, version)
    here, there = source / name / version, target / name / version
    if there.exists():
        raise Conflict(f"model {name} {version} exists; publish under a new version")
    load(source, name, version, key=key)
    data = {file: _read(here / file) for file in (PAYLOAD, CARD, MANIFEST)}
    manifest = _believed_manifest(data[MANIFEST], name, version, None, key)
    for file in (PAYLOAD, CARD):
        _checked(data[file], manifest["files"][file])
    with _appearing(there) as hidden:
        for file, content in data.items():
            _write_through(hidden / file, content)
    return there


def load(
    root: Path,
    name: str,
    version: str,
    *,
    pin: str | None = None,
    key: bytes | None = None,
    floor: str | None = None,
) -> ModelFile:
    """Read a model once, check the bytes in memory, and only then open them.

    Parameters
    ----------
    root : Path
        Directory of all models.
    name, version : str
    pin : str, optional
        SHA-256 of the manifest, for a shipped model.
    key : bytes, optional
        Key of the signature, for a model trained here.
    floor : str, optional
        Oldest version that may still be loaded; kept outside `root`.

    Returns
    -------
    ModelFile

    Raises
    ------
    ModelMissing
        There is no such directory.
    ModelRefused
        A file is missing, changed, of another model, unsigned or older than the floor.
    """
    _refuse_name(name, version)
    if floor is not None and version_key(version) < version_key(floor):
        raise ModelRefused(f"model {name} {version} is older than {floor}, the oldest allowed")
    directory = root / name / version
    if not directory.is_dir():
        raise ModelMissing(f"there is no model {name} {version}")
    try:
        manifest = _believed_manifest(_read(directory / MANIFEST), name, version, pin, key)
        files = manifest["files"]
        data = {file: _checked(_read(directory / file), files[file]) for file in (PAYLOAD, CARD)}
        return ModelFile(name, version, manifest, unpacked(data[PAYLOAD], files[PAYLOAD]))
    except ModelRefused as refused:
        raise ModelRefused(f"model {name} {version} is not loaded: {refused}") from None
    except (KeyError, TypeError, ValueError, OSError) as error:
        reason = type(error).__name__
        raise ModelRefused(f"model {name} {version} is not loaded: broken ({reason})") from None


def versions(root: Path, name: str) -> list[str]:
    """Versions of a model that are there, oldest first."""
    if not _is_plain(name) or not (root / name).is_dir():
        return []
    found = [entry.name for entry in (root / name).iterdir() if (entry / MANIFEST).is_file()]
    return sorted((version for version in found if _is_version(version)), key=version_key)


def version_key(version: str) -> tuple[int, ...]:
    """What versions are ordered by.

    Examples
    --------
    >>> version_key("1.10.0") > version_key("1.9.2")
    True
    """
    if not _is_version(version):
        raise ModelRefused(f"{version[:40]!r} is no version; write it as 1.0.0")
    return tuple(int(part) for part in version.split("."))


def signature(manifest: Mapping[str, Any], key: bytes) -> str:
    """HMAC-SHA256 of all of a manifest but its signature, in hexadecimal digits."""
    signed = {name: value for name, value in manifest.items() if name != "signature"}
    text = json.dumps(signed, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def manifest_pin(directory: Path) -> str:
    """SHA-256 of a model's manifest, as `triage.shipped` pins it."""
    return hashlib.sha256((directory / MANIFEST).read_bytes()).hexdigest()


def unpacked(data: bytes, described: Mapping[str, Any]) -> dict[str, Any]:
    """Payload of the bytes of a `model.joblib`.

    Raises
    ------
    ModelRefused
        The bytes hold anything but numbers, strings and plain containers.
    """
    size = int(described["unpacked_bytes"])
    if not 0 < size <= _LARGEST_PAYLOAD:
        raise ModelRefused(f"it claims {size:,} bytes; at most {_LARGEST_PAYLOAD:,} are taken")
    try:
        plain = zlib.decompressobj().decompress(data, size + 1)
        if len(plain) != size:
            raise ModelRefused(f"it does not unpack to the {size:,} bytes that it claims")
        payload = _PlainUnpickler(io.BytesIO(plain)).load()
    except _BROKEN as error:
        raise ModelRefused(f"it can't be unpacked ({type(error).__name__})") from None
    if not isinstance(payload, dict):
        raise ModelRefused(f"it holds a {type(payload).__name__}; a mapping would be right")
    return {str(name): _with_arrays(value) for name, value in payload.items()}


class _PlainUnpickler(pickle.Unpickler):
    """Reads numbers, strings and containers; names no class and calls nothing."""

    def find_class(self, module: str, name: str, /) -> NoReturn:
        raise ModelRefused(f"it names {module[:40]}.{name[:40]}; only plain values are taken")

    def persistent_load(self, pid: Any) -> NoReturn:
        raise ModelRefused("it points outside itself; only plain values are taken")


def _packed(payload: Mapping[str, Any]) -> bytes:
    import joblib

    buffer = io.BytesIO()
    joblib.dump({name: _without_arrays(value) for name, value in payload.items()}, buffer,
                compress=("zlib", 9))  # fmt: skip
    return buffer.getvalue()


def _without_arrays(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        if value.dtype.name not in _NUMBERS:
            raise TypeError(f"an array of {value.dtype.name} can't be kept in a model file")
        ordered = np.ascontiguousarray(value, value.dtype.newbyteorder("<"))
        return {"is": _ARRAY, "dtype": value.dtype.name, "shape": list(value.shape),
                "data": ordered.tobytes()}  # fmt: skip
    if isinstance(value, Mapping):
        return {str(name): _without_arrays(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_arrays(part) for part in value]
    if isinstance(value, (str, bool, int, float)) or value is None:
        return value
    raise TypeError(f"a {type(value).__name__} can't be kept in a model file")


def _with_arrays(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get("is") == _ARRAY:
            return _array(value)
        return {str(name): _with_arrays(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_with_arrays(part) for part in value]
    return value


def _array(packed: Mapping[str, Any]) -> Any:
    name, shape = packed["dtype"], packed["shape"]
    if name not in _NUMBERS:
        raise ModelRefused(f"it holds an array of {str(name)[:20]}; only numbers are taken")
    little = np.dtype(name).newbyteorder("<")
    return np.frombuffer(packed["data"], little).astype(np.dtype(name)).reshape(shape)


def _described(data: bytes) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def _believed_manifest(
    data: bytes, name: str, version: str, pin: str | None, key: bytes | None
) -> dict[str, Any]:
    if pin is None and key is None:
        raise ModelRefused("it is not pinned and no key was given to check its signature")
    if pin is not None and not hmac.compare_digest(hashlib.sha256(data).hexdigest(), pin):
        raise ModelRefused("its manifest is not the one that this release ships")
    manifest = json.loads(data)
    if not isinstance(manifest, dict):
        raise ModelRefused("its manifest is no mapping")
    if pin is None and key is not None:
        claimed = str(manifest.get("signature", ""))
        if not hmac.compare_digest(signature(manifest, key).encode(), claimed.encode()):
            raise ModelRefused("its signature is missing or of another key")
    stated = (manifest.get("format"), manifest.get("name"), manifest.get("version"))
    if stated != (FORMAT, name, version):
        raise ModelRefused(f"its manifest is of {stated[1]} {stated[2]}, format {stated[0]}")
    return manifest


def _checked(data: bytes, described: Mapping[str, Any]) -> bytes:
    found = hashlib.sha256(data).hexdigest()
    if len(data) != described["bytes"] or not hmac.compare_digest(found, described["sha256"]):
        raise ModelRefused("a file is not the one that its manifest names")
    return data


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(_LARGEST_FILE + 1)
    if len(data) > _LARGEST_FILE:
        raise ModelRefused(f"{path.name} is larger than {_LARGEST_FILE:,} bytes")
    return data


def _is_plain(name: str) -> bool:
    return name.isascii() and name.replace("-", "").replace("_", "").isalnum() and len(name) <= 60


def _is_version(version: str) -> bool:
    parts = version.split(".")
    return len(parts) == 3 and all(p.isascii() and p.isdigit() and len(p) <= 9 for p in parts)


def _refuse_name(name: str, version: str) -> None:
    if not _is_plain(name):
        raise ModelRefused(f"{name[:40]!r} is no model name; use letters, digits, - and _")
    version_key(version)


@contextmanager
def _appearing(target: Path) -> Iterator[Path]:
    """A hidden directory that becomes `target` in one step, or vanishes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with _only_one(target.parent):
        for leftover in target.parent.glob(f"{_HIDDEN}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        hidden = Path(tempfile.mkdtemp(prefix=_HIDDEN, dir=target.parent))
        try:
            yield hidden
            hidden.chmod(0o755)
            _flush_directory(hidden)
            _take_place(hidden, target)
            _flush_directory(target.parent)
        except BaseException:
            shutil.rmtree(hidden, ignore_errors=True)
            raise


def _take_place(hidden: Path, target: Path) -> None:
    try:
        hidden.rename(target)
    except OSError:
        if not target.exists():
            raise
        raise Conflict(f"model {target.parent.name} {target.name} exists") from None


@contextmanager
def _only_one(directory: Path) -> Iterator[None]:
    """Keep other publishers of the same name waiting; a killed one lets go by itself."""
    with (directory / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _write_through(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _flush_directory(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
