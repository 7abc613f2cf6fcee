"""A trained model: scorer, heads and the taxonomy that it speaks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.errors import ModelRefused
from domain.taxonomy import Code, Taxonomy
from triage.artefact import ModelFile
from triage.heads import Head
from triage.scorer import Scorer, scorer_from


@dataclass(frozen=True)
class Model:
    """What training left behind, ready to score.

    Attributes
    ----------
    name, version : str
    taxonomy : Taxonomy
        Names its codes; for a model of categories alone, one level of them.
    scorer : LinearScorer or LayeredScorer
    heads : mapping of target to Head
    stated_confidence : float
        How often a complaint is 重大 when words state it, on rows that training did not see.
    own_words : tuple of str
        The user's dictionary, which evidence is cut by.
    manifest : mapping
    """

    name: str
    version: str
    taxonomy: Taxonomy
    scorer: Scorer
    heads: Mapping[str, Head]
    stated_confidence: float
    own_words: tuple[str, ...] = ()
    manifest: Mapping[str, Any] = field(repr=False, default_factory=dict)

    def category_code(self, category: str) -> str | None:
        """Code of a category, None when the taxonomy has none for it."""
        return self.taxonomy.category_code(category)

    def to_payload(self) -> dict[str, Any]:
        """As `triage.artefact.publish` takes it."""
        return {
            "taxonomy": [[code.code, list(code.path)] for code in self.taxonomy.codes.values()],
            "scorer": self.scorer.to_arrays(),
            "heads": [head.to_plain() for head in self.heads.values()],
            "stated_confidence": float(self.stated_confidence),
            "own_words": list(self.own_words),
        }

    @classmethod
    def from_file(cls, file: ModelFile) -> Model:
        """The model of a checked file; `ModelRefused` when its parts don't fit together."""
        payload = file.payload
        try:
            scorer = scorer_from(payload["scorer"])
            heads = [Head.from_plain(plain, scorer.outputs) for plain in payload["heads"]]
            return cls(
                file.name,
                file.version,
                Taxonomy(Code(code, tuple(path)) for code, path in payload["taxonomy"]),
                scorer,
                {head.target: head for head in heads},
                float(payload["stated_confidence"]),
                tuple(payload.get("own_words", ())),
                file.manifest,
            )
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise ModelRefused(
                f"model {file.name} {file.version} has an unknown form ({type(error).__name__})"
            ) from None
