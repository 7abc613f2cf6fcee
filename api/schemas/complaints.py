"""A complaint as it comes in, is listed, corrected and unmasked."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.decision import Decision
from api.schemas.fields import (
    Amount,
    Label,
    Long,
    Score,
    SentimentName,
    Strict,
    Text,
    TierName,
    Time,
    example,
)
from api.schemas.operations import ProblemOut


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


_COMPLAINT = {
    "id": "2026-0001",
    "text": "手机用了三天屏幕一直闪，客服电话打不通，再不解决我就去12315投诉！",
    "received_at": "2026-02-14T15:00:00+08:00",
    "channel": "电话",
    "product": "青梧X5",
}


class ComplaintIn(Columns):
    """A complaint to be decided."""

    model_config = example(**_COMPLAINT)

    id: Label | None = None
    text: Text


class BatchIn(Strict):
    """Up to 1,000 complaints; a bad one gets its own error."""

    model_config = example(complaints=[_COMPLAINT])

    complaints: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=1_000)]


class Waiting(BaseModel):
    """A complaint that is stored and waits for a model."""

    id: str
    state: Literal["pending", "failed"]
    reason: str | None


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
    reason: Annotated[str, Field(min_length=1, max_length=500)] | None = None


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
