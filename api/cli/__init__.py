"""The command ``suyuan``."""

from __future__ import annotations

import typer

from api.cli import causes, decisions, demo, history

app = typer.Typer(
    name="suyuan",
    help="诉源 Suyuan: triage of Chinese complaints, and the root causes behind them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(demo.demo)
for command in (decisions.classify, decisions.evaluate, decisions.train, decisions.models):
    app.command()(command)
app.command()(history.example)
app.command()(causes.mine)
app.command()(causes.report)


def main() -> None:
    """Run the command line."""
    app()
