"""Webhooks of one's own: addresses that are told, after the fact, of events of what one may read."""

from typing import Annotated

from fastapi import Path

from voxpop.access.permissions import Action
from voxpop.store.webhooks import Webhook
from voxpop.web.api import paging
from voxpop.web.api.models import webhooks as m
from voxpop.web.api.models.base import NAME, Page
from voxpop.web.api.routes import ApiArea, Called, Form
from voxpop.wiring.webhooks import make_webhook as make

area = ApiArea("webhooks")
_Name = Annotated[str, Path(max_length=100, pattern=NAME)]


@area.read("/webhooks", Action.OWN_ACCOUNT)
def list_webhooks(call: Called, part: paging.Asked) -> Page[m.WebhookFacts]:
    """List one's own webhooks."""
    rows = call.system.webhooks.of_account(call.account.name)
    return paging.page(call, part, rows, lambda one: (one.id,), lambda one: m.WebhookFacts(**_facts(one)))


@area.act("/webhooks", Action.OWN_ACCOUNT, form=Form(status=201))
def make_webhook(call: Called, asked: m.WebhookAsked) -> m.WebhookMade:
    """Let an address be told of events from now on, as far and as long as the token reads; its secret is told once."""
    one, secret = make(call.system, call.account, asked.url, asked.actions, call.token.id)
    return m.WebhookMade(**_facts(one), secret=secret)


@area.delete("/webhooks/{webhook}", Action.OWN_ACCOUNT, form=Form(status=204))
def remove_webhook(call: Called, webhook: _Name) -> None:
    """Tell an address nothing more."""
    call.system.webhooks.remove(call.account.name, webhook, call.person)


def _facts(one: Webhook) -> dict[str, object]:
    return {
        "webhook": one.id,
        "url": one.url,
        "actions": list(one.actions),
        "made_at": one.made_at,
        "seq": one.seq,
        "failures": one.failures,
        "enabled": one.enabled,
    }
