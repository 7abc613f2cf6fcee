"""The version for the public (白皮书): what was raised, what was done, what it changed."""

from __future__ import annotations

from typing import Any

from api.services.report.language import Language

Content = dict[str, Any]

_SEEN_PARAMETERS = ("frequent_share", "max_q", "vigilance")
_SEEN_ATTRIBUTES = frozenset({"product", "channel", "department", "issues"})


def public_content(content: Content) -> Content:
    """A report without texts, ids, places, teams, customers or rows; totals and problems stay."""
    language = Language(content["language"])
    kept = {key: content[key] for key in content if key not in _EMPTIED}
    kept |= {key: value for key, value in _EMPTIED.items() if key in content}
    asked = content["parameters"]
    kept["parameters"] = {name: asked[name] for name in _SEEN_PARAMETERS}
    kept["title"] = language.say("public_title")
    kept["public"] = True
    kept["at_a_glance"] = [language.say("public_note"), *content["at_a_glance"][:2]]
    kept["snapshot"] = {**content["snapshot"], "name": "", "errors": [], "errors_total": 0}
    kept["counts"] = {**content["counts"], "customers": None}
    kept["findings"] = [_finding(f) for f in content["findings"] if _may_be_seen(f)]
    kept["warnings"] = [_warning(w) for w in content["warnings"] if w["issue"]]
    kept["problems"] = [_problem(p, language) for p in content["problems"]]
    kept["surveillance"] = {**content["surveillance"], "signatures": {}, "house_rule": []}
    kept["mining"] = {**content["mining"], "nearest_misses": [], "vanished": [], "messages": []}
    return kept


_EMPTIED: Content = {
    "profile": {"small_group": 0, "segments": [], "clock": []},
    "words": {"against": None, "rising": [], "alike": []},
    "dissatisfaction": None,
    "outlook": None,
}


def _problem(problem: Content, language: Language) -> Content:
    """A problem under the name of its issue; hidden places hide the names of measures too."""
    seen = [place for place in problem["places"] if place["attribute"] in _SEEN_ATTRIBUTES]
    title = " ".join([*(place["value"] for place in seen), problem["issue"]["name"]])
    hidden = (
        {} if len(seen) == len(problem["places"]) else {"title": language.say("measure_hidden")}
    )
    measures = [{**each, "owner": None, **hidden} for each in problem["measures"]]
    kept = {**problem, "id": "", "owner": None, "title": title, "places": seen}
    return kept | {"measures": measures}


def _may_be_seen(finding: Content) -> bool:
    attributes = {item["attribute"] for item in finding["antecedents"]}
    return not finding["confounded_by"] and attributes <= _SEEN_ATTRIBUTES


def _finding(finding: Content) -> Content:
    return {**finding, "complaints": [], "examples": []}


def _warning(warning: Content) -> Content:
    return {**warning, "complaints": [], "examples": [], "where": []}
