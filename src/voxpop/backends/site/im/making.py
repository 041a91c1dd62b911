"""From an infrastructure's machines to a front end whose queue answers."""

import time
from collections.abc import Callable

from voxpop.appliance.card import card
from voxpop.appliance.model import Ground
from voxpop.appliance.tosca import Blueprint
from voxpop.backends.site.im import radl
from voxpop.backends.site.im.errors import FrontEndUnreachable, InfrastructureUnconfigured
from voxpop.backends.site.im.front_end import FrontEnd, place_of
from voxpop.backends.site.im.infrastructure import Infrastructure
from voxpop.backends.site.im.plays import front_play, host_keys, worker_play
from voxpop.backends.site.im.roles import fetched
from voxpop.backends.site.im.setup import Setup
from voxpop.kernel.ids import ApplianceId

_CONFIGURED = "configured"
_ENDED = ("unconfigured", "failed", "stopped", "off", "")
_QUEUE_PATIENCE_S = 120
_PAUSE_S = 1.0


class Making:
    """Makes one appliance's machines what the document says.

    Parameters
    ----------
    ground : Ground
        Has the recipes whose roles machines may need.
    """

    def __init__(self, site: str, setup: Setup, ground: Ground, front_end: FrontEnd) -> None:
        self._site = site
        self._setup = setup
        self._ground = ground
        self._front_end = front_end

    def configure(self, infrastructure: Infrastructure, appliance: ApplianceId, blueprint: Blueprint) -> None:
        """Configure the front end and the least workers, and wait until the queue answers.

        Raises
        ------
        InfrastructureUnconfigured
            If they do not become what they should.
        """
        workers = blueprint.environment.workers
        assert workers is not None
        roles = fetched(blueprint, self._ground.recipes, self._setup.roles_url)
        told = card(appliance, blueprint.queue, workers, self._ground)
        plays = radl.Plays(front_play(told, roles, self._front_end.our_key()), worker_play(told, roles))
        there = {seen.machine.name for seen in infrastructure.workers()}
        missing = [name for name in (f"w{number}" for number in range(1, workers.least + 1)) if name not in there]
        if missing:
            infrastructure.add(missing, plays)
        else:
            infrastructure.configure(plays)
        self._wait_for_machines(infrastructure, appliance)
        self._meet(infrastructure, appliance)

    def _wait_for_machines(self, infrastructure: Infrastructure, appliance: ApplianceId) -> None:
        def configured() -> bool:
            state = infrastructure.state()
            if state in _ENDED:
                said = infrastructure.log() if state else ""
                raise InfrastructureUnconfigured(self._site, appliance, f"its machines being {state or 'gone'}", said)
            return state == _CONFIGURED

        if not _within(self._setup.patience_s, configured):
            fault = f"its machines not being configured within {self._setup.patience_s} s"
            raise InfrastructureUnconfigured(self._site, appliance, fault, infrastructure.log())

    def _meet(self, infrastructure: Infrastructure, appliance: ApplianceId) -> None:
        """Learn who the front end is, by the service, and wait until its queue answers."""
        log = infrastructure.log()
        keys, place = host_keys(log), place_of(infrastructure.front_end())
        if not keys or place is None:
            fault = "the service not telling the front end's address and keys"
            raise InfrastructureUnconfigured(self._site, appliance, fault, log)
        self._front_end.learn(place, keys)
        if not _within(_QUEUE_PATIENCE_S, self._queue_answers):
            said = self._front_end.do(["tail", "-n", "20", "/var/log/voxpop-node.log"]).stdout
            raise InfrastructureUnconfigured(self._site, appliance, "its queue not answering", said)

    def _queue_answers(self) -> bool:
        try:
            return self._front_end.do(["voxpop-node", "check"]).exit_code == 0
        except FrontEndUnreachable:  # its sshd begins again, as it is configured
            return False


def _within(patience_s: float, there: Callable[[], bool]) -> bool:
    """Say whether something comes to be in time."""
    end = time.monotonic() + patience_s
    while not there():
        if time.monotonic() > end:
            return False
        time.sleep(_PAUSE_S)
    return True
