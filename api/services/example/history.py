"""Write an example history: tables of complaints, sales and measures, and the truth."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from api.services.example.casework import Case, Casework
from api.services.example.customers import Customers
from api.services.example.dirt import Dirt, Row, shuffled_late
from api.services.example.exposure import SALES_COLUMNS, SERVED_COLUMNS, Exposure
from api.services.example.incidents import Course, Incident
from api.services.example.planting import Period, Plan, all_plants, plan_history
from api.services.example.retailer import Retailer, read_retailer
from api.services.example.storyteller import Storyteller, Told
from api.services.example.truth import Truth
from domain.errors import SettingRefused
from domain.taxonomy import shipped_taxonomy

LAST_DAY = date(2025, 8, 31)
CAUSES = tuple(plant.name for plant in all_plants())
COLUMNS = (
    "id", "text", "received_at", "channel", "customer_id", "customer_value", "customer_spend",
    "department", "product", "batch", "region", "outlet", "courier", "category", "issues", "tier",
    "sentiment", "acknowledged_at", "plan_at", "resolved_at", "answered_at", "followed_up_at",
    "substantiated", "cause", "satisfaction", "channel_satisfaction", "answer_satisfaction", "nps",
    "retained", "cost", "compensation", "repeat_of", "escalated_to", "reopened", "returned",
    "handler", "team", "improvement",
)  # fmt: skip
MEASURE_COLUMNS = (
    "id", "name", "issue", "product", "batch", "region", "outlet", "channel", "owner", "done_on",
    "cost",
)  # fmt: skip
_PROGRESS_EVERY = 2000
_MAX_WEEKS = 1040
_MAX_COMPLAINTS = 20_000_000


@dataclass(frozen=True)
class Summary:
    """What was written: where, how much, what is planted and what is left out and why."""

    out: Path
    complaints: int
    weeks: int
    start: date
    planted: tuple[str, ...]
    decoys: tuple[str, ...]
    left_out: dict[str, str]
    truth: dict[str, Any]


def write_history(
    out: Path,
    complaints: int = 20_000,
    weeks: int = 26,
    seed: int = 7,
    causes: Literal["all", "none"] | Iterable[str] = "all",
    start: date | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Write a history into a directory; the same arguments give the same bytes.

    `progress(done, of)` is called now and then. `causes` is "all", "none" or names of
    `CAUSES`; what does not fit the weeks or the number of complaints is left out and named.
    """
    _check(complaints, weeks)
    period = Period(start or LAST_DAY - timedelta(days=7 * weeks - 1), weeks)
    plan = plan_history(period, complaints, causes)
    shop = read_retailer()
    truth = Truth(plan, shop, seed)
    out.mkdir(parents=True, exist_ok=True)
    rows = shuffled_late(_rows(shop, plan, seed, truth), complaints, seed)
    _write(out / "complaints.csv", COLUMNS, _counted(_in_order(rows), complaints, progress))
    exposure = Exposure(shop, plan, seed)
    _write(out / "sales.csv", SALES_COLUMNS, exposure.sales())
    _write(out / "served.csv", SERVED_COLUMNS, exposure.served())
    _write(out / "measures.csv", MEASURE_COLUMNS, _measures(plan))
    document = truth.document()
    _write_text(out / "planted.json", json.dumps(document, ensure_ascii=False, indent=2) + "\n")
    for name in ("examples.csv", "README.md"):
        _write_text(out / name, files("api.services.example").joinpath(name).read_text("utf-8"))
    return _summary(out, plan, document)


def _check(complaints: int, weeks: int) -> None:
    if not 1 <= complaints <= _MAX_COMPLAINTS:
        raise SettingRefused(f"complaints is {complaints:,}; 1 to {_MAX_COMPLAINTS:,} can be made")
    if not 1 <= weeks <= _MAX_WEEKS:
        raise SettingRefused(f"weeks is {weeks}; 1 to {_MAX_WEEKS} can be made")


def _rows(shop: Retailer, plan: Plan, seed: int, truth: Truth) -> Iterator[Row]:
    """The complaints in the order in which they were received."""
    period = plan.period
    course = Course(shop, plan, Customers(shop, plan.complaints, seed), seed)
    teller, dirt = Storyteller(seed), Dirt(shop, seed)
    casework = Casework(datetime.combine(period.first_day(period.weeks + 1), time()), seed)
    told: dict[int, Told] = {}
    taxonomy = shipped_taxonomy()
    for incident in course.incidents():
        text = told.get(incident.copy_of) or teller.tell(incident)
        told[incident.number] = text
        told.pop(incident.number - _PROGRESS_EVERY * 3, None)
        truth.add(incident)
        category = taxonomy.category_of(incident.issues)
        yield dirt.soil(_row(incident, text, casework.work(incident, text), category))


def _row(incident: Incident, told: Told, case: Case, category: str) -> Row:
    return {
        "id": _id(incident.number),
        "text": told.text,
        "received_at": incident.received.isoformat(),
        "channel": incident.channel,
        "customer_id": incident.customer.id,
        "customer_value": incident.customer.value,
        "customer_spend": str(incident.customer.spend),
        "department": incident.product.department,
        "product": incident.product.name,
        "batch": incident.batch,
        "region": incident.region.name,
        "outlet": incident.outlet,
        "courier": incident.courier,
        "category": category,
        "issues": "|".join(incident.issues),
        "tier": told.tier,
        "sentiment": told.sentiment,
        "repeat_of": _id(incident.repeat_of) if incident.repeat_of else "",
        **case._asdict(),
    }


def _id(number: int) -> str:
    return f"T{number:08d}"


def _in_order(rows: Iterable[Row]) -> Iterator[list[str]]:
    return ([row[column] for column in COLUMNS] for row in rows)


def _counted(
    rows: Iterable[list[str]], whole: int, progress: Callable[[int, int], None] | None
) -> Iterator[list[str]]:
    for done, row in enumerate(rows, start=1):
        yield row
        if progress and (done % _PROGRESS_EVERY == 0 or done == whole):
            progress(done, whole)


def _measures(plan: Plan) -> Iterator[list[str]]:
    plants = {plant.name: plant for plant in plan.plants}
    for measure in plan.measures:
        plant = plants[measure.plant]
        row = {
            "id": measure.id,
            "name": measure.name,
            "issue": plant.issues[0],
            "owner": measure.owner,
            "done_on": plan.period.first_day(measure.done).isoformat(),
            "cost": str(measure.cost),
        }
        row |= dict(measure.attributes or plant.attributes)
        yield [row.get(column, "") for column in MEASURE_COLUMNS]


def _write(path: Path, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _summary(out: Path, plan: Plan, document: dict[str, Any]) -> Summary:
    return Summary(
        out,
        plan.complaints,
        plan.period.weeks,
        plan.period.start,
        tuple(plant["name"] for plant in document["plants"]),
        tuple(decoy["name"] for decoy in document["decoys"]),
        dict(plan.left_out),
        document,
    )
