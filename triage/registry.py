"""Which model of which version, from the shipped ones or an organisation's own."""

from __future__ import annotations

from pathlib import Path

from domain.errors import ModelMissing
from triage import artefact
from triage.desk import Desk
from triage.model import Model
from triage.routing import Routing
from triage.shipped import PINNED
from triage.tier import TierPolicy

SHIPPED = Path(__file__).resolve().parents[1] / "models"
BASE = "complaints"


def open_model(
    name: str,
    version: str | None = None,
    *,
    root: Path = SHIPPED,
    key: bytes | None = None,
    floor: str | None = None,
) -> Model:
    """Load a model after every check.

    Parameters
    ----------
    name : str
    version : str, optional
        By default the newest that is there.
    root : Path, optional
        Directory of all models; by default the shipped ones.
    key : bytes, optional
        Checks the signature of a model that this release does not ship.
    floor : str, optional
        Oldest version that may still be loaded.

    Returns
    -------
    Model

    Raises
    ------
    ModelMissing
        There is no model of that name and version.
    ModelRefused
        As `triage.artefact.load`.
    """
    if version is None:
        there = artefact.versions(root, name)
        if not there:
            raise ModelMissing(f"there is no model {name[:60]!r}; known are {_known(root)}")
        version = there[-1]
    pin = PINNED.get((name, version)) if root == SHIPPED else None
    return Model.from_file(artefact.load(root, name, version, pin=pin, key=key, floor=floor))


def open_desk(
    name: str = BASE,
    version: str | None = None,
    *,
    root: Path = SHIPPED,
    key: bytes | None = None,
    floor: str | None = None,
    routing: Routing | None = None,
    policy: TierPolicy | None = None,
) -> Desk:
    """A desk of one model, with the shipped `complaints` model for what it does not decide.

    Parameters
    ----------
    name, version, root, key, floor
        As `open_model` takes them.
    routing : Routing, optional
    policy : TierPolicy, optional

    Returns
    -------
    Desk

    Examples
    --------
    >>> from domain.calendar import parse_time
    >>> desk = open_desk()
    >>> decision = desk.decide("充电时手机起火了，烫伤了手", parse_time("2026-02-14 15:00"))
    >>> decision.tier.label, decision.route.acknowledge_by.isoformat()
    ('重大', '2026-02-14T16:00:00+08:00')
    """
    model = open_model(name, version, root=root, key=key, floor=floor)
    complete = set(model.heads) >= {"category", "issues", "tier", "sentiment"}
    base = None if complete else open_model(BASE)
    return Desk(model, base, routing=routing, policy=policy)


def _known(root: Path) -> str:
    names = (
        sorted(entry.name for entry in root.iterdir() if entry.is_dir()) if root.is_dir() else []
    )
    return ", ".join(name for name in names if artefact.versions(root, name)) or "none"
