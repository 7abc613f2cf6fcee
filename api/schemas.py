"""What goes over the wire, as the OpenAPI document describes it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

CHINESE = "[\u3400-\u9fff\uf900-\ufaff]"
Text = Annotated[
    str,
    WithJsonSchema(
        {
            "type": "string",
            "minLength": 1,
            "maxLength": 10_000,
            "pattern": CHINESE,
            "description": "1 to 10,000 characters, Chinese among them",
        }
    ),
]
Label = Annotated[str, Field(min_length=1, max_length=200)]
Long = Annotated[str, Field(min_length=1, max_length=10_000)]
Time = Annotated[
    str,
    Field(
        max_length=40, min_length=1, description="ISO 8601; without an offset Chinese local time"
    ),
    WithJsonSchema({"type": "string", "format": "date-time", "maxLength": 40, "minLength": 1}),
]
Day = Annotated[
    str,
    Field(pattern=r"^(19|20|21)\d\d-\d\d-\d\d$"),
    WithJsonSchema({"type": "string", "format": "date"}),
]
TierName = Literal["普通", "紧急", "重大"]
SentimentName = Literal["正面", "中性", "不满", "焦虑", "愤怒"]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Amount = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]
Score = Annotated[float, Field(ge=1, le=5, allow_inf_nan=False)]


class Strict(BaseModel):
    """Takes JSON types as they are, without turning one into another."""

    model_config = ConfigDict(strict=True)


class Columns(Strict):
    """The known columns of a complaint beside its text; attributes declared may come too."""

    received_at: Time | None = None
    channel: Label | None = None
    customer_id: Label | None = None
    customer_value: Literal["高价值", "普通", "潜在风险"] | None = None
    customer_spend: Amount | None = None
    department: Label | None = None
    product: Label | None = None
    batch: Label | None = None
    region: Label | None = None
    outlet: Label | None = None
    category: Label | None = None
    issues: Annotated[list[Label], Field(max_length=4)] | None = None
    tier: TierName | None = None
    sentiment: SentimentName | None = None
    acknowledged_at: Time | None = None
    plan_at: Time | None = None
    resolved_at: Time | None = None
    answered_at: Time | None = None
    followed_up_at: Time | None = None
    substantiated: bool | None = None
    cause: Long | None = None
    satisfaction: Score | None = None
    channel_satisfaction: Score | None = None
    answer_satisfaction: Score | None = None
    nps: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] | None = None
    retained: bool | None = None
    cost: Amount | None = None
    compensation: Amount | None = None
    repeat_of: Label | None = None
    escalated_to: Literal["纠纷", "舆情", "诉讼"] | None = None
    reopened: bool | None = None
    returned: bool | None = None
    handler: Label | None = None
    team: Label | None = None
    improvement: Long | None = None


def _example(**fields: Any) -> ConfigDict:
    return ConfigDict(strict=True, json_schema_extra={"example": fields})


_COMPLAINT = {
    "id": "2026-0001",
    "text": "手机用了三天屏幕一直闪，客服电话打不通，再不解决我就去12315投诉！",
    "received_at": "2026-02-14T15:00:00+08:00",
    "channel": "电话",
    "product": "青梧X5",
}


class ComplaintIn(Columns):
    """A complaint to be decided."""

    model_config = _example(**_COMPLAINT)

    id: Label | None = None
    text: Text


class BatchIn(Strict):
    """Up to 1,000 complaints; a bad one gets its own error."""

    model_config = _example(complaints=[_COMPLAINT])

    complaints: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=1_000)]


class Category(BaseModel):
    """The first level of the taxonomy."""

    code: str | None
    name: str
    confidence: Share
    alternatives: list[dict[str, Any]] = []


class Issue(BaseModel):
    """An issue code."""

    code: str
    name: str
    confidence: Share


class TierOut(BaseModel):
    """How bad it is, and why."""

    label: TierName
    confidence: Share
    reasons: list[Any]


class SentimentOut(BaseModel):
    """The mood."""

    label: SentimentName
    confidence: Share
    anger: Share
    anxiety: Share


class Route(BaseModel):
    """Who must act, and by when."""

    queue: str
    skills: list[str]
    lane: str
    acknowledge_by: datetime | None
    resolve_by: datetime | None
    plan_by: datetime | None = None
    escalations: list[Any]


class Evidence(BaseModel):
    """Words that weighed in; offsets count code points of the text that was sent.

    In a stored complaint that is read back they count those of its masked `text`.
    """

    text: str
    start: int
    end: int
    target: str
    weight: float


class ModelName(BaseModel):
    """Which model decided."""

    name: str
    version: str


class Decision(BaseModel):
    """What was decided of one complaint."""

    id: str | None = None
    category: Category
    issues: list[Issue]
    tier: TierOut
    sentiment: SentimentOut
    route: Route
    abstained: bool
    evidence: list[Evidence]
    model: ModelName
    taxonomy_version: str


class Waiting(BaseModel):
    """A complaint that is stored and waits for a model."""

    id: str
    state: Literal["pending", "failed"]
    reason: str | None


class ProblemOut(BaseModel):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[dict[str, Any]] = []


class RowOut(BaseModel):
    """One row's decision or its problem."""

    row: int
    decision: Decision | None = None
    problem: ProblemOut | None = None


