"""Archives, applications, cohorts and volumes of a bank that is somewhere else, printed as the commands print them."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from voxpop.application.document import read_file
from voxpop.cli.archive import NothingHarvested
from voxpop.cli.console import show, show_table
from voxpop.cli.pairs import pairs
from voxpop.client import Bank
from voxpop.kernel.digests import Json
from voxpop.kernel.errors import Invalid
from voxpop.volume.errors import VolumeChanged
from voxpop.web.api.models.applications import ApplicationStanding, GroupCounted, Sheet, Verdict
from voxpop.web.api.models.volumes import VolumeFacts

Given = Mapping[str, Any]


class ClinicalIsLocal(Invalid):
    """A clinical source was to be loaded from afar."""

    code = "clinical-is-local"

    def __init__(self) -> None:
        super().__init__("a clinical source is loaded where the bank is: leave --clinical out, or do it there")


def dumped(model: BaseModel) -> dict[str, Json]:
    """Return a model as JSON values."""
    facts: dict[str, Json] = model.model_dump(mode="json", by_alias=True)
    return facts


def lines(facts: Mapping[str, Json]) -> str:
    """Return facts as text, a line each."""
    return "\n".join(f"{key}: {value}" for key, value in facts.items())


def add_archive(bank: Bank, given: Given) -> None:
    """Connect an archive."""
    settings = pairs(given["settings"])
    noted = bank.archives.add(given["name"], given["kind"], settings)
    told = f"archive '{noted.archive}' is noted and not yet tried: `voxpop archive echo {noted.archive}`"
    show(dumped(noted), f"{told} asks whether it answers", as_json=given["as_json"])


def list_archives(bank: Bank, given: Given) -> None:
    """List the connected archives; a server does not tell their settings."""
    rows: list[dict[str, Json]] = [
        {
            "archive": one.archive,
            "kind": one.kind,
            "settings": None,
            "studies": one.studies,
            "harvested_at": one.harvested_at.isoformat(timespec="seconds") if one.harvested_at else None,
        }
        for one in bank.archives.every()
    ]
    columns = ("archive", "kind", "studies", "harvested_at")
    empty = "no archive is connected: `voxpop archive add` connects one"
    show_table(rows, columns, as_json=given["as_json"], empty=empty)


def echo_archive(bank: Bank, given: Given) -> None:
    """Ask an archive whether it is there."""
    answered = bank.archives.echo(given["name"])
    show(dumped(answered), f"archive '{answered.archive}' answers", as_json=given["as_json"])


def harvest(bank: Bank, given: Given) -> None:
    """List an archive's studies into the bank's index."""
    if given["clinical"] is not None:
        raise ClinicalIsLocal
    name = given["name"]
    bank.wait(bank.archives.harvest(name))
    found = bank.archives.get(name).harvest
    if found is None or not found.studies:
        raise NothingHarvested(name, {"odd answers": found.odd_answers} if found and found.odd_answers else {})
    odd: dict[str, Json] = {"in all": found.odd_answers} if found.odd_answers else {}
    facts: dict[str, Json] = {
        "archive": name,
        "studies": found.studies,
        "series": found.series,
        "odd_answers": odd,
        "index_sha256": found.index_sha256,
        "clinical_records": None,
    }
    told = f"archive '{name}': {found.studies} studies, {found.series} series"
    show(facts, told + (f"; odd answers: {found.odd_answers}" if odd else ""), as_json=given["as_json"])


def submit(bank: Bank, given: Given) -> None:
    """Keep a document as a draft and hand it in."""
    written = read_file(given["file"])
    bank.applications.draft(written.document)
    _show_standing(bank.applications.submit(written.id), given)


def review(bank: Bank, given: Given) -> None:
    """Begin the review, and show what the committee sees."""
    sheet = bank.applications.review(given["name"])
    show(dumped(sheet), _sheet_text(sheet), as_json=given["as_json"])


def decide(decision: Verdict, bank: Bank, given: Given) -> None:
    """Decide about an application."""
    _show_standing(bank.applications.decide(given["name"], decision, given["reason"]), given)


def remark(bank: Bank, given: Given) -> None:
    """Write a remark beside an application."""
    name, text = given["name"], given["text"]
    bank.applications.remark(name, text)
    show({"application": name, "text": text}, f"your remark stands beside '{name}'", as_json=given["as_json"])


def member(bank: Bank, given: Given) -> None:
    """Give a role in a project, or take it away."""
    name, who, role, leaves = given["name"], given["who"], given["role"], given["leaves"]
    if leaves:
        bank.applications.leave(name, who, role)
    else:
        bank.applications.join(name, who, role)
    said = f"{who} is {'no longer' if leaves else 'now'} {role.value} of '{name}'"
    show({"application": name, "who": who, "role": role.value, "removed": leaves}, said, as_json=given["as_json"])


def close(bank: Bank, given: Given) -> None:
    """End an application's life."""
    _show_standing(bank.applications.close(given["name"], given["reason"]), given)


def put_away(bank: Bank, given: Given) -> None:
    """Put a closed or refused application away."""
    _show_standing(bank.applications.archive(given["name"], given["reason"]), given)


def list_applications(bank: Bank, given: Given) -> None:
    """List the applications that may be read."""
    rows = [dumped(one) for one in bank.applications.every()]
    columns = ("application", "state", "title")
    show_table(rows, columns, as_json=given["as_json"], empty="there is no application here yet")


