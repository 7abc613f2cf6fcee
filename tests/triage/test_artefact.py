"""Model files: whole or absent, believed only when every byte is the right one."""

from __future__ import annotations

import bz2
import contextlib
import ctypes
import gzip
import hashlib
import io
import json
import lzma
import os
import pickle
import random
import zlib
from operator import methodcaller
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import Conflict, ModelMissing, ModelRefused
from triage import artefact
from triage.artefact import CARD, MANIFEST, PAYLOAD, load, manifest_pin, publish, versions

KEY = b"a key that only this test knows"
PARTS = {"numbers": np.arange(6, dtype=np.int8).reshape(2, 3), "name": "甲", "deep": [{"x": 1.5}]}


def published(root: Path, version: str = "1.0.0", name: str = "own", key: bytes = KEY) -> Path:
    """A small signed model."""
    return publish(root, name, version, PARTS, {"targets": {}}, f"# {name} {version}\n", key)


def test_what_is_published_is_what_is_loaded(tmp_path: Path) -> None:
    """Arrays keep type and shape."""
    published(tmp_path)
    payload = load(tmp_path, "own", "1.0.0", key=KEY).payload
    np.testing.assert_array_equal(payload["numbers"], PARTS["numbers"])
    assert payload["numbers"].dtype == np.int8
    assert payload["name"] == "甲"
    assert payload["deep"] == [{"x": 1.5}]


def test_joblib_reads_the_payload_as_plain_values(tmp_path: Path) -> None:
    """The file is what its name says."""
    directory = published(tmp_path)
    assert joblib.load(directory / PAYLOAD)["name"] == "甲"


def test_the_same_model_is_the_same_bytes(tmp_path: Path) -> None:
    """Nothing of time or place enters a file."""
    first, second = published(tmp_path / "a"), published(tmp_path / "b")
    for file in (PAYLOAD, MANIFEST, CARD):
        assert (first / file).read_bytes() == (second / file).read_bytes()


def test_a_pin_stands_for_a_signature(tmp_path: Path) -> None:
    """A shipped model needs no key."""
    directory = published(tmp_path)
    assert load(tmp_path, "own", "1.0.0", pin=manifest_pin(directory)).version == "1.0.0"


def test_without_pin_or_key_nothing_is_loaded(tmp_path: Path) -> None:
    """There is no way around the check."""
    published(tmp_path)
    with pytest.raises(ModelRefused, match="not pinned and no key"):
        load(tmp_path, "own", "1.0.0")


def test_a_version_is_published_once(tmp_path: Path) -> None:
    """Versions don't change."""
    published(tmp_path)
    with pytest.raises(Conflict, match=r"own 1\.0\.0 exists"):
        published(tmp_path)


def test_every_flipped_bit_is_noticed(tmp_path: Path) -> None:
    """Three hundred flips anywhere in the three files."""
    directory = published(tmp_path)
    chance = random.Random(5)
    for _ in range(300):
        path = directory / chance.choice((PAYLOAD, MANIFEST, CARD))
        whole = path.read_bytes()
        flipped = bytearray(whole)
        flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
        path.write_bytes(flipped)
        with pytest.raises(ModelRefused):
            load(tmp_path, "own", "1.0.0", pin=hashlib.sha256(b"other").hexdigest())
        if path.name != MANIFEST or _means_something_else(whole, bytes(flipped)):
            with pytest.raises(ModelRefused):
                load(tmp_path, "own", "1.0.0", key=KEY)
        path.write_bytes(whole)
    assert load(tmp_path, "own", "1.0.0", key=KEY)


def _means_something_else(before: bytes, after: bytes) -> bool:
    """A flip may turn one JSON blank into another, which a signature of the meaning allows."""
    try:
        return json.loads(before) != json.loads(after)
    except ValueError:
        return True


