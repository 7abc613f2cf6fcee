"""At a glance: five sentences whose every figure is computed."""

from __future__ import annotations

from typing import Any

from api.services.report.drawings.canvas import number, percent
from api.services.report.language import Language

Content = dict[str, Any]


def at_a_glance(content: Content, language: Language) -> list[str]:
    """Volume, issues, danger, the first cause, what is rising."""
    say = (_volume, _issues, _danger, _cause, _rise)
    return [sentence(content, language) for sentence in say]


def _volume(content: Content, language: Language) -> str:
    counts = content["counts"]
    if content["period"] is None:
        return language.say("glance_volume_timeless", count=number(counts["complaints"]))
    gaps = counts["weeks_without_data"]
    return language.say(
        "glance_volume",
        days=content["period"]["days"],
        count=number(counts["complaints"]),
        gaps=language.say("glance_gaps", weeks=gaps, days=counts["days_with_data"]) if gaps else "",
        per_day=number(counts["per_day"]),
        against=_against(counts["against"], language) or _recent(content, language),
        apart=_apart(content, language),
    )


def _apart(content: Content, language: Language) -> str:
    """Stragglers that a period nobody asked for leaves out."""
    snapshot, asked = content["snapshot"], content["parameters"]
    if asked["from"] or asked["to"] or not snapshot["outside_period"]:
        return ""
    days = {"first": snapshot["first_day"], "last": snapshot["last_day"]}
    return language.say("glance_apart", count=number(snapshot["outside_period"]), **days)


def _against(against: Content, language: Language) -> str:
    for name in ("last", "year"):
        change = against.get(name)
        if change and change["complaints"]:
            low, high = change["ratio_interval"]
            clear = low > 1 or high < 1
            return language.say(
                "glance_against" if clear else "glance_same",
                which=language.say(name),
                direction=language.say("up" if change["ratio"] > 1 else "down"),
                change=percent(abs(change["ratio"] - 1)),
                low=signed(low - 1),
                high=signed(high - 1),
            )
    return ""


def signed(change: float) -> str:
    """A change in per cent with its sign."""
    return f"{100 * change:+.1f}%".replace("-", "−")


def _recent(content: Content, language: Language) -> str:
    trends = content["trends"]
    whole = [
        count
        for week, count in zip(trends["weeks"], trends["total"], strict=True)
        if week["whole"] and count is not None
    ]
    if len(whole) < 8:
        return ""
    return language.say(
        "glance_recent",
        recent=number(sum(whole[-4:]) / 4),
        known=language.say("known_weeks") if content["counts"]["weeks_without_data"] else "",
        before=number(sum(whole[:-4]) / (len(whole) - 4)),
    )


def _issues(content: Content, language: Language) -> str:
    ranked = content["rankings"]["frequent"]
    if not ranked:
        return language.say("glance_no_issues")
    few = min(3, len(ranked))
    categories = content["counts"]["by"].get("category")
    top = categories[0] if categories else None
    category = (
        language.say(
            "glance_category", value=language.value(top["value"]), share=percent(top["share"])
        )
        if top
        else ""
    )
    return language.say(
        "glance_issues",
        issue=language.value(ranked[0]["name"]),
        share=percent(ranked[0]["share"]),
        few=few,
        running=percent(ranked[few - 1]["running_share"]),
        category=category,
    )


def _danger(content: Content, language: Language) -> str:
    danger = content["counts"]["danger"]
    spent = content["counts"]["spent"]
    cost = language.say("glance_cost", amount=number(round(spent))) if spent else ""
    if not any(danger.values()):
        return language.say("glance_no_danger", cost=cost)
    total = max(content["counts"]["complaints"], 1)
    parts = [
        language.say(f"glance_{name}", count=number(count), share=percent(count / total))
        for name, count in danger.items()
        if count is not None
    ]
    return language.say("glance_danger", parts=language.say("list_comma").join(parts), cost=cost)


def _cause(content: Content, language: Language) -> str:
    causes = [f for f in news(content["findings"]) if f["kind"] == "cause"]
    if not causes and content["mining"]["reason"] is None:
        return language.say("glance_all_judged")
    if not causes:
        return language.say("glance_no_cause", reason=content["mining"]["reason"])
    first = causes[0]
    count, total = filings(first)
    return language.say(
        "glance_cause",
        antecedent=sides(first["antecedents"], language),
        count=number(count),
        total=number(total),
        issue=sides(first["consequents"], language),
        share=percent(count / max(total, 1), 0),
        once=_once(first, language),
        excess=number(max(round(first["excess_low"]), 0)),
        more=_more(content["findings"], language),
    )


def _once(finding: Content, language: Language) -> str:
    if not is_thinned(finding):
        return ""
    counts = {"count": number(finding["count"]), "total": number(finding["antecedent_count"])}
    return language.say("glance_once", **counts)


def _more(findings: list[Content], language: Language) -> str:
    """How many findings stand, in the same words as the section of findings."""
    kinds = [finding["kind"] for finding in news(findings)]
    causes, joint = kinds.count("cause"), kinds.count("co-occurrence")
    if causes + joint < 2:
        return ""
    together = language.say("glance_joint", joint=joint) if joint else ""
    return language.say("glance_more", causes=causes, joint=together)


def filings(finding: Content) -> tuple[int, int]:
    """Rows of the table with both sides and with the left one; older reports have them not."""
    if "filed" not in finding:
        return finding["count"], finding["antecedent_count"]
    return finding["filed"], finding["antecedent_filed"]


def is_thinned(finding: Content) -> bool:
    """Whether the tests left filings out because a customer counts once on the same issues."""
    return filings(finding) != (finding["count"], finding["antecedent_count"])


def news(findings: list[Content]) -> list[Content]:
    """Findings that nothing explains and that nobody has judged yet."""
    return [f for f in findings if not f["confounded_by"] and not f["judgement"]]


def sides(items: list[Content], language: Language) -> str:
    """One side of a rule in words."""
    return language.say("and").join(
        language.value(item["name"])
        if item["attribute"] == "issues"
        else language.say(
            "attribute_value",
            attribute=language.column(item["attribute"]),
            value=language.value(item["value"]),
        )
        for item in items
    )


def explanation(by: Content, language: Language) -> str:
    """What explains a confounded finding, in words."""
    if by["attribute"] == "exposure":
        return language.say("by_exposure")
    if by["value"] is None:
        return language.column(by["attribute"])
    return sides([by], language)


def _rise(content: Content, language: Language) -> str:
    watched = content["surveillance"]
    if not watched["judged"]:
        return language.say("glance_short")
    active = [warning for warning in content["warnings"] if warning["active"]]
    if not active:
        over = len(content["warnings"])
        past = language.say("glance_past", over=over) if over else ""
        return language.say("glance_no_rise", past=past)
    first = active[0]
    return language.say(
        "glance_rise",
        what=risen(first, language),
        since=language.day(first["from"]),
        before=before_period(first, content, language),
        observed=number(first["observed"]),
        expected=number(first["expected"]),
        ratio=f"{first['ratio']:.1f}",
        more=language.say("glance_more_rises", others=len(active) - 1) if active[1:] else "",
    )


def before_period(warning: Content, content: Content, language: Language) -> str:
    """A word where the weeks of a rise hold days before the period."""
    early = warning["from"] < content["period"]["from"]
    return language.say("before_period") if early else ""


def risen(warning: Content, language: Language) -> str:
    """What a warning is about."""
    if warning["issue"]:
        return language.value(warning["issue"]["name"])
    return language.say(f"rise_{warning['kind']}")