def show_application(bank: Bank, given: Given) -> None:
    """Show an application and every decision about it."""
    one = bank.applications.get(given["name"])
    steps = [
        f"{step.at:%Y-%m-%d %H:%M}  {step.source.value} -> {step.target.value}  {step.actor}  {step.reason}"
        for step in one.decisions
    ]
    document = "" if given["as_json"] else bank.applications.document(given["name"])
    text = "\n".join([f"{one.application}: {one.title} ({one.state.value})", *steps, "", document])
    show(dumped(one), text, as_json=given["as_json"])


def count(bank: Bank, given: Given) -> None:
    """Count each group of an application's document."""
    groups = bank.applications.count(read_file(given["file"]).document).groups
    rows: list[Json] = [dumped(one) for one in groups]
    told = "\n".join(f"{one.group}: {_available(one)}" for one in groups)
    show(rows, told, as_json=given["as_json"])


def freeze(bank: Bank, given: Given) -> None:
    """Freeze the list of studies of an application."""
    cohort = bank.cohorts.freeze(given["application"])
    told = f"{cohort.cohort}: {cohort.selected} studies selected, {cohort.not_selected} not"
    show(dumped(cohort), told, as_json=given["as_json"])


def stage(bank: Bank, given: Given) -> None:
    """Stage an approved application's studies; prints the volume."""
    name = given["application"]
    bank.wait(bank.applications.stage(name))
    sealed = [one for one in bank.volumes.every() if one.application == name and one.sealed_at]
    newest = max(sealed, key=lambda one: str(one.sealed_at))
    facts: dict[str, Json] = {
        "volume": newest.volume,
        "path": None,
        "files": newest.files,
        "manifest_sha256": newest.manifest_sha256,
    }
    show(facts, newest.volume, as_json=given["as_json"])


def list_volumes(bank: Bank, given: Given) -> None:
    """List the volumes that may be read."""
    rows = [_volume(one) for one in bank.volumes.every()]
    columns = ("volume", "state", "files", "bytes", "ends_on")
    show_table(rows, columns, as_json=given["as_json"], empty="there is no volume yet")


def show_volume(bank: Bank, given: Given) -> None:
    """Show a volume, its seal and who may open it."""
    one = bank.volumes.get(given["name"])
    facts = {**_volume(one), "grants": dumped(one)["grants"]}
    show(facts, lines(facts), as_json=given["as_json"])


def verify_volume(bank: Bank, given: Given) -> None:
    """Compare a volume's files with its seal."""
    name = given["name"]
    bank.wait(bank.volumes.verify(name))
    found = bank.volumes.get(name).verified
    if found is None or not found.intact:
        raise VolumeChanged(name, ["its last check is not there"])
    facts: dict[str, Json] = {"volume": name, "intact": True, "checked": found.checked}
    show(facts, f"{found.checked} files are as sealed", as_json=given["as_json"])


def diff(bank: Bank, given: Given) -> None:
    """Say by path how two volumes differ."""
    found = bank.volumes.diff(given["before"], given["after"])
    told = [f"{what}: {path}" for what in ("added", "removed", "changed") for path in getattr(found, what)]
    show(dumped(found), "\n".join([*told, f"{found.same} files are the same"]), as_json=given["as_json"])


def grant(bank: Bank, given: Given) -> None:
    """Give a person the right to open a volume."""
    until = given["until"].date() if given["until"] else None
    one = bank.volumes.grant(given["name"], given["who"], until)
    last = one.until.isoformat() if one.until else "it ends"
    show(dumped(one), f"{one.person} may open {one.volume} until {last}", as_json=given["as_json"])


def revoke(bank: Bank, given: Given) -> None:
    """Take a person's right away."""
    name, who = given["name"], given["who"]
    bank.volumes.revoke(name, who)
    show({"volume": name, "person": who}, f"{who} may no longer open {name}", as_json=given["as_json"])


def remove_volume(bank: Bank, given: Given) -> None:
    """Delete a volume's files; its record stays."""
    one = bank.volumes.remove(given["name"], given["reason"])
    facts: dict[str, Json] = {"volume": one.volume, "state": one.state.value}
    show(facts, f"volume '{one.volume}' is {one.state.value}", as_json=given["as_json"])


def _show_standing(one: ApplicationStanding, given: Given) -> None:
    show(dumped(one), f"application '{one.application}' is {one.state.value}", as_json=given["as_json"])


def _available(one: GroupCounted) -> str:
    return "fewer than 10" if one.available is None else str(one.available)


def _sheet_text(sheet: Sheet) -> str:
    cost = sheet.cost
    groups = [
        f"  {one.group}: {_available(one)} available, {'all' if one.wanted is None else one.wanted} wanted"
        for one in sheet.groups
    ]
    money = (
        f"  cost: {cost.money:,.2f} {cost.currency}: {cost.core_hours:,.0f} core hours, "
        f"{cost.gpu_hours:,.0f} GPU hours, {cost.gb_months:,.0f} GB months"
    )
    abroad = [f"  the data may also go to {there}" for there in sheet.may_leave]
    against = [f"  against an approval: {finding}" for finding in sheet.findings]
    head = f"{sheet.application}: {sheet.title} ({sheet.state.value})"
    return "\n".join([head, *groups, money, *abroad, *against])


def _volume(one: VolumeFacts) -> dict[str, Json]:
    """Return a volume as the command has it; where it lies on the server is not told."""
    facts = dumped(one)
    keys = ("volume", "application", "cohort", "state", "path", "files", "bytes")
    more = ("manifest_sha256", "sealed_at", "ends_on")
    return {key: facts.get(key) for key in (*keys, *more)}
