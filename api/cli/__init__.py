"""The command ``suyuan``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import typer

from api.cli import causes, decisions, demo, history, learning, problems, report, service

COMMANDS: dict[str, Callable[..., Any]] = {
    "demo": demo.demo,
    "example": history.example,
    "serve": service.serve,
    "classify": decisions.classify,
    "import": service.import_,
    "mine": causes.mine,
    "report": report.report,
    "problems": problems.problems,
    "train": decisions.train,
    "evaluate": decisions.evaluate,
    "migrate": service.migrate,
    "worker": service.worker,
    "backup": service.backup,
    "restore": service.restore,
}

app = typer.Typer(
    name="suyuan",
    help="诉源 Suyuan: triage of Chinese complaints, and the root causes behind them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for name, command in COMMANDS.items():
    app.command(name)(command)
app.add_typer(service.keys, name="keys")
app.add_typer(learning.models, name="models")
app.add_typer(learning.labels, name="labels")


def main() -> None:
    """Run the command line."""
    app()
