"""Appliances, runs, and what can be asked for, of a bank that is somewhere else."""

from collections.abc import Mapping
from typing import Any

from voxpop.appliance.parcel import packed
from voxpop.appliance.terms import NO_QUOTA
from voxpop.cli.console import say, show, show_table
from voxpop.cli.pairs import pairs
from voxpop.cli.recipe import COLUMNS, show_added
from voxpop.cli.remote_projects import dumped, lines
from voxpop.cli.site import quota_facts, quota_text, show_one, show_site, show_sites
from voxpop.cli.size import resized_sentence
from voxpop.client import Bank
from voxpop.flow.plan_words import plan_text
from voxpop.kernel.digests import Json
from voxpop.web.api.models.appliances import ApplianceFacts, PipelineFacts, QuotaAsked, RecipeStands
from voxpop.web.api.models.audit import OperationFacts
from voxpop.web.api.models.runs import ComparisonFacts, RunFacts

Given = Mapping[str, Any]
_APPLIANCE = ("appliance", "application", "volume", "site", "state", "document_sha256", "ends_at", "warning")
_GIVEN = ("sandbox", "network", "cores", "memory_gb", "not_given")
_PIPELINE = ("pipeline", "title", "volume_inputs", "parameters", "sha256")


def plan(bank: Bank, given: Given) -> None:
    """Write the TOSCA document of an application's newest sealed volume."""
    planned = bank.appliances.plan(given["application"], given["site"], given["queue"])
    facts = dumped(planned)
    if not given["as_json"]:
        say(plan_text(facts))
    show(facts, planned.document, as_json=given["as_json"])


def deploy(bank: Bank, given: Given) -> None:
    """Deploy the appliance of a sealed volume."""
    done = bank.wait(bank.appliances.deploy(given["volume"], given["site"], given["queue"]))
    made = bank.appliances.get(done.subject.removeprefix("appliance:"))
    show(_appliance(made), f"appliance '{made.appliance}' is deployed", as_json=given["as_json"])


def list_appliances(bank: Bank, given: Given) -> None:
    """List the appliances that may be read."""
    rows = [dumped(one) for one in bank.appliances.every()]
    columns = ("appliance", "application", "site", "state")
    show_table(rows, columns, as_json=given["as_json"], empty="there is no appliance yet")


def show_appliance(bank: Bank, given: Given) -> None:
    """Show what an appliance was given."""
    one = bank.appliances.get(given["name"])
    facts = _appliance(one) | ({"workers": dumped(one.workers)} if one.workers else {})
    told = {key: value for key, value in facts.items() if value not in (None, "")}
    show(facts, lines(told), as_json=given["as_json"])


def resize_appliance(bank: Bank, given: Given) -> None:
    """Choose how many workers an appliance may have."""
    resized = bank.appliances.resize(given["name"], given["least"], given["most"])
    show(dumped(resized), resized_sentence(resized.appliance, resized.least, resized.most), as_json=given["as_json"])


def open_notebook(bank: Bank, given: Given) -> None:
    """Open the account's notebook, and print the way in."""
    opened = bank.appliances.notebook(given["name"])
    show(dumped(opened), opened.address, as_json=given["as_json"])


def remove_appliance(bank: Bank, given: Given) -> None:
    """Remove an appliance from its site."""
    removed = bank.appliances.remove(given["name"], given["reason"], give_up=given["give_up"])
    show(dumped(removed), f"appliance '{removed.appliance}' is removed", as_json=given["as_json"])


def list_sites(bank: Bank, given: Given) -> None:
    """List the sites with their prices."""
    show_sites([dumped(one) for one in bank.catalogue.sites()], as_json=given["as_json"])


def show_site_terms(bank: Bank, given: Given) -> None:
    """Show a site's terms."""
    show_one(dumped(bank.catalogue.site(given["name"])), as_json=given["as_json"])


def quota(bank: Bank, given: Given) -> None:
    """Say how much of a site a project may use, or show it."""
    name, application = given["name"], given["application"]
    known = [one for one in bank.catalogue.site(name).quotas if one.application == application]
    facts = dumped(known[0]) if known else quota_facts(name, application, NO_QUOTA)
    named = {key: given[key] for key in ("core_hours", "workers") if given[key] is not None}
    if named or given["lift"]:
        before = {} if given["lift"] else {key: facts[key] for key in ("core_hours", "workers")}
        asked = QuotaAsked.model_validate({"application": application, **before, **named})
        facts = dumped(bank.catalogue.set_quota(name, asked))
    show(facts, quota_text(facts), as_json=given["as_json"])


def check_site(bank: Bank, given: Given) -> None:
    """Ask a site whether it is there, and what it has."""
    told = bank.catalogue.check_site(given["name"])
    show_site(told.site, told.has, as_json=given["as_json"])


