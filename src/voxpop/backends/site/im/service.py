"""The Infrastructure Manager's REST interface."""

import json
import ssl
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx

from voxpop.appliance.errors import SiteUnreachable
from voxpop.backends.site.im.errors import InfrastructureRefused, SiteUnauthorized
from voxpop.backends.site.im.setup import Setup

_JSON = {"accept": "application/json"}
_RADL = {"content-type": "text/plain"}
_CONNECT_S = 10.0
_MANY_BYTES = 20_000_000


class Service:
    """One service, as one user of it.

    Parameters
    ----------
    site : str
        The site's name, for what is said.
    authorization : callable
        Returns what stands in the header; it is asked each time, so that a renewed token counts at once.
    """

    def __init__(self, site: str, setup: Setup, authorization: Callable[[], str]) -> None:
        self._site = site
        self._authorization = authorization
        self._client = httpx.Client(
            base_url=setup.url,
            verify=ssl.create_default_context(cafile=setup.ca_file) if setup.ca_file else True,
            timeout=httpx.Timeout(setup.answer_s, connect=min(setup.answer_s, _CONNECT_S)),
            follow_redirects=False,
            trust_env=False,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def version(self) -> str:
        """Return the service's version."""
        return str(self._object("GET", "/version").get("version", ""))

    def infrastructures(self) -> list[str]:
        """Return the ids of what the user has."""
        return _last_parts(self._object("GET", "/infrastructures"), "uri-list")

    def create(self, document: str) -> str:
        """Create what a TOSCA document says; returns the infrastructure's id.

        Raises
        ------
        InfrastructureRefused
            If the service says no.
        """
        made = self._object("POST", "/infrastructures", document, {"content-type": "text/yaml"})
        return str(made["uri"]).rpartition("/")[2]

    def share(self, infrastructure: str, user: str, password: str) -> None:
        """Give another user of the service the same rights."""
        body = json.dumps({"username": user, "password": password})
        kind = {"content-type": "application/json"}
        self._checked(self._answer("POST", f"/infrastructures/{infrastructure}/authorization", body, kind), {})

    def document(self, infrastructure: str) -> str:
        """Return the TOSCA document that it was created from; empty where there is none."""
        answer = self._answer("GET", f"/infrastructures/{infrastructure}/tosca", "", _JSON)
        if answer.status_code in (httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND):
            return ""
        return str(self._checked(answer).get("tosca", ""))

    def radl(self, infrastructure: str) -> str:
        """Return what the service made of the document."""
        return str(self._object("GET", f"/infrastructures/{infrastructure}/radl").get("radl", ""))

    def state(self, infrastructure: str) -> str:
        """Return the state; empty where the infrastructure is gone."""
        answer = self._answer("GET", f"/infrastructures/{infrastructure}/state", "", _JSON)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return ""
        state = self._checked(answer).get("state")
        return str(state.get("state", "")) if isinstance(state, dict) else ""

    def log(self, infrastructure: str) -> str:
        """Return what the configuration of the machines wrote."""
        return str(self._object("GET", f"/infrastructures/{infrastructure}/contmsg").get("contmsg", ""))

    def machines(self, infrastructure: str) -> list[str]:
        """Return the numbers of the machines."""
        return _last_parts(self._object("GET", f"/infrastructures/{infrastructure}"), "uri-list")

    def machine(self, infrastructure: str, number: str) -> list[dict[str, Any]] | None:
        """Return what the service knows of a machine; None where that is gone."""
        answer = self._answer("GET", f"/infrastructures/{infrastructure}/vms/{number}", "", _JSON)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        found = self._checked(answer).get("radl", [])
        return [part for part in found if isinstance(part, dict)]

    def add(self, infrastructure: str, radl: str) -> None:
        """Add machines, and configure what is then there."""
        self._object("POST", f"/infrastructures/{infrastructure}", radl, _RADL)

    def configure(self, infrastructure: str, radl: str) -> None:
        """Change how machines are configured, and configure them."""
        self._checked(self._answer("PUT", f"/infrastructures/{infrastructure}/reconfigure", radl, _RADL), {})

    def remove_machines(self, infrastructure: str, numbers: Sequence[str]) -> None:
        """Remove machines and leave the others as they are; silent for those that are gone."""
        path = f"/infrastructures/{infrastructure}/vms/{','.join(numbers)}?context=false"
        self._gone("DELETE", path)

    def destroy(self, infrastructure: str) -> None:
        """Remove all of it; silent where it is gone. A machine that the cloud does not let go makes it fail."""
        self._gone("DELETE", f"/infrastructures/{infrastructure}")

    def _gone(self, method: str, path: str) -> None:
        answer = self._answer(method, path, "", {})
        if answer.status_code != httpx.codes.NOT_FOUND:
            self._checked(answer, {})

    def _object(self, method: str, path: str, body: str = "", kind: Mapping[str, str] | None = None) -> dict[str, Any]:
        return self._checked(self._answer(method, path, body, {**_JSON, **(kind or {})}))

    def _answer(self, method: str, path: str, body: str, headers: Mapping[str, str]) -> httpx.Response:
        try:
            return self._client.request(
                method, path, content=body or None, headers={**headers, "authorization": self._authorization()}
            )
        except httpx.TimeoutException as slow:
            raise SiteUnreachable(self._site, "it takes too long") from slow
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as broken:
            raise SiteUnreachable(self._site, "no Infrastructure Manager is there") from broken

    def _checked(self, answer: httpx.Response, otherwise: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the JSON of a good answer; ``otherwise`` stands for one that has none."""
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            raise SiteUnauthorized(self._site)
        if answer.is_server_error:
            raise SiteUnreachable(self._site, f"it answers with status {answer.status_code}")
        if not answer.is_success:
            raise InfrastructureRefused(self._site, _message(answer))
        if otherwise is not None:
            return otherwise
        try:
            found = answer.json() if len(answer.content) < _MANY_BYTES else None
        except ValueError as unreadable:
            raise SiteUnreachable(self._site, "it answers with something else than JSON") from unreadable
        if not isinstance(found, dict):
            raise SiteUnreachable(self._site, "it answers with something else than a JSON object")
        return found


def _last_parts(found: Mapping[str, Any], name: str) -> list[str]:
    listed = found.get(name, [])
    return [str(one.get("uri", "")).rpartition("/")[2] for one in listed if isinstance(one, dict)]


def _message(answer: httpx.Response) -> str:
    try:
        found = answer.json()
        return str(found.get("message", "")) if isinstance(found, dict) else ""
    except ValueError:
        return answer.text
