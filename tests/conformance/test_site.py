"""One suite over every site: what `appliance.ports.Site` promises."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.docker_engine import docker_site
from tests.others_cluster import OthersCluster, others_cluster

from voxpop.appliance.errors import DocumentInvalid
from voxpop.appliance.fakes import MemorySite
from voxpop.appliance.model import Environment, Ground
from voxpop.appliance.ports import CanForetell, Site
from voxpop.appliance.recipes import Recipe, RecipeKind
from voxpop.appliance.states import ApplianceState
from voxpop.appliance.tosca import document
from voxpop.backends.site.local import Machine, open_site
from voxpop.kernel.ids import ApplianceId
from voxpop.volume.seal import seal

APPLIANCE = ApplianceId("bone-density-a1")
NAME = "python-imaging"
Writer = Callable[..., str]
RECIPES = {
    NAME: Recipe(NAME, "1.0.0", "Python for images", "MIT", RecipeKind.TOOL),
    "slurm": Recipe("slurm", "1.0.0", "A queue", "GPL-2.0-or-later", RecipeKind.BATCH_QUEUE),
}

SITES: dict[str, Callable[[Path], Site]] = {
    "memory": lambda folder: MemorySite(folder.name),
    "local": lambda folder: open_site(
        folder.name, {}, Ground(folder, sandbox="bubblewrap", network=False), machine=Machine(64, 256, 8)
    ),
}


real = pytest.mark.needs("docker", "mmdebstrap")


@pytest.fixture(
    params=[
        *SITES,
        pytest.param("docker", marks=real),
        pytest.param("docker with slurm", marks=[real, pytest.mark.slow]),
        pytest.param("cluster", marks=[real, pytest.mark.needs("bubblewrap")]),
    ]
)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def recipes(kind: str) -> tuple[str, ...]:
    return (NAME, "slurm") if kind in ("docker with slurm", "cluster") else (NAME,)


@pytest.fixture(scope="module")
def others(
    engine: str, slurm_image: str, tmp_path_factory: pytest.TempPathFactory, repo: Path
) -> Iterator[OthersCluster]:
    del slurm_image
    with others_cluster(tmp_path_factory.mktemp("others"), repo, engine, "slurm") as cluster:
        yield cluster


@pytest.fixture
def site(kind: str, request: pytest.FixtureRequest, tmp_path: Path, repo: Path) -> Iterator[Site]:
    if kind in SITES:
        yield SITES[kind](tmp_path / "appliances")
        return
    opened: Site
    if kind == "cluster":
        opened = request.getfixturevalue("others").site(tmp_path / "appliances")
    else:
        if kind == "docker with slurm":
            request.getfixturevalue("slurm_image")
        opened = docker_site(tmp_path / "appliances", repo, request.getfixturevalue("engine"))
    yield opened
    opened.remove(APPLIANCE)


@pytest.fixture
def volume(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    seen = request.getfixturevalue("others").bench.bench / tmp_path.name if kind == "cluster" else tmp_path
    folder: Path = seen / "volume"
    folder.mkdir(parents=True)
    (folder / "README").write_text("images\n")
    seal(folder)
    return folder


@pytest.fixture
def written(volume: Path, recipes: tuple[str, ...]) -> Writer:
    """Return what writes the document of an appliance with so many cores."""
    digest = seal(volume).digest

    def write(cores: int = 2) -> str:
        environment = Environment("bone-density", recipes, cores, 4, 0, 1, 30, "bone-density/1.0.0")
        return document(environment, application="bone-density", volume_digest=digest, recipes=RECIPES)

    return write


def test_what_is_deployed_is_found(
    site: Site, volume: Path, tmp_path: Path, written: Writer, recipes: tuple[str, ...]
) -> None:
    deployment = site.deploy(APPLIANCE, written(), volume, tmp_path / "results")
    assert site.find(APPLIANCE) == deployment
    assert site.state(APPLIANCE) is ApplianceState.DEPLOYED
    assert (deployment.appliance, deployment.site) == (APPLIANCE, site.name)
    assert (deployment.cores, deployment.memory_gb, deployment.days) == (2, 4, 30)
    assert (deployment.pipelines, deployment.recipes) == (("bone-density/1.0.0",), recipes)


def test_what_is_foretold_is_what_is_not_given(site: Site, volume: Path, tmp_path: Path, written: Writer) -> None:
    assert isinstance(site, CanForetell)
    asked = written(cores=999)
    foretold = site.foretell(asked)
    assert site.find(APPLIANCE) is None
    assert site.deploy(APPLIANCE, asked, volume, tmp_path / "results").not_given == foretold


def test_deploying_twice_is_one_deployment(site: Site, volume: Path, tmp_path: Path, written: Writer) -> None:
    first = site.deploy(APPLIANCE, written(), volume, tmp_path / "results")
    assert site.deploy(APPLIANCE, written(), volume, tmp_path / "results") == first


def test_another_document_is_another_deployment(site: Site, volume: Path, tmp_path: Path, written: Writer) -> None:
    site.deploy(APPLIANCE, written(), volume, tmp_path / "results")
    changed = site.deploy(APPLIANCE, written(cores=1), volume, tmp_path / "results")
    assert changed.cores == 1
    assert site.find(APPLIANCE) == changed


def test_an_unknown_node_type_is_refused_and_nothing_is_deployed(
    site: Site, volume: Path, tmp_path: Path, written: Writer
) -> None:
    text = written().replace("type: voxpop.nodes.Tool", "type: example.nodes.Tool")
    with pytest.raises(DocumentInvalid, match=r"example\.nodes\.Tool"):
        site.deploy(APPLIANCE, text, volume, tmp_path / "results")
    assert site.find(APPLIANCE) is None
    assert site.state(APPLIANCE) is ApplianceState.REMOVED


def test_removing_twice_is_silent(site: Site, volume: Path, tmp_path: Path, written: Writer) -> None:
    site.deploy(APPLIANCE, written(), volume, tmp_path / "results")
    site.remove(APPLIANCE)
    site.remove(APPLIANCE)
    assert site.find(APPLIANCE) is None
    assert site.state(APPLIANCE) is ApplianceState.REMOVED


def test_removing_what_was_never_there_is_silent(site: Site) -> None:
    site.remove(ApplianceId("other-a1"))


def test_what_was_removed_can_be_deployed_again(site: Site, volume: Path, tmp_path: Path, written: Writer) -> None:
    first = site.deploy(APPLIANCE, written(), volume, tmp_path / "results")
    site.remove(APPLIANCE)
    assert site.deploy(APPLIANCE, written(), volume, tmp_path / "results") == first
