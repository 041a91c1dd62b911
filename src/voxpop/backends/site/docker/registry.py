"""A registry of images: where one is sent that was built, and fetched from where the engine has none."""

import json
import logging

from voxpop.appliance.errors import RegistryRefused
from voxpop.appliance.images import ImagePlan
from voxpop.backends.site.docker.engine import DockerEngine
from voxpop.backends.site.docker.setup import Setup

_log = logging.getLogger("voxpop.site.docker")


def fetch(engine: DockerEngine, setup: Setup, plan: ImagePlan) -> None:
    """Fetch an image where the engine lacks it; a registry without it is no fault.

    Raises
    ------
    RegistryRefused
        If it has an image of that name that was made of something else, or its login can't be read.
    """
    if not setup.registry or engine.image(plan.tag):
        return
    there = _place(setup, plan)
    if not engine.pull(there, _login(setup)):
        _log.info("registry %s has no such image: it is built", setup.registry)
        return
    try:
        if engine.inputs(there) != plan.inputs:
            raise RegistryRefused(setup.registry, "its image of that name was made of something else: remove it there")
        engine.name(there, plan.tag)
    finally:
        engine.drop(there)


def send(engine: DockerEngine, setup: Setup, plan: ImagePlan) -> None:
    """Send an image that was built.

    Raises
    ------
    RegistryRefused
        If the registry does not take it.
    """
    if not setup.registry:
        return
    there = _place(setup, plan)
    engine.name(plan.tag, there)
    try:
        fault = engine.push(there, _login(setup))
    finally:
        engine.drop(there)
    if fault:
        engine.drop(plan.tag)  # its layers stay: the next building takes a moment, and sends it again
        raise RegistryRefused(setup.registry, f"it does not take the image: {fault}")


def _place(setup: Setup, plan: ImagePlan) -> str:
    return f"{setup.registry}/{plan.tag}"


def _login(setup: Setup) -> dict[str, str] | None:
    if setup.login is None:
        return None
    try:
        content = json.loads(setup.login.read_text(encoding="utf-8"))
        return {"username": str(content["username"]), "password": str(content["password"])}
    except (OSError, ValueError, KeyError, TypeError) as broken:
        fault = "its login can't be read: name a JSON file with username and password as registry_login_file"
        raise RegistryRefused(setup.registry, fault) from broken
