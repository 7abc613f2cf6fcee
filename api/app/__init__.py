"""The application, put together from its parts."""

from api.app.assembly import create_app, make_office, prepare
from api.app.server import serve

__all__ = ["create_app", "make_office", "prepare", "serve"]
