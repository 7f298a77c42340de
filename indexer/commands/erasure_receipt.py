"""python -m indexer erasure-receipt."""

import json
from typing import Annotated

import typer

from domain.backends import open_store
from domain.clock import to_text
from domain.settings import Settings
from indexer.commands import running
from indexer.erasure import Finding, Receipt
from indexer.receipt import receipt


def erasure_receipt(
    id: Annotated[str, typer.Argument(metavar="ID", help="Of a deleted user.")],
    as_json: Annotated[bool, typer.Option("--json", help="All that was seen, as a JSON object.")] = False,
) -> None:
    """Look for a deleted user everywhere. Exit code 0 only if all is gone, or has a time by which it will be."""
    found = running.ended(_receipt(running.settings(), id))
    if as_json:
        typer.echo(
            json.dumps({"id": id, "live": True} if found is None else {**found.to_json(), "live": False}, indent=2)
        )
    elif found is None:
        typer.echo(f"User {id} is not deleted: nothing is erased. Delete the user first.")
    else:
        _show(found)
    if found is None or not found.complete:
        raise typer.Exit(running.FOUND_EXIT)


async def _receipt(settings: Settings, id: str) -> Receipt | None:
    async with open_store(settings) as store:
        return await receipt(settings, store, id)


def _show(found: Receipt) -> None:
    typer.echo(f"User {found.id}, looked for at {to_text(found.at)}")
    width = max(len(finding.place) for finding in found.findings)
    for finding in found.findings:
        typer.echo(f"  {finding.place:{width}}  {_verdict(finding)}")
    typer.echo("Not seen from here:")
    for place in found.unseen:
        typer.echo(f"  {place}")


def _verdict(finding: Finding) -> str:
    said = finding.verdict.value if finding.by is None else f"{finding.verdict.value} {to_text(finding.by)}"
    return f"{said} ({finding.detail})" if finding.detail else said
