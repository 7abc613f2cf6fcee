"""Text from bytes, in the encodings that Chinese spreadsheets save."""

from __future__ import annotations

from domain.errors import TableUnreadable


def decoded(content: bytes, name: str) -> str:
    """The text; `TableUnreadable` rather than mojibake."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = error.start
    if content[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        raise TableUnreadable(f"{name} is UTF-16; save it as UTF-8 or GB18030")
    try:
        text = content.decode("gb18030")
    except UnicodeDecodeError:
        text = ""
    if not _reads_like_gb(text):
        raise TableUnreadable(
            f"{name} is neither UTF-8 (byte {at:,} is not) nor GB18030; save it as one of them"
        )
    return text


def _reads_like_gb(text: str) -> bool:
    """Whether a decoded text is Chinese: other encodings give mostly rare ideographs."""
    ideographs = [c for c in text[:200_000] if ord(c) > 0x7F and not 0x3000 <= ord(c) < 0x3040]
    if not ideographs:
        return False
    common = sum(_is_common(character) for character in ideographs)
    return common >= 0.85 * len(ideographs)


def _is_common(character: str) -> bool:
    """Level 1 of GB 2312, its punctuation and full-width forms."""
    try:
        first = character.encode("gb2312")[0]
    except UnicodeEncodeError:
        return False
    return 0xB0 <= first <= 0xD7 or first in {0xA1, 0xA3}
