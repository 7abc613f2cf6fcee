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
├── AccessRefused             the caller may not do this
│   ├── KeyRefused            no key, or one that is unknown, expired or revoked
│   ├── RoleRefused           the key's role, scopes or departments don't allow it
│   └── TooMany               more requests than the key may send
├── Unavailable               something the work needs is down; the same call may work later
│   ├── StoreDown             the database does not answer
│   └── StoreFull             the disk under the database is full
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


class AccessRefused(SuyuanError):
    """The caller may not do this."""


class KeyRefused(AccessRefused):
    """No key, or one that is unknown, expired or revoked."""


class RoleRefused(AccessRefused):
    """The key's role, scopes or departments don't allow it."""


class TooMany(AccessRefused):
    """More requests than the key may send."""


class Unavailable(SuyuanError):
    """Something the work needs is down; the same call may work later."""


class StoreDown(Unavailable):
    """The database does not answer."""


class StoreFull(Unavailable):
    """The disk under the database is full."""


class ModelError(SuyuanError):
    """Something about a model file."""


class ModelMissing(ModelError):
    """No model of that name and version."""


class ModelRefused(ModelError):
    """A model file fails its checks and is not loaded."""
