"""Reports by mail: a summary to read at once, the documents attached."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

from api.settings import Settings

SECONDS = 20.0
_MOST_BYTES = 15 << 20
_TYPES = {
    "html": ("text", "html"),
    "json": ("application", "json"),
    "pdf": ("application", "pdf"),
    "md": ("text", "markdown"),
    "xlsx": ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}


class Undelivered(Exception):
    """The mail server did not take the mail; `forever` when asking again is no use."""

    def __init__(self, reason: str, *, forever: bool = False) -> None:
        super().__init__(reason)
        self.forever = forever


@dataclass(frozen=True)
class Letter:
    """One mail to one reader; `id` stays the same when it is sent again."""

    id: str
    to: str
    subject: str
    text: str
    files: Sequence[Path] = ()


def letter_of(settings: Settings, letter: Letter) -> EmailMessage:
    """The mail as it goes out; what is too large stays in the service and is named."""
    message = EmailMessage(policy=SMTP)
    message["From"] = settings.smtp_from
    message["To"] = letter.to
    message["Subject"] = " ".join(letter.subject.split())
    message["Message-ID"] = f"<{letter.id}@{_domain(settings.smtp_from)}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    room = _MOST_BYTES
    for file in letter.files:
        size = file.stat().st_size
        if size > room:
            continue
        room -= size
        kind, sub = _TYPES[file.suffix[1:]]
        content = file.read_bytes()
        named: dict[str, Any] = {"filename": file.name}
        if kind == "text":
            named["params"] = {"charset": "utf-8"}
        message.add_attachment(content, maintype=kind, subtype=sub, **named)
    return message


def _domain(address: str) -> str:
    return address.rpartition("@")[2].strip("<> ") or "localhost"


def send(settings: Settings, letter: Letter) -> None:
    """Hand a mail to the mail server; `Undelivered` says why it was not taken."""
    try:
        with _server(settings) as server:
            if settings.smtp_user and settings.smtp_password:
                server.login(settings.smtp_user, settings.smtp_password.get_secret_value())
            server.send_message(letter_of(settings, letter))
    except smtplib.SMTPRecipientsRefused as error:
        code = next(iter(error.recipients.values()))[0]
        raise Undelivered(f"the recipient was refused ({code})", forever=code >= 500) from None
    except smtplib.SMTPResponseException as error:
        raise Undelivered(f"the mail server answered {error.smtp_code}") from None
    except (smtplib.SMTPException, OSError) as error:
        raise Undelivered(f"the mail server does not answer ({type(error).__name__})") from None


def _server(settings: Settings) -> smtplib.SMTP:
    host, port = settings.smtp_host or "", settings.smtp_port
    if settings.smtp_security == "tls":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(host, port, timeout=SECONDS, context=context)
    server = smtplib.SMTP(host, port, timeout=SECONDS)
    if settings.smtp_security == "starttls":
        try:
            server.starttls(context=ssl.create_default_context())
        except BaseException:
            server.close()
            raise
    return server
