"""What a report is asked for: period, items, thresholds, language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pandas as pd

from api.services.periods import KINDS
from domain.errors import SettingRefused
from domain.taxonomy import Taxonomy, shipped_taxonomy
from mining.causes import Demands
from mining.warning import Vigilance

ITEMS = ("product", "batch", "region", "outlet", "channel", "courier", "department")
LANGUAGES = ("zh", "en")
VERDICTS = ("known", "not a cause")


@dataclass(frozen=True)
class Judgement:
    """What somebody said of a finding, and until when it need not be said again.

    ``antecedents`` holds pairs of attribute and value, ``verdict`` is “known” or “not a cause”.
    """

    antecedents: frozenset[tuple[str, str]]
    issue: str
    verdict: str
    reason: str
    by: str
    until: date | None = None

    def __post_init__(self) -> None:
        """Refuse a verdict that is none of the two, and one without a reason or a name."""
        if self.verdict not in VERDICTS:
            raise SettingRefused(f"verdict {self.verdict!r} is none of {', '.join(VERDICTS)}")
        if not self.reason.strip() or not self.by.strip():
            raise SettingRefused("a judgement needs a reason and the name of who gives it")


@dataclass(frozen=True)
class ReportOptions:
    """Everything that changes a report besides its table.

    ``start`` and ``end`` are inclusive days in China's zone; without them the report covers all
    days that the table has, or with ``period`` the newest whole week, month, quarter or year.
    ``items`` are the columns whose values may be causes; without them those of the usual ones
    that the table has. ``only`` keeps the complaints of one product line or unit
    (``{"department": "物流部"}``). ``judgements`` are what people said of earlier findings.
    ``problems`` are those of the house with their measures and measured effects. ``exposure`` has
    the columns ``attribute, value, units`` (sold, served). ``severity`` weighs issues in the
    order of the findings. ``issue_names`` name codes that the taxonomy does not have.
    ``personal`` columns hold names of persons; the report numbers them instead.
    """

    start: date | None = None
    end: date | None = None
    period: str | None = None
    items: tuple[str, ...] | None = None
    language: str = "zh"
    title: str | None = None
    demands: Demands = field(default_factory=Demands)
    exposure: pd.DataFrame | None = None
    only: Mapping[str, str] = field(default_factory=dict)
    judgements: tuple[Judgement, ...] = ()
    problems: tuple[Mapping[str, Any], ...] = ()
    severity: Mapping[str, float] = field(default_factory=dict)
    aliases: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    frequent_share: float = 0.10
    escalated_share: float = 0.03
    vigilance: Vigilance = field(default_factory=Vigilance)
    small_group: int = 5
    examples: int = 3
    issue_names: Mapping[str, str] = field(default_factory=dict)
    personal: tuple[str, ...] = ("handler",)
    taxonomy: Taxonomy = field(default_factory=shipped_taxonomy)

    def __post_init__(self) -> None:
        """Refuse what can't work, naming the value and what would be right."""
        if self.start and self.end and self.start > self.end:
            raise SettingRefused(
                f"the period ends ({self.end}) before it starts ({self.start}); turn the days round"
            )
        if self.period and (self.start or self.end):
            raise SettingRefused(f"period {self.period!r} and days are given; give one of them")
        if self.period and self.period not in KINDS:
            raise SettingRefused(f"period {self.period!r} is none of {', '.join(KINDS)}")
        if self.language not in LANGUAGES:
            raise SettingRefused(f"language {self.language!r} is none of {', '.join(LANGUAGES)}")
        if self.items is not None and not self.items:
            raise SettingRefused("no items are named; name at least one column, or leave them out")
        if not 0 < self.frequent_share <= 1:
            raise SettingRefused(f"frequent_share is {self.frequent_share}; give a share up to 1")
        if self.small_group < 1:
            raise SettingRefused(f"small_group is {self.small_group}; give at least 1")
        if self.examples < 0:
            raise SettingRefused(f"examples is {self.examples}; give 0 or more")