@pytest.mark.parametrize("file", [PAYLOAD, MANIFEST, CARD])
@pytest.mark.parametrize("change", ["cut", "grown", "empty", "gone"])
def test_a_broken_file_is_refused(tmp_path: Path, file: str, change: str) -> None:
    """Cut, grown, emptied or deleted: the reason is said, nothing is loaded."""
    path = published(tmp_path) / file
    whole = path.read_bytes()
    if change == "gone":
        path.unlink()
    else:
        path.write_bytes({"cut": whole[:-3], "grown": whole + b"  x", "empty": b""}[change])
    with pytest.raises(ModelRefused, match=r"own 1\.0\.0 is not loaded"):
        load(tmp_path, "own", "1.0.0", key=KEY)


def test_files_of_another_version_are_refused(tmp_path: Path) -> None:
    """A good signature of another model opens nothing."""
    old, new = published(tmp_path), published(tmp_path, "1.1.0")
    for file in (PAYLOAD, MANIFEST, CARD):
        (new / file).write_bytes((old / file).read_bytes())
    with pytest.raises(ModelRefused, match=r"manifest is of own 1\.0\.0"):
        load(tmp_path, "own", "1.1.0", key=KEY)


def test_swapped_payloads_are_refused(tmp_path: Path) -> None:
    """The manifest names the bytes."""
    first, second = published(tmp_path), published(tmp_path, name="other")
    (first / CARD).write_bytes((second / CARD).read_bytes())
    with pytest.raises(ModelRefused, match="not the one that its manifest names"):
        load(tmp_path, "own", "1.0.0", key=KEY)


def test_a_new_manifest_without_the_key_is_refused(tmp_path: Path) -> None:
    """Who can write files but lacks the key can't make them believed."""
    published(tmp_path, key=b"the attacker's own key")
    with pytest.raises(ModelRefused, match="signature is missing or of another key"):
        load(tmp_path, "own", "1.0.0", key=KEY)


def test_a_version_below_the_floor_is_refused(tmp_path: Path) -> None:
    """An old model is no way back in."""
    published(tmp_path)
    with pytest.raises(ModelRefused, match=r"older than 1\.0\.1"):
        load(tmp_path, "own", "1.0.0", key=KEY, floor="1.0.1")


def test_a_missing_model_is_missing(tmp_path: Path) -> None:
    """Not there is another thing than not believed."""
    with pytest.raises(ModelMissing):
        load(tmp_path, "own", "1.0.0", key=KEY)


@pytest.mark.parametrize("name", ["../own", "a/b", "", "甲", "x" * 61, ".new"])
def test_a_name_that_could_leave_the_directory_is_refused(tmp_path: Path, name: str) -> None:
    """Names are letters, digits, - and _."""
    with pytest.raises(ModelRefused, match="is no model name"):
        load(tmp_path, name, "1.0.0", key=KEY)


@pytest.mark.parametrize("version", ["1", "1.0", "1.0.x", "1.0.0.0", "..", "1.0.٣", "1.0.-1"])
def test_a_version_has_three_numbers(tmp_path: Path, version: str) -> None:
    """Versions can be ordered."""
    with pytest.raises(ModelRefused, match="is no version"):
        load(tmp_path, "own", version, key=KEY)


def test_versions_are_ordered_as_numbers(tmp_path: Path) -> None:
    """1.10 comes after 1.9; strange directories are passed over."""
    for version in ("1.10.0", "1.9.2"):
        published(tmp_path, version)
    (tmp_path / "own" / "latest").mkdir()
    assert versions(tmp_path, "own") == ["1.9.2", "1.10.0"]


