"""``voxpop audit``: who did what, when, on whose decision, and whether the log is whole."""

from typing import Annotated

import typer

from voxpop.cli.console import DEFAULT_WORK, JsonOption, WorkOption, show, show_table
from voxpop.cli.opening import opened
from voxpop.kernel.digests import Json
from voxpop.kernel.errors import Refused

app = typer.Typer(help="Read and verify the audit log.")


class AuditBroken(Refused):
    """The audit log is not whole."""

    code = "audit-broken"

    def __init__(self, faults: list[str]) -> None:
        super().__init__("the audit log is not whole: " + "; ".join(faults))


@app.command(name="list")
def list_(
    subject: Annotated[str | None, typer.Option("--subject", help="Only this subject, as `kind:id`.")] = None,
    work: WorkOption = DEFAULT_WORK,
    as_json: JsonOption = False,
) -> None:
    """List the events, the oldest first."""
    rows: list[dict[str, Json]] = [
        {
            "seq": link.seq,
            "at": link.at if as_json else link.at[:19],
            "actor": link.event.actor,
            "action": link.event.action,
            "subject": link.event.subject,
            "reason": link.event.reason,
            **({"facts": dict(link.event.facts), "digest": link.digest} if as_json else {}),
        }
        for link in opened(work).ledger.links(subject)
    ]
    columns = ("seq", "at", "actor", "action", "subject", "reason")
    show_table(rows, columns, as_json=as_json, empty="the audit log has no such event")


@app.command()
def verify(work: WorkOption = DEFAULT_WORK, as_json: JsonOption = False) -> None:
    """Check every event and the signed head; name what was edited, removed, reordered, cut off or rewritten."""
    ledger = opened(work).ledger
    faults = ledger.verify()
    if faults:
        raise AuditBroken(faults)
    count = len(ledger.links())
    show(
        {"whole": True, "events": count}, f"the audit log is whole: {count} events, the head is signed", as_json=as_json
    )
