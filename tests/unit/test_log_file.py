"""The log that a work folder keeps."""

import logging
from contextlib import suppress
from pathlib import Path

import pytest

from voxpop.wiring.kept import _log_to


def test_a_log_that_can_not_be_written_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    log = logging.getLogger("voxpop")
    before = list(log.handlers)
    _log_to(Path("/dev/full"))
    made = [handler for handler in log.handlers if handler not in before]
    try:
        log.error("what has no room")
        assert len(made) == 1
        assert capfd.readouterr().err == ""
    finally:
        for handler in made:
            log.removeHandler(handler)
            with suppress(OSError):
                handler.close()
