"""What a report was asked for, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.services.report.language import Language

_UNSET: tuple[object, ...] = (None, {}, [], 0, "")


def parameters_of(content: dict[str, Any], language: Language) -> list[tuple[str, str]]:
    """Name and value of every parameter that is set, as a reader understands them."""
    return [
        (language.say(f"parameter_{name}"), _shown(name, chosen, language))
        for name, chosen in content["parameters"].items()
        if chosen not in _UNSET
    ]


def _shown(name: str, chosen: Any, language: Language) -> str:
    if name == "issue_names":
        return f"{len(chosen):,}"
    if name == "vigilance":
        return language.say("vigilance", **chosen)
    if isinstance(chosen, list):
        return language.say("list_comma").join(language.column(str(each)) for each in chosen)
    if isinstance(chosen, Mapping):
        return language.say("list_comma").join(
            f"{language.column(key)}: {_shown('', each, language)}" for key, each in chosen.items()
        )
    return str(chosen)
