"""What each command is, done by the client."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from voxpop.cli import remote_people as people
from voxpop.cli import remote_projects as projects
from voxpop.cli import remote_results as results
from voxpop.cli import remote_work as work
from voxpop.client import Bank
from voxpop.web.api.models.applications import Verdict

TABLE: Mapping[str, Callable[[Bank, Mapping[str, Any]], None]] = {
    "archive add": projects.add_archive,
    "archive list": projects.list_archives,
    "archive echo": projects.echo_archive,
    "archive harvest": projects.harvest,
    "application submit": projects.submit,
    "application review": projects.review,
    "application approve": partial(projects.decide, Verdict.APPROVE),
    "application return": partial(projects.decide, Verdict.RETURN),
    "application refuse": partial(projects.decide, Verdict.REFUSE),
    "application close": projects.close,
    "application archive": projects.put_away,
    "application remark": projects.remark,
    "application member": projects.member,
    "application list": projects.list_applications,
    "application show": projects.show_application,
    "cohort count": projects.count,
    "cohort freeze": projects.freeze,
    "stage": projects.stage,
    "volume list": projects.list_volumes,
    "volume show": projects.show_volume,
    "volume verify": projects.verify_volume,
    "volume diff": projects.diff,
    "volume grant": projects.grant,
    "volume revoke": projects.revoke,
    "volume remove": projects.remove_volume,
    "appliance plan": work.plan,
    "appliance deploy": work.deploy,
    "appliance list": work.list_appliances,
    "appliance show": work.show_appliance,
    "appliance remove": work.remove_appliance,
    "site list": work.list_sites,
    "recipe list": work.list_recipes,
    "pipeline list": work.list_pipelines,
    "pipeline show": work.show_pipeline,
    "run start": work.start,
    "run resume": work.resume,
    "run repeat": work.repeat,
    "run list": work.list_runs,
    "run show": work.show_run,
    "run logs": work.logs,
    "run cancel": work.cancel,
    "report": results.report,
    "result list": results.list_results,
    "result show": results.show_results,
    "result check": results.check,
    "result ask": results.ask,
    "result releases": results.list_releases,
    "result release": results.release,
    "result refuse": results.refuse,
    "result withdraw": results.withdraw,
    "result fetch": results.fetch,
    "trace": results.trace,
    "user add": people.add_user,
    "user list": people.list_users,
    "user roles": people.set_roles,
    "user enable": people.enable_user,
    "user disable": people.disable_user,
    "user password": people.reset_password,
    "group list": people.list_groups,
    "group keep": people.keep_group,
    "token make": people.make_token,
    "token list": people.list_tokens,
    "token revoke": people.revoke_token,
    "webhook add": people.add_webhook,
    "webhook list": people.list_webhooks,
    "webhook remove": people.remove_webhook,
    "audit list": people.list_audit,
    "audit verify": people.verify_audit,
}
"""A command's name to what is done on a bank that is somewhere else."""
