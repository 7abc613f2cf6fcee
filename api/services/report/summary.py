"""The report as a few lines of Markdown, for a chat."""

from __future__ import annotations

import re
from typing import Any

from api.services.report.drawings.canvas import number, percent
from api.services.report.glance import before_period, filings, news, risen, sides
from api.services.report.language import Language

_MOST = 5
_MARKS = re.compile(r"([\\`*_{}\[\]<>#|~@])")


def markdown_of(content: dict[str, Any]) -> str:
    """Sentences at a glance, the first findings, the active warnings, and what it was made from."""
    language = Language(content["language"])
    lines = [f"# {plain(content['title'])}", "", _period(content, language), ""]
    lines += [f"{at}. {plain(line)}" for at, line in enumerate(content["at_a_glance"], 1)]
    lines += _findings(content, language) + _warnings(content, language)
    snapshot = content["snapshot"]
    made = language.say(
        "made_from",
        digest=snapshot["digest"][:16],
        parameters=snapshot["parameters_digest"][:16],
        version=content["versions"]["suyuan"],
    )
    return "\n".join([*lines, "", plain(made), ""])


def plain(text: str) -> str:
    """A text whose marks mean nothing to a Markdown reader, on one line."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))


def _period(content: dict[str, Any], language: Language) -> str:
    period = content["period"]
    if period is None:
        return language.say("no_period")
    return language.say("period", start=period["from"], end=period["to"])


def _findings(content: dict[str, Any], language: Language) -> list[str]:
    causes = [f for f in news(content["findings"]) if f["kind"] == "cause"]
    if not causes:
        return []
    lines = ["", f"## {language.say('findings')}", ""]
    for rank, finding in enumerate(causes[:_MOST], 1):
        count, total = filings(finding)
        counted = language.say("counted", count=number(count), total=number(total))
        rule = f"{sides(finding['antecedents'], language)} ⇒ "
        rule += sides(finding["consequents"], language)
        share = percent(count / max(total, 1))
        lines.append(f"{rank}. **{plain(rule)}**: {plain(counted)}, {share}")
    more = [*_elsewhere(content, len(causes), language), language.say("not_causal")]
    return [*lines, *(line for said in more for line in ("", f"_{plain(said)}_"))]


def _elsewhere(content: dict[str, Any], causes: int, language: Language) -> list[str]:
    """How many findings stand in the other formats only."""
    joint = len(news(content["findings"])) - causes
    explained = sum(bool(finding["confounded_by"]) for finding in content["findings"])
    left = {"causes": max(causes - _MOST, 0), "joint": joint, "explained": explained}
    return [language.say("left_elsewhere", **left)] if any(left.values()) else []


def _warnings(content: dict[str, Any], language: Language) -> list[str]:
    active = [warning for warning in content["warnings"] if warning["active"]]
    if not active:
        return []
    lines = ["", f"## {language.say('warnings')}", ""]
    for warning in active[:_MOST]:
        line = language.say(
            "warning_line",
            first=warning["from"],
            before=before_period(warning, content, language),
            observed=number(warning["observed"]),
            expected=number(round(warning["expected"])),
            ratio=f"{warning['ratio']:.1f}",
        )
        lines.append(f"- **{plain(risen(warning, language))}**: {plain(line)}")
    return lines
