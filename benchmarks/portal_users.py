"""What one person does in the portal, for Locust; `portal_load.py` starts it."""

import json
import os
import random
from pathlib import Path

from locust import HttpUser, between, task

_PLAN = json.loads(Path(os.environ["VOXPOP_LOAD_PLAN"]).read_text())
_FREE = iter(_PLAN["people"])


class Person(HttpUser):
    """Someone who has signed in, reads a page, thinks, and reads the next."""

    wait_time = between(*_PLAN["thinks_s"])

    def on_start(self) -> None:
        """Take a session that nobody else has, and one of the web processes."""
        person = next(_FREE)
        self.client.base_url = person["url"]
        self.client.cookies.set("voxpop", person["cookie"])
        self._paths: list[str] = _PLAN["pages"][person["role"]]

    @task
    def click(self) -> None:
        """Go to a page."""
        path = random.choice(self._paths)
        with self.client.get(path, name=path.partition("?")[0], allow_redirects=False, catch_response=True) as answer:
            if answer.status_code != 200:
                answer.failure(f"answered {answer.status_code}")
