"""Every error that Suyuan raises on purpose.

SuyuanError
├── InputError                what the caller gave is wrong; the message says what would be right
│   ├── TextRefused           a complaint's text can't be taken
│   ├── TableUnreadable       a file can't be read as a table at all
│   ├── ColumnMissing         a table lacks a column that the work needs
│   ├── RowRefused            one row is wrong; the rows beside it are kept
│   ├── TaxonomyError         codes or levels of a taxonomy don't fit together
│   └── SettingRefused        a parameter or setting has a value that can't work
├── LimitExceeded             the work would break a stated cap (memory, itemsets, size, time)
├── Cancelled                 somebody asked the work to stop
├── NotFound                  what is asked for does not exist
├── Conflict                  what is asked for contradicts what is stored
└── ModelError
    ├── ModelMissing          no model of that name and version
    └── ModelRefused          a model file fails its checks and is not loaded
"""

from __future__ import annotations


class SuyuanError(Exception):
    """Root of the family; its text is one sentence that is safe to show."""


class InputError(SuyuanError):
    """What the caller gave is wrong; the message says what would be right."""


class TextRefused(InputError):
    """A complaint's text can't be taken."""


class TableUnreadable(InputError):
    """A file can't be read as a table at all."""


class ColumnMissing(InputError):
    """A table lacks a column that the work needs."""


class RowRefused(InputError):
    """One row is wrong; the rows beside it are kept.

    Parameters
    ----------
    reason : str
        What is wrong and what would be right; holds nothing of the text.
    column : str, optional
        The column at fault.
    """

    def __init__(self, reason: str, column: str | None = None) -> None:
        super().__init__(f"column {column!r}: {reason}" if column else reason)
        self.reason = reason
        self.column = column


class TaxonomyError(InputError):
    """Codes or levels of a taxonomy don't fit together."""


class SettingRefused(InputError):
    """A parameter or setting has a value that can't work."""


class LimitExceeded(SuyuanError):
    """The work would break a stated cap (memory, itemsets, size, time)."""


class Cancelled(SuyuanError):
    """Somebody asked the work to stop."""


class NotFound(SuyuanError):
    """What is asked for does not exist."""


class Conflict(SuyuanError):
    """What is asked for contradicts what is stored."""


class ModelError(SuyuanError):
    """Something about a model file."""


class ModelMissing(ModelError):
    """No model of that name and version."""


class ModelRefused(ModelError):
    """A model file fails its checks and is not loaded."""
