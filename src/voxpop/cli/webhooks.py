"""``voxpop webhook``: addresses that are told of events."""

from collections.abc import Sequence
from typing import Annotated

import typer

from voxpop.cli.console import DEFAULT_WORK, JsonOption, WorkOption, show, show_table
from voxpop.cli.opening import opened
from voxpop.cli.people import AccountOption, account_named
from voxpop.kernel.digests import Json
from voxpop.store.webhooks import Webhook

app = typer.Typer(help="Let programs of yours be told of events.")
COLUMNS = ("webhook", "url", "actions", "failures", "enabled")
NONE_YET = "there is no webhook yet: `voxpop webhook add` makes one"


@app.command()
def add(
    url: Annotated[str, typer.Argument(help="An https address; it gets a POST for each event.", metavar="URL")],
    account: AccountOption = None,
    actions: Annotated[
        list[str] | None,
        typer.Option("--action", help="What events begin with, such as `run.`; may be given again.  [default: all]"),
    ] = None,
    work: WorkOption = DEFAULT_WORK,
    as_json: JsonOption = False,
) -> None:
    """Let an address be told of events that the account may read; what they are signed by is printed once."""
    from voxpop.wiring.webhooks import make_webhook

    system = opened(work)
    one, secret = make_webhook(system, account_named(system, account), url, actions or ())
    show_new(webhook_facts(one), secret, as_json=as_json)


@app.command(name="list")
def list_(account: AccountOption = None, work: WorkOption = DEFAULT_WORK, as_json: JsonOption = False) -> None:
    """List an account's webhooks."""
    system = opened(work)
    rows = [webhook_facts(one) for one in system.webhooks.of_account(account_named(system, account).name)]
    show_webhooks(rows, as_json=as_json)


@app.command()
def remove(
    webhook: Annotated[str, typer.Argument(help="The webhook's id.", metavar="WEBHOOK")],
    account: AccountOption = None,
    work: WorkOption = DEFAULT_WORK,
    as_json: JsonOption = False,
) -> None:
    """Tell an address nothing more."""
    system = opened(work)
    owner = account_named(system, account)
    system.webhooks.remove(owner.name, webhook, owner.person)
    show_removed(webhook, as_json=as_json)


def show_webhooks(rows: Sequence[dict[str, Json]], *, as_json: bool) -> None:
    """Print webhooks."""
    show_table(rows, COLUMNS, as_json=as_json, empty=NONE_YET)


def show_new(facts: dict[str, Json], secret: str, *, as_json: bool) -> None:
    """Print a new webhook, and the one time what its notices are signed by."""
    show({**facts, "secret": secret}, f"webhook '{facts['webhook']}'; signed by\n{secret}", as_json=as_json)


def show_removed(webhook: str, *, as_json: bool) -> None:
    """Print that an address is told nothing more."""
    show({"webhook": webhook, "removed": True}, f"webhook '{webhook}' is removed", as_json=as_json)


def webhook_facts(one: Webhook) -> dict[str, Json]:
    """Return a webhook as JSON, as the API has it."""
    return {
        "webhook": one.id,
        "url": one.url,
        "actions": [*one.actions],
        "made_at": one.made_at.isoformat(),
        "seq": one.seq,
        "failures": one.failures,
        "enabled": one.enabled,
    }
