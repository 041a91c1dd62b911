"""A real registry: what one engine has built, another bank's site fetches instead of building it."""

import json
import socket
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.docker_engine import docker
from tests.unit.test_recipe_checking import DESCRIPTION
from tests.waiting import until

from voxpop.appliance.errors import RegistryRefused, SiteSettingInvalid, SiteUnreachable
from voxpop.appliance.images import plan_image
from voxpop.appliance.model import Ground
from voxpop.appliance.recipes import find_recipes
from voxpop.backends.site.docker import DockerSite, open_site

real = pytest.mark.needs("docker", "docker-registry", "mmdebstrap")
LOGIN = {"username": "bank", "password": "correct horse"}
CONFIG = """version: 0.1
storage: {{filesystem: {{rootdirectory: {root}}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = tmp_path / "registry.yml"
    config.write_text(CONFIG.format(root=tmp_path / "registry", port=port))
    with (tmp_path / "registry.log").open("w") as log:
        served = subprocess.Popen(["docker-registry", "serve", str(config)], stdout=log, stderr=log)
    try:
        until(lambda: answers(f"http://127.0.0.1:{port}/v2/"))
        yield f"127.0.0.1:{port}"
    finally:
        served.terminate()
        served.wait(30)


@pytest.fixture
def recipes(tmp_path: Path) -> Path:
    role = tmp_path / "recipes" / "pipeline-runner"
    (role / "tasks").mkdir(parents=True)
    described = DESCRIPTION.replace("my-tool --version", "test -s /srv/written").replace("my-tool", role.name)
    (role / "recipe.yaml").write_text(described)
    write = f"---\n- name: Write\n  ansible.builtin.shell: echo {tmp_path} > /srv/written\n"
    (role / "tasks" / "main.yml").write_text(write)
    return role.parent


def site(recipes: Path, engine: str, **settings: str) -> DockerSite:
    ground = Ground(recipes.parent / "areas", "bubblewrap", network=False, recipes=find_recipes(recipes))
    return open_site("engine", {"host": engine, **settings}, ground)


def forget(recipes: Path) -> None:
    plan = plan_image((), find_recipes(recipes))
    docker("rmi", "--force", plan.tag, *plan.layers)


@real
def test_what_was_built_is_sent_and_fetched_where_it_is_gone(
    engine: str, image: str, registry: str, recipes: Path
) -> None:
    del image
    ours = site(recipes, engine, registry=f"{registry}/bank")
    built = ours.build((), print)
    assert built.built
    assert httpx.get(f"http://{registry}/v2/_catalog").json() == {"repositories": ["bank/voxpop/appliance"]}
    forget(recipes)
    assert ours.build((), print) == type(built)(built.id, built=False)
    assert registry not in docker("images", "--format", "{{.Repository}}")
    forget(recipes)
    without = site(recipes, engine, registry=f"{registry}/other")  # has no such image: it is built
    assert without.build((), print).built
    forget(recipes)


@real
def test_an_image_of_that_name_that_was_made_of_something_else_is_refused(
    engine: str, registry: str, recipes: Path, tmp_path: Path
) -> None:
    there = f"{registry}/{plan_image((), find_recipes(recipes)).tag}"
    with tarfile.open(tmp_path / "other.tar", "w") as other:
        other.add(recipes, "recipes")
    docker("import", str(tmp_path / "other.tar"), there)
    docker("push", "--quiet", there)
    docker("rmi", there)
    with pytest.raises(RegistryRefused, match="was made of something else: remove it there"):
        site(recipes, engine, registry=registry).build((), print)
    assert registry not in docker("images", "--format", "{{.Repository}}")


@real
def test_a_registry_that_is_away_and_a_login_that_is_not_there_are_told(
    engine: str, image: str, recipes: Path, tmp_path: Path
) -> None:
    del image
    with pytest.raises(SiteUnreachable, match=r"127\.0\.0\.1:9"):
        site(recipes, engine, registry="127.0.0.1:9").build((), print)
    with pytest.raises(RegistryRefused, match="its login can't be read"):
        site(recipes, engine, registry="127.0.0.1:9", registry_login_file=str(tmp_path / "none")).build((), print)
    login = tmp_path / "login.json"
    login.write_text(json.dumps(LOGIN))
    with pytest.raises(SiteUnreachable) as away:
        site(recipes, engine, registry="127.0.0.1:9", registry_login_file=str(login)).build((), print)
    assert LOGIN["password"] not in str(away.value)


@pytest.mark.parametrize("settings", [{"registry": "https://x"}, {"registry": "x y"}, {"registry_login_file": "/x"}])
def test_a_wrong_setting_is_refused(tmp_path: Path, settings: dict[str, str]) -> None:
    with pytest.raises(SiteSettingInvalid):
        open_site("engine", settings, Ground(tmp_path, "bubblewrap", network=False))


def answers(address: str) -> bool:
    try:
        return httpx.get(address, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False