class BatchOut(BaseModel):
    """Decisions in the order of the rows."""

    results: list[RowOut]


class ComplaintOut(BaseModel):
    """A complaint as it is stored: masked."""

    id: str
    state: Literal["decided", "pending", "failed"]
    reason: str | None
    department: str | None
    received_at: datetime
    stored_at: datetime
    text: str
    columns: dict[str, Any]
    attributes: dict[str, str]
    labels: dict[str, Any] | None
    decision: dict[str, Any] | None
    deadlines: dict[str, datetime | None]
    change: str


class ComplaintList(BaseModel):
    """A page of complaints; `next` is the cursor of the page after it."""

    items: list[ComplaintOut]
    next: str | None


class LabelsIn(Strict):
    """What a person says that a complaint is."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        json_schema_extra={"example": {"category": "缺陷故障", "issues": ["1001"], "tier": "紧急"}},
    )

    category: Label | None = None
    issues: Annotated[list[Label], Field(max_length=4)] | None = None
    tier: TierName | None = None
    sentiment: SentimentName | None = None


class ReasonIn(Strict):
    """Why somebody wants to see what is masked."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        json_schema_extra={"example": {"reason": "客户来电核实地址"}},
    )

    reason: Annotated[str, Field(min_length=4, max_length=500)]


class Original(BaseModel):
    """The text as the customer wrote it."""

    id: str
    text: str


class Accepted(BaseModel):
    """Work that goes on by itself; look at `job` for how far it is."""

    id: str
    job: str


class ImportOut(BaseModel):
    """An import and how far it is; once it is done, which columns of the file were not stored."""

    id: str
    job: str
    state: str
    reason: str | None
    name: str
    rows_in: int
    rows_ok: int
    rows_rejected: int
    rows_added: int
    columns_not_kept: list[str]
    advice: str | None
    errors: list[dict[str, Any]]
    next_error: int | None


class ReportIn(Strict):
    """The period and the attributes of a root-cause report."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        json_schema_extra={
            "example": {
                "start": "2026-01-01",
                "end": "2026-03-31",
                "items": ["product", "region"],
                "title": "一季度根因",
            }
        },
    )

    start: Day | None = None
    end: Day | None = None
    items: Annotated[list[Label], Field(min_length=1, max_length=20)] | None = None
    department: Label | None = None
    title: Label | None = None


class ReportOut(BaseModel):
    """A report and how far it is."""

    id: str
    job: str
    state: str
    reason: str | None
    parameters: dict[str, Any]
    created_at: datetime


class ReportList(BaseModel):
    """The newest reports."""

    items: list[ReportOut]


class JobOut(BaseModel):
    """A job and how far it is."""

    id: str
    kind: str
    state: Literal["queued", "running", "done", "failed"]
    reason: str | None
    done: int
    total: int
    attempts: int
    created_at: datetime
    finished_at: datetime | None


class ModelOut(BaseModel):
    """A model and its versions."""

    name: str
    version: str | None
    versions: list[str]
    reason: str | None


class ModelList(BaseModel):
    """The models on the shelf."""

    items: list[ModelOut]


class ActivateIn(Strict):
    """Which version shall decide."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        json_schema_extra={"example": {"version": "1.0.0"}},
    )

    version: Annotated[str, Field(pattern=r"^\d{1,9}\.\d{1,9}\.\d{1,9}$")]


class Health(BaseModel):
    """Whether the service can do its work."""

    status: Literal["ok", "degraded", "unavailable"]
    checks: dict[str, str]
    warnings: list[str]
