"""Personal data in complaints: found, masked by keyed pseudonyms, and mapped back by offset."""

from domain.privacy.kinds import Kind
from domain.privacy.masking import Masked, Span, contains_personal, hidden, mask
from domain.privacy.pseudonyms import Tag, blanked, pseudonym, tags, without_codes

__all__ = [
    "Kind",
    "Masked",
    "Span",
    "Tag",
    "blanked",
    "contains_personal",
    "hidden",
    "mask",
    "pseudonym",
    "tags",
    "without_codes",
]