def test_a_failed_publication_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk in the middle leaves no half model."""

    def full(path: Path, data: bytes) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(artefact, "_write_through", full)
    with pytest.raises(OSError, match="no space left"):
        published(tmp_path)
    assert versions(tmp_path, "own") == []
    assert [p for p in (tmp_path / "own").iterdir() if p.is_dir()] == []


def test_what_a_killed_publication_left_is_cleared(tmp_path: Path) -> None:
    """The next publication of that name sweeps up."""
    leftover = tmp_path / "own" / ".new-abc"
    leftover.mkdir(parents=True)
    published(tmp_path)
    assert not leftover.exists()


class _Hostile:
    """Pickles as a call that would leave a mark."""

    def __init__(self, call: Any, *arguments: Any) -> None:
        self.call, self.arguments = call, arguments

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.call, self.arguments


class _Setting:
    """Pickles with a state that an unwary reader would set."""

    def __getstate__(self) -> dict[str, int]:
        return {"x": 1}


def hostile_pickles(marker: Path) -> list[bytes]:
    """Pickles that would create the marker in many ways."""
    command = f"touch {marker}"
    calls = [
        _Hostile(os.system, command),
        _Hostile(eval, f"open({str(marker)!r}, 'w')"),
        _Hostile(exec, f"open({str(marker)!r}, 'w')"),
        _Hostile(open, str(marker), "w"),
        _Hostile(methodcaller("touch"), marker),
        _Hostile(ctypes.CDLL, "libm.so.6"),
        _Hostile(compile, "1", "x", "eval"),
        _Setting(),
        np.array([_Hostile(os.system, command)], dtype=object),
        [np.arange(3), _Hostile(os.system, command)],
    ]
    plain = [pickle.dumps({"x": call}) for call in calls]
    return [*plain, b"cposix\nsystem\n(S'" + command.encode() + b"'\ntR.", b"\x80\x04P0\n."]


@pytest.mark.parametrize("wrap", [bytes, zlib.compress, gzip.compress, bz2.compress, lzma.compress])
def test_no_hostile_pickle_runs_even_when_signed(tmp_path: Path, wrap: Any) -> None:
    """Somebody with the key still can't smuggle in a call: no class is ever looked up."""
    marker = tmp_path / "marker"
    for number, data in enumerate(hostile_pickles(marker)):
        directory = published(tmp_path, f"1.0.{number}")
        _resign(directory, wrap(data), len(data))
        with pytest.raises(ModelRefused):
            load(tmp_path, "own", f"1.0.{number}", key=KEY)
    assert not marker.exists()


def test_a_claim_of_ten_gigabytes_is_refused(tmp_path: Path) -> None:
    """A few bytes that unpack to a lot are not unpacked."""
    directory = published(tmp_path)
    _resign(directory, zlib.compress(b"\x00" * 1_000_000), 10 << 30)
    with pytest.raises(ModelRefused, match="it claims 10,737,418,240 bytes"):
        load(tmp_path, "own", "1.0.0", key=KEY)
    _resign(directory, zlib.compress(b"\x80\x04\x8e" + (10 << 30).to_bytes(8, "little")), 11)
    with pytest.raises(ModelRefused, match="can't be unpacked"):
        load(tmp_path, "own", "1.0.0", key=KEY)


def _resign(directory: Path, payload: bytes, unpacked: int) -> None:
    """Put another payload in place, with checksums and signature that fit."""
    manifest = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
    manifest["files"][PAYLOAD] = {
        "sha256": hashlib.sha256(payload).hexdigest(),
        "bytes": len(payload),
        "unpacked_bytes": unpacked,
    }
    manifest["signature"] = artefact.signature(manifest, KEY)
    (directory / PAYLOAD).write_bytes(payload)
    (directory / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused_and_nothing_else(data: bytes) -> None:
    """Whatever stands in a payload, the only failure is a refusal."""
    packed = zlib.compress(data)
    with contextlib.suppress(ModelRefused):
        artefact.unpacked(packed, {"unpacked_bytes": len(data)})


def test_an_array_of_objects_is_not_written(tmp_path: Path) -> None:
    """Only numbers go into a file."""
    with pytest.raises(TypeError, match="object"):
        publish(tmp_path, "own", "1.0.0", {"x": np.array([{}], object)}, {}, "", KEY)


def test_payload_is_read_through_plain_containers_only() -> None:
    """A pickled class by name is refused, whatever its state."""
    buffer = io.BytesIO()
    joblib.dump({"x": Path("/")}, buffer, compress=("zlib", 3))
    data = buffer.getvalue()
    with pytest.raises(ModelRefused, match="it names pathlib"):
        artefact.unpacked(data, {"unpacked_bytes": len(zlib.decompress(data))})