def remove_site(bank: Bank, given: Given) -> None:
    """Forget a site on which nothing stands."""
    gone = bank.catalogue.remove_site(given["name"]).site
    show({"site": gone, "state": "removed"}, f"site '{gone}' is forgotten", as_json=given["as_json"])


def list_recipes(bank: Bank, given: Given) -> None:
    """List the recipes that ship, and those that were added."""
    rows = [dumped(one) for one in bank.catalogue.recipes()]
    show_table(rows, COLUMNS, as_json=given["as_json"], empty="no recipe is installed")


def add_recipe(bank: Bank, given: Given) -> None:
    """Send a recipe, which is looked at and kept to be approved."""
    _show_recipe(bank.catalogue.add_recipe(packed(given["folder"].absolute())), given)


def approve_recipe(bank: Bank, given: Given) -> None:
    """Let applications ask for a recipe that another person added."""
    _show_recipe(bank.catalogue.approve_recipe(given["name"], given["version"], given["reason"]), given)


def withdraw_recipe(bank: Bank, given: Given) -> None:
    """Let no application ask for a recipe any more."""
    _show_recipe(bank.catalogue.withdraw_recipe(given["name"], given["version"], given["reason"]), given)


def _show_recipe(stands: RecipeStands, given: Given) -> None:
    show_added(stands.recipe, stands.version, stands.state, stands.sha256, as_json=given["as_json"])


def list_pipelines(bank: Bank, given: Given) -> None:
    """List the pipelines that are installed."""
    rows = [_pipeline(one) for one in bank.catalogue.pipelines()]
    show_table(rows, ("pipeline", "title"), as_json=given["as_json"], empty="no pipeline is installed")


def show_pipeline(bank: Bank, given: Given) -> None:
    """Show a pipeline."""
    facts = _pipeline(bank.catalogue.pipeline(given["name"]))
    show(facts, lines(facts), as_json=given["as_json"])


def start(bank: Bank, given: Given) -> None:
    """Run a pipeline to its end."""
    chosen = pairs(given["chosen"])
    _carried_out(bank, bank.runs.start(given["application"], given["pipeline"], chosen), given)


def resume(bank: Bank, given: Given) -> None:
    """Go on with a run."""
    _carried_out(bank, bank.runs.resume(given["name"]), given)


def repeat(bank: Bank, given: Given) -> None:
    """Run the same work again and name the first step whose output differs."""
    name = given["name"]
    bank.wait(bank.runs.repeat(name))
    again = [one for one in bank.runs.every() if one.repeats == name][-1]
    found = bank.runs.compare(name, again.run)
    show(dumped(found), _comparison_text(found), as_json=given["as_json"])


def list_runs(bank: Bank, given: Given) -> None:
    """List the runs that may be read."""
    rows = [_run(one) for one in bank.runs.every()]
    columns = ("run", "state", "pipeline", "volume", "repeats")
    show_table(rows, columns, as_json=given["as_json"], empty="there is no run yet")


def show_run(bank: Bank, given: Given) -> None:
    """Show a run."""
    facts = _run(bank.runs.get(given["name"]))
    show(facts, lines(facts), as_json=given["as_json"])


def logs(bank: Bank, given: Given) -> None:
    """Print what the run's steps wrote."""
    written = bank.runs.log(given["name"])
    show(dumped(written), written.log, as_json=given["as_json"])


def cancel(bank: Bank, given: Given) -> None:
    """Cancel a run."""
    run = bank.runs.cancel(given["name"], given["reason"])
    facts: dict[str, Json] = {"run": run.run, "state": run.state.value}
    show(facts, f"run '{run.run}' is {run.state.value}", as_json=given["as_json"])


def _carried_out(bank: Bank, operation: OperationFacts, given: Given) -> None:
    bank.wait(operation)
    facts = _run(bank.runs.get(operation.subject.partition(":")[2]))
    show(facts, f"run '{facts['run']}' is {facts['state']}", as_json=given["as_json"])


def _run(one: RunFacts) -> dict[str, Json]:
    """Return a run as the command has it; where its results lie on the server is not told."""
    facts = dumped(one)
    keys = ("run", "application", "appliance", "volume", "pipeline", "pipeline_sha256", "state", "results")
    return {key: facts.get(key) for key in (*keys, "repeats", "created_at")}


def _appliance(one: ApplianceFacts) -> dict[str, Json]:
    facts = dumped(one)
    return {key: facts[key] for key in (*_APPLIANCE, *(_GIVEN if one.sandbox is not None else ()))}


def _pipeline(one: PipelineFacts) -> dict[str, Json]:
    facts = dumped(one)
    return {key: facts[key] for key in _PIPELINE}


def _comparison_text(found: ComparisonFacts) -> str:
    first = found.first_difference
    if first is None:
        return f"{found.repeat} gave the same as {found.original}: {found.steps} steps, byte for byte"
    return (
        f"{found.repeat} differs from {found.original}: first in step '{first.step}' "
        f"(execution {first.position}), output '{first.port}', {first.path}"
    )
