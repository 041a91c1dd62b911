"""``voxpop application``: write, check, hand in, review, decide."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from voxpop.access.model import Membership, ProjectRole
from voxpop.application.document import read_file, template
from voxpop.application.model import Application
from voxpop.application.review import ReviewSheet
from voxpop.application.service import ApplicationService
from voxpop.cli.console import DEFAULT_WORK, JsonOption, PersonOption, ReasonOption, WorkOption, show, show_table
from voxpop.cli.opening import opened
from voxpop.kernel.digests import Json
from voxpop.kernel.errors import Invalid
from voxpop.kernel.ids import ApplicationId

app = typer.Typer(help="Write, check, hand in, review and decide applications.")

Name = Annotated[str, typer.Argument(help="The application's name.", metavar="APPLICATION")]
Document = Annotated[Path, typer.Argument(help="The application's YAML document.", metavar="FILE")]


class FileExists(Invalid):
    """A new file would replace one that is there."""

    code = "file-exists"

    def __init__(self, path: Path) -> None:
        super().__init__(f"'{path}' is there already: name another file")


@app.command()
def new(file: Document = Path("application.yaml"), as_json: JsonOption = False) -> None:
    """Write the bone density project's application, to start from."""
    if file.exists():
        raise FileExists(file)
    file.write_text(template(), encoding="utf-8")
    told = f"{file} written: change it, then `voxpop application check {file}`"
    show({"file": str(file)}, told, as_json=as_json)


@app.command()
def check(file: Document, as_json: JsonOption = False) -> None:
    """Check a document; every fault with its line and column."""
    application = read_file(file)
    show(_facts(application), f"{file}: application '{application.id}' is complete", as_json=as_json)


@app.command()
def submit(
    file: Document, work: WorkOption = DEFAULT_WORK, person: PersonOption = None, as_json: JsonOption = False
) -> None:
    """Keep a document as a draft and hand it in."""
    application = read_file(file)
    system = opened(work, person, create=True)
    system.applications.check_offers(application)
    account = system.access.person_of(system.person)
    if account is not None:
        system.projects.draft(application, account)
    else:
        system.applications.draft(application, system.person)
    system.applications.submit(application.id, system.person)
    _show_state(system.applications, application.id, as_json=as_json)


@app.command()
def review(
    name: Name, work: WorkOption = DEFAULT_WORK, person: PersonOption = None, as_json: JsonOption = False
) -> None:
    """Begin the review of an application, and show counts, cost and findings."""
    system = opened(work, person)
    application = ApplicationId(name)
    if system.applications.state(application).value == "submitted":
        system.applications.take_up(application, system.person)
    sheet = system.applications.review_sheet(application)
    show(_sheet(sheet), _sheet_text(sheet), as_json=as_json)


Decision = Callable[[ApplicationId, str, str], None]


def _add_decision(verb: str, said: str, decision: Callable[[ApplicationService], Decision]) -> None:
    """Put a decision among the commands; all take a name and a reason."""

    def decide(
        name: Name,
        reason: ReasonOption = "",
        work: WorkOption = DEFAULT_WORK,
        person: PersonOption = None,
        as_json: JsonOption = False,
    ) -> None:
        system = opened(work, person)
        decision(system.applications)(ApplicationId(name), system.person, reason)
        _show_state(system.applications, ApplicationId(name), as_json=as_json)

    app.command(name=verb, help=said)(decide)


_add_decision(
    "approve", "Decide for an application; staging follows with `voxpop stage`.", lambda service: service.approve
)
_add_decision("return", "Ask an application back for changes.", lambda service: service.return_)
_add_decision("refuse", "Decide against an application.", lambda service: service.refuse)
_add_decision("close", "End an application's life.", lambda service: service.close)
_add_decision("archive", "Put a closed or refused application away.", lambda service: service.archive)


