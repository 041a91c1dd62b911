"""Making images: a base by mmdebstrap, and the roles of recipes applied in it by Ansible."""

import os
import re
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from voxpop.appliance.errors import ImageUnbuilt
from voxpop.appliance.images import BASE_PACKAGES, PYTHON, SUITE, Image, ImagePlan, Say, base_digest, playbook
from voxpop.appliance.recipes import Recipe
from voxpop.backends import process
from voxpop.backends.site.docker.engine import INPUTS, OF_A_BUILDING, DockerEngine
from voxpop.kernel.errors import VoxpopError

BUILD = Path("/build")
"""Where a container that is made into an image finds what it is made of."""

_NOTHING: Mapping[Path, str] = {}
_BASE_PATIENCE_S = 1800.0
_AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
_PROXIES = OF_A_BUILDING[:3]
_PLAY = f"ansible-playbook --connection local --inventory localhost, {BUILD / 'site.yml'}"
# a container can't keep what Python compiles; by content and not by time, so that the same inputs give the same bytes
_LIBRARY = PYTHON.parent.parent / "lib"
_COMPILEALL = f"PYTHONHASHSEED=0 {PYTHON} -m compileall -q -f --invalidation-mode unchecked-hash {_LIBRARY}"
_COMPILE = (  # and only what this role has brought: it takes a minute
    f"(test -z \"$(find {_LIBRARY} -name '*.py' -cnewer {BUILD / 'site.yml'} -print -quit 2>/dev/null)\" "
    f"|| {_COMPILEALL} || true)"
)
_LEAVE_NOTHING = (
    "apt-get clean && rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/* /root/.ansible /root/.cache /tmp/* "
    "&& mkdir -p /var/lib/apt/lists/partial"
)
_PATH = f"{PYTHON.parent}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_TASK = re.compile(r"^TASK \[(.*)\] \*+$", re.MULTILINE)
_FAULT = re.compile(r'"(?:stderr|msg)": "((?:[^"\\]|\\.)+)"')
_CHECK = (
    "import importlib.util, sys; sys.exit(' '.join(m for m in sys.argv[1:] if not importlib.util.find_spec(m)) or 0)"
)


def build(engine: DockerEngine, plan: ImagePlan, mirror: str, say: Say) -> Image:
    """Build an image, or return the one that is there of the same inputs; one process at a time.

    Raises
    ------
    ImageUnbuilt
        If a step fails; what is left then is the base, and the layers of recipes that went well.
    ToolMissing
        If mmdebstrap is not installed.
    """
    there = engine.image(plan.tag)
    if there:
        return Image(there, built=False)
    engine.clear_baking()
    image = base_image(engine, mirror, say)
    for recipe, layer in zip(plan.recipes, plan.layers, strict=True):
        if not engine.image(layer):
            say(f"the recipe {recipe.name}")
            container = apply_roles(engine, image, {recipe.name: _role(recipe)})
            draft = f"{layer}-draft"
            engine.keep(container, draft, {INPUTS: layer.partition(":")[2]})
            try:
                _check(engine, draft, recipe)
                engine.name(draft, layer)  # the name comes last: a layer of this name is whole
            finally:
                with suppress(VoxpopError):
                    engine.drop(draft)
        image = layer
    return Image(engine.name(image, plan.tag), built=True)


def base_image(engine: DockerEngine, mirror: str, say: Say) -> str:
    """Return the name of the base image; it is made where it is not there."""
    name = f"voxpop/base:{base_digest()[:16]}"
    if not engine.image(name):
        say(f"the base: Debian {SUITE}")
        _make_base(engine, name, mirror)
    return name


def _make_base(engine: DockerEngine, name: str, mirror: str) -> None:
    with tempfile.TemporaryDirectory(prefix="voxpop-base-") as folder:
        archive = Path(folder) / "base.tar"
        command = ["mmdebstrap", "--variant=minbase", "--aptopt=Acquire::Languages none"]
        command += [f"--include={','.join(BASE_PACKAGES)}", SUITE, str(archive), mirror]
        done = process.run(command, env=_tool_environment(), timeout_s=_BASE_PATIENCE_S)
        if done.exit_code:
            raise ImageUnbuilt("`mmdebstrap`", done.stderr)
        engine.take_in(archive, name)


def apply_roles(
    engine: DockerEngine, base: str, roles: Mapping[str, Path], shown: Mapping[Path, str] = _NOTHING, words: str = ""
) -> str:
    """Apply Ansible roles in a container of an image; returns the container's id.

    Parameters
    ----------
    roles : mapping of name to Path
        In the order in which they are applied.
    shown : mapping of Path to str
        Files of ours, and where the roles find them.
    words : str
        More of ansible-playbook's command line.

    Raises
    ------
    ImageUnbuilt
        If a task fails; names it.
    """
    with tempfile.TemporaryDirectory(prefix="voxpop-image-") as folder:
        site = Path(folder) / "site.yml"
        site.write_text(playbook([*roles]), encoding="utf-8")
        site.chmod(0o644)
        mounts = {site: str(BUILD / "site.yml"), **shown}
        mounts |= {role.resolve(): str(BUILD / "roles" / name) for name, role in roles.items()}
        environment = {"ANSIBLE_LOCALHOST_WARNING": "False", "ANSIBLE_NOCOLOR": "1", "LANG": "C.UTF-8"}
        environment |= {name: os.environ[name] for name in _PROXIES if name in os.environ}
        if _AUTHORITIES.is_file():  # whatever this machine trusts, its package mirrors may be signed by
            mounts[_AUTHORITIES] = str(BUILD / "authorities.crt")
            environment |= {"PIP_CERT": str(BUILD / "authorities.crt")}
        line = f"{_PLAY} {words} && {_COMPILE} && {_LEAVE_NOTHING}"
        return engine.bake(base, ["sh", "-c", line], mounts, environment, _told_by_ansible)


def _told_by_ansible(said: str) -> ImageUnbuilt:
    """Name the task that failed, and what it said; Ansible tells it in a line of JSON."""
    tasks, faults = _TASK.findall(said), _FAULT.findall(said)
    step = f"the task '{tasks[-1]}'" if tasks else "Ansible"
    return ImageUnbuilt(step, (faults[-1] if faults else said).replace("\\n", "\n"))


def _check(engine: DockerEngine, image: str, recipe: Recipe) -> None:
    def lacking(said: str) -> ImageUnbuilt:
        return ImageUnbuilt(f"the check that recipe '{recipe.name}' brings what it promises", said)

    def unwell(said: str) -> ImageUnbuilt:
        return ImageUnbuilt(f"the health check of recipe '{recipe.name}'", said)

    commands = [["sh", "-c", f"command -v {program} || {{ echo {program}; false; }}"] for program in recipe.programs]
    if recipe.python_modules:
        commands.append([str(PYTHON), "-c", _CHECK, *recipe.python_modules])
    for command in commands:
        engine.discard(engine.bake(image, command, {}, {}, lacking))
    if recipe.health:
        environment = {"PATH": _PATH, "LANG": "C.UTF-8"}
        engine.discard(engine.bake(image, ["sh", "-c", recipe.health], {}, environment, unwell))


def _role(recipe: Recipe) -> Path:
    assert recipe.folder is not None
    return recipe.folder


def _tool_environment() -> dict[str, str]:
    kept = ("PATH", "HOME", "TMPDIR", *_PROXIES)
    return {"LANG": "C.UTF-8"} | {name: os.environ[name] for name in kept if name in os.environ}
