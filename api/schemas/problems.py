"""Problems, measures, effects."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.fields import Amount, Day, Label, Strict, Title

Severity = Literal["轻微", "一般", "严重"]
Prose = Annotated[str, Field(min_length=1, max_length=4_000, pattern=r"\S")]
Lines = Annotated[list[Prose], Field(max_length=30)]
Version = Annotated[int, Field(ge=1, le=2**31 - 1)]
Units = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]


def _example(**fields: Any) -> ConfigDict:
    return ConfigDict(strict=True, extra="forbid", json_schema_extra={"example": fields})


class PlaceIn(Strict):
    """One value of one attribute."""

    model_config = _example(attribute="product", value="清漪L10")

    attribute: Label
    value: Label


Places = Annotated[list[PlaceIn], Field(max_length=40)]


class RaisedFromIn(Strict):
    """A finding, a warning or a frequent issue of a report, by its place in the list."""

    model_config = _example(report="rep_0123456789abcdef0123456789abcdef", kind="finding", place=0)

    report: Annotated[str, Field(min_length=1, max_length=60)]
    kind: Literal["finding", "warning", "frequent"]
    place: Annotated[int, Field(ge=0, le=100_000)]


class ProblemIn(Strict):
    """A frequent problem; what is raised from a report needs nothing else."""

    model_config = _example(
        issue="1001",
        places=[{"attribute": "product", "value": "清漪L10"}],
        severity="严重",
        containment="在库机停售，已售机上门检查",
    )

    raised_from: RaisedFromIn | None = None
    issue: Label | None = None
    places: Places | None = None
    title: Title | None = None
    department: Label | None = None
    severity: Severity | None = None
    owner: Title | None = None
    since: Day | None = None
    cost: Amount | None = None
    containment: Prose | None = None


class FishboneIn(Strict):
    """Causes by 人机料法环."""

    model_config = _example(料="排水泵叶轮偏脆")

    人: Lines | None = None
    机: Lines | None = None
    料: Lines | None = None
    法: Lines | None = None
    环: Lines | None = None


class CausesIn(Strict):
    """Why after why, a list, a fishbone, and the root."""

    model_config = _example(
        whys=["水泵停转", "叶轮断裂", "材料换了供应商"], root="来料检验没有冲击项"
    )

    whys: Lines | None = None
    list: Lines | None = None
    fishbone: FishboneIn | None = None
    root: Prose | None = None


class ProblemEditIn(Strict):
    """What is to change; what is not given stays."""

    model_config = _example(version=3, containment="在库机停售")

    version: Version
    title: Title | None = None
    severity: Severity | None = None
    since: Day | None = None
    cost: Amount | None = None
    containment: Prose | None = None
    causes: CausesIn | None = None
    lesson: Prose | None = None


class OwnerIn(Strict):
    """Who owns a problem from now on."""

    model_config = _example(owner="陆工", version=1)

    owner: Title
    version: Version


class EndIn(Strict):
    """How a problem ends; known and accepted ones name the day on which they are seen again."""

    model_config = _example(ending="closed", reason="连续 13 周低于预期", version=7)

    ending: Literal["closed", "known", "accepted"]
    reason: Prose
    review_on: Day | None = None
    lesson: Prose | None = None
    version: Version


class ReopenIn(Strict):
    """Why an ended problem is taken up again."""

    model_config = _example(reason="新批次又出现同样问题", version=8)

    reason: Prose
    version: Version


class ProblemMergeIn(Strict):
    """The problem that takes this one in."""

    model_config = _example(into="prb_0123456789abcdef01234567", version=2)

    into: Annotated[str, Field(min_length=1, max_length=40)]
    version: Version


class SplitIn(Strict):
    """Places of this problem that become one of their own."""

    model_config = _example(places=[{"attribute": "batch", "value": "L10-B3"}], version=2)

    places: Annotated[list[PlaceIn], Field(min_length=1, max_length=40)]
    title: Title | None = None
    version: Version


class LinkIn(Strict):
    """A complaint that belongs to a problem, or does not, whatever the pattern says."""

    model_config = _example(complaint="T00000001", belongs=True)

    complaint: Label
    belongs: bool


class MeasureIn(Strict):
    """A measure; it needs an owner and a date before it can be approved."""

    model_config = _example(
        title="更换排水泵供应商", owner="陆工", due_on="2026-06-02", cost=86_000
    )

    title: Title
    detail: Prose | None = None
    origin: Literal["own", "front line", "solved problem"] | None = None
    owner: Title | None = None
    due_on: Day | None = None
    cost: Amount | None = None
    places: Places | None = None
    lag_weeks: Annotated[int, Field(ge=0, le=52)] | None = None


class MeasureEditIn(Strict):
    """What is to change of a measure; it then needs to be approved again."""

    model_config = _example(version=1, due_on="2026-06-09")

    version: Version
    title: Title | None = None
    detail: Prose | None = None
    owner: Title | None = None
    due_on: Day | None = None
    cost: Amount | None = None
    places: Places | None = None
    lag_weeks: Annotated[int, Field(ge=0, le=52)] | None = None


class VersionIn(Strict):
    """The version that the caller has read."""

    model_config = _example(version=2)

    version: Version


class DoneIn(Strict):
    """On which day a measure was carried out, and what shows it."""

    model_config = _example(
        done_on="2026-06-02", evidence="变更单 2026-118，首批到货检验合格", version=2
    )

    done_on: Day
    evidence: Prose
    cost: Amount | None = None
    version: Version


class DropIn(Strict):
    """Why a measure is given up."""

    model_config = _example(reason="供应商停产", version=2)

    reason: Prose
    version: Version


class ExposureRowIn(Strict):
    """Units sold or served in the seven days from a day on, at one place."""

    model_config = _example(week_start="2026-06-01", product="清漪L10", units=420)

    week_start: Day
    product: Label | None = None
    batch: Label | None = None
    region: Label | None = None
    outlet: Label | None = None
    units: Units


class ExposureIn(Strict):
    """Denominators; the newest figure for a week and place stands."""

    model_config = _example(rows=[{"week_start": "2026-06-01", "product": "清漪L10", "units": 420}])

    department: Label | None = None
    rows: Annotated[list[ExposureRowIn], Field(min_length=1, max_length=5_000)]


class ExposureOut(BaseModel):
    """How many rows were taken."""

    rows: int


class MeasureOut(BaseModel):
    """A measure with its newest effect."""

    id: str
    problem: str
    title: str
    detail: str | None
    origin: str
    state: Literal["suggested", "planned", "done", "dropped"]
    owner: str | None
    due_on: str | None
    cost: float | None
    places: list[dict[str, str]]
    lag_weeks: int
    done_on: str | None
    evidence: str | None
    proposed_by: str
    decided_by: str | None
    decided_at: datetime | None
    reason: str | None
    version: int
    created_at: datetime
    effect: dict[str, Any] | None


class ProblemItem(BaseModel):
    """A problem as it is listed."""

    id: str
    title: str
    issue: str
    issue_name: str
    places: list[dict[str, str]]
    department: str | None
    severity: Severity
    state: Literal["open", "owned", "acting", "watching", "closed", "known", "accepted", "merged"]
    owner: str | None
    since: str | None
    cost: float | None
    complaints: int
    counting: bool
    reason: str | None
    ended_at: datetime | None
    ended_by: str | None
    review_on: str | None
    reopened: int
    merged_into: str | None
    split_from: str | None
    version: int
    created_at: datetime
    by: str


class ProblemListed(ProblemItem):
    """A problem in a list, with the newest verdict on it."""

    verdict: str | None


class ProblemList(BaseModel):
    """A page of problems."""

    items: list[ProblemListed]
    next: str | None


class ProblemFull(ProblemItem):
    """A problem with its evidence, measures and history."""

    first_received: datetime | None
    last_received: datetime | None
    spent: float
    source: dict[str, Any]
    causes: dict[str, Any]
    containment: str | None
    lesson: str | None
    measures: list[MeasureOut]
    events: list[dict[str, Any]]


class Cards(BaseModel):
    """What worked against an issue."""

    items: list[dict[str, Any]]


class LinkedList(BaseModel):
    """Complaints of a problem."""

    items: list[dict[str, Any]]
    next: str | None


class DueOut(BaseModel):
    """Measures that are due within a week, and those whose day has passed."""

    due: list[dict[str, Any]]
    overdue: list[dict[str, Any]]


class SheetOut(BaseModel):
    """What the monthly improvement meeting looks at."""

    month: str
    indicators: dict[str, Any]
    open: list[dict[str, Any]]
    due: list[dict[str, Any]]
    overdue: list[dict[str, Any]]
    measured: list[dict[str, Any]]
    ended: list[dict[str, Any]]
