"""What people keep in order themselves: password, second factor, tokens, sessions."""

from datetime import date, timedelta

import segno
from fastapi.responses import Response

from voxpop.access import credentials
from voxpop.access.entrance import READ, WRITE
from voxpop.access.errors import AccountInvalid
from voxpop.access.permissions import Action
from voxpop.web import words
from voxpop.web.area import Area
from voxpop.web.ask import Ask, Asked
from voxpop.web.pages.sign_in import welcome
from voxpop.wiring.webhooks import make_webhook

area = Area("account")
_OTP = "otp"


class DayUnreadable(AccountInvalid):
    """A day was not given as one."""

    code = "day-unreadable"

    def __init__(self) -> None:
        super().__init__("write the last day as year-month-day, such as 2027-01-31")


@area.page("/account", Action.OWN_ACCOUNT)
def show(ask: Asked) -> Response:
    """Show one's own account."""
    return _page(ask)


@area.act("/account/password", Action.OWN_ACCOUNT)
def change_password(ask: Asked) -> Response:
    """Replace one's password; every other session ends."""
    name = ask.someone.name
    old, new = str(ask.form.get("old", "")), str(ask.form.get("new", ""))
    ask.system.entrance.check_password(name, old, ask.knock)
    ask.system.access.set_password(name, new, ask.person)
    ask.system.entrance.sign_out_everywhere(name)
    return welcome(ask, ask.someone, "/account")


@area.act("/account/second-factor", Action.OWN_ACCOUNT)
def second_factor(ask: Asked) -> Response:
    """Turn the second factor on, once a code has shown that the app knows the secret."""
    secret = ask.system.entrance.unsigned(ask.text("secret"), _OTP)
    if ask.someone.second_factor:
        return ask.go("/account", words.gettext_here("Turn the second factor off before you turn another one on."))
    ask.system.entrance.check_password(ask.someone.name, str(ask.form.get("old", "")), ask.knock)
    if secret is None:
        return ask.go("/account", words.gettext_here("That form was too old: try again."))
    ask.system.access.set_second_factor(ask.someone.name, secret, ask.text("code"))
    return ask.go("/account", words.gettext_here("The second factor is on: from now on you need your app to sign in."))


@area.act("/account/second-factor/off", Action.OWN_ACCOUNT)
def no_second_factor(ask: Asked) -> Response:
    """Turn the second factor off; the password is asked again."""
    ask.system.entrance.check_password(ask.someone.name, str(ask.form.get("old", "")), ask.knock)
    ask.system.access.drop_second_factor(ask.someone.name, ask.person)
    return ask.go("/account", words.gettext_here("The second factor is off."))


@area.act("/account/tokens", Action.OWN_ACCOUNT)
def make_token(ask: Asked) -> Response:
    """Make a token for a program; it is shown once."""
    try:
        ends_on = date.fromisoformat(ask.text("ends_on"))
    except ValueError as unreadable:
        raise DayUnreadable from unreadable
    scopes = frozenset({WRITE if ask.text("scope") == WRITE else READ})
    secret, _ = ask.system.entrance.make_token(ask.someone, ask.text("label") or "token", scopes, ends_on)
    return _page(ask, token=secret)


@area.act("/account/tokens/{token}/revoke", Action.OWN_ACCOUNT)
def revoke_token(ask: Asked, token: str) -> Response:
    """Revoke a token."""
    ask.system.entrance.revoke_token(ask.someone, token)
    return ask.go("/account", words.gettext_here("The token is revoked."))


@area.act("/account/webhooks", Action.OWN_ACCOUNT)
def add_webhook(ask: Asked) -> Response:
    """Let an address be told of events; what they are signed by is shown once."""
    _, secret = make_webhook(ask.system, ask.someone, ask.text("url"), ask.text("actions").split())
    return _page(ask, signing=secret)


@area.act("/account/webhooks/{webhook}/remove", Action.OWN_ACCOUNT)
def remove_webhook(ask: Asked, webhook: str) -> Response:
    """Tell an address nothing more."""
    ask.system.webhooks.remove(ask.someone.name, webhook, ask.person)
    return ask.go("/account", words.gettext_here("The webhook is removed."))


@area.act("/account/sign-out-everywhere", Action.OWN_ACCOUNT)
def sign_out_everywhere(ask: Asked) -> Response:
    """End all of one's sessions, this one too."""
    ask.system.entrance.sign_out_everywhere(ask.someone.name)
    return ask.go("/sign-in", words.gettext_here("All your sessions are over."))


def _page(ask: Ask, token: str = "", signing: str = "") -> Response:
    secret = ask.system.entrance.unsigned(ask.text("secret"), _OTP) or credentials.new_otp_secret()
    uri = credentials.otp_uri(secret, ask.someone.name, ask.system.settings.project)
    return ask.page(
        "account/account.html",
        account=ask.someone,
        tokens=ask.system.entrance.tokens(ask.someone),
        token=token,
        webhooks=ask.system.webhooks.of_account(ask.someone.name),
        signing=signing,
        secret=secret,
        signed=ask.system.entrance.signed(secret, _OTP),
        picture=segno.make(uri, error="m").svg_data_uri(scale=4),
        in_a_month=(date.today() + timedelta(days=30)).isoformat(),  # noqa: DTZ011 -- a day to start from, in a form
    )