@app.command()
def remark(
    name: Name,
    text: Annotated[str, typer.Argument(help="What to say; the applicants read it.", metavar="TEXT")],
    work: WorkOption = DEFAULT_WORK,
    person: PersonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a remark beside an application."""
    system = opened(work, person)
    system.applications.remark(ApplicationId(name), system.person, text)
    show({"application": name, "text": text}, f"your remark stands beside '{name}'", as_json=as_json)


@app.command()
def member(
    name: Name,
    who: Annotated[str, typer.Argument(help="An account's name, or `group:` and a group's.", metavar="WHO")],
    role: Annotated[ProjectRole, typer.Argument(help="The role in the project.")] = ProjectRole.MEMBER,
    leaves: Annotated[bool, typer.Option("--remove", help="Take the role away.")] = False,
    work: WorkOption = DEFAULT_WORK,
    person: PersonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give an account or a group a role in a project, or take it away."""
    system = opened(work, person)
    one = Membership(system.applications.get(ApplicationId(name)).id, who, role)
    (system.access.leave if leaves else system.access.join)(one, system.person)
    said = f"{who} is {'no longer' if leaves else 'now'} {role.value} of '{name}'"
    show({"application": name, "who": who, "role": role.value, "removed": leaves}, said, as_json=as_json)


@app.command(name="list")
def list_(work: WorkOption = DEFAULT_WORK, as_json: JsonOption = False) -> None:
    """List all applications with their states."""
    rows = [
        {"application": one.id, "state": state.value, "title": one.title}
        for one, state in opened(work).applications.every()
    ]
    show_table(rows, ("application", "state", "title"), as_json=as_json, empty="there is no application here yet")


@app.command(name="show")
def show_(name: Name, work: WorkOption = DEFAULT_WORK, as_json: JsonOption = False) -> None:
    """Show an application and every decision about it."""
    service = opened(work).applications
    application = service.get(ApplicationId(name))
    history = service.history(application.id)
    decisions: list[Json] = [
        {
            "at": one.at.isoformat(),
            "actor": one.actor,
            "from": one.source.value,
            "to": one.target.value,
            "reason": one.reason,
        }
        for one in history
    ]
    facts = {**_facts(application), "state": service.state(application.id).value, "decisions": decisions}
    lines = [
        f"{one.at:%Y-%m-%d %H:%M}  {one.source.value} -> {one.target.value}  {one.actor}  {one.reason}"
        for one in history
    ]
    text = "\n".join([f"{application.id}: {application.title} ({facts['state']})", *lines, "", application.document])
    show(facts, text, as_json=as_json)


def _show_state(service: ApplicationService, name: ApplicationId, *, as_json: bool) -> None:
    state = service.state(name).value
    show({"application": name, "state": state}, f"application '{name}' is {state}", as_json=as_json)


def _facts(application: Application) -> dict[str, Json]:
    return {"application": application.id, "title": application.title, "document_sha256": application.digest}


def _sheet(sheet: ReviewSheet) -> Json:
    groups: list[Json] = [
        {"group": one.group, "available": one.available, "wanted": one.wanted} for one in sheet.groups
    ]
    cost = sheet.cost
    return {
        **_facts(sheet.application),
        "state": sheet.state.value,
        "groups": groups,
        "cost": {
            "core_hours": cost.core_hours,
            "gpu_hours": cost.gpu_hours,
            "gb_months": cost.gb_months,
            "money": cost.money,
            "currency": cost.currency,
        },
        "may_leave": list(sheet.application.request.may_leave),
        "findings": list(sheet.findings),
    }


def _sheet_text(sheet: ReviewSheet) -> str:
    cost = sheet.cost
    groups = [
        f"  {one.group}: {'fewer than 10' if one.available is None else one.available} available, "
        f"{'all' if one.wanted is None else one.wanted} wanted"
        for one in sheet.groups
    ]
    return "\n".join(
        [
            f"{sheet.application.id}: {sheet.application.title} ({sheet.state.value})",
            *groups,
            (
                f"  cost: {cost.money:,.2f} {cost.currency}: {cost.core_hours:,.0f} core hours, "
                f"{cost.gpu_hours:,.0f} GPU hours, {cost.gb_months:,.0f} GB months"
            ),
            *(f"  the data may also go to {there}" for there in sheet.application.request.may_leave),
            *(f"  against an approval: {finding}" for finding in sheet.findings),
        ]
    )
