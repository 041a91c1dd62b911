"""The recipes that ship, applied for real in a container, and what they bring tried out."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonValidator
from tests.docker_engine import HOST, docker, docker_site
from tests.unit.test_recipe_checking import DESCRIPTION
from tests.waiting import until

from voxpop.appliance.errors import ImageAbsent
from voxpop.appliance.images import Rebuilt, base_digest
from voxpop.appliance.model import Ground
from voxpop.appliance.recipes import find_recipes
from voxpop.backends.site.docker import open_site
from voxpop.backends.site.docker.engine import APPLIANCE, BAKING
from voxpop.kernel.clock import SystemClock
from voxpop.kernel.digests import sha256_bytes
from voxpop.wiring.settings import read_settings
from voxpop.wiring.system import System
from voxpop.wiring.work import open_work

NAMES = ("caffe-models", "dcm2niix", "image-quality", "python-imaging", "terminal", "viewer-pacs")
PATH = "/opt/voxpop/bin:/usr/local/bin:/usr/bin:/bin"
real = pytest.mark.needs("docker", "mmdebstrap")
PORTAL = """
set -e
printf -- '- {hosts: all, gather_facts: false, roles: [portal]}\\n' > /tmp/site.yml
export ANSIBLE_ROLES_PATH=/recipes
play='ansible-playbook --connection local --inventory localhost, /tmp/site.yml --extra-vars'
$play portal_address=https://bank.example.org/p
nginx -t
nginx
python3 - <<'ASK'
import http.client
asked = http.client.HTTPConnection("127.0.0.1", 8088)
asked.request("GET", "/")
answer = asked.getresponse()
print("answered", answer.status, answer.getheader("location"))
ASK
$play portal_address=nowhere || true
"""


@pytest.fixture(scope="module")
def tools(engine: str, repo: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the id of an image with the recipes that are small enough to be built here; the engine keeps it."""
    return docker_site(tmp_path_factory.mktemp("tools"), repo, engine).build(NAMES, print).id


def inside(image: str, line: str, *words: str) -> str:
    command = ["docker", "--host", HOST, "run", "--rm", "--network", "none", "--env", f"PATH={PATH}", *words]
    done = subprocess.run([*command, image, "sh", "-c", line], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@real
@pytest.mark.slow
def test_every_small_recipe_works_for_a_person_without_rights_in_one_image(tools: str, repo: Path) -> None:
    recipes = find_recipes(repo / "recipes")
    for name in NAMES:
        inside(tools, recipes[name].health, "--user", "12345", "--tmpfs", "/tmp:mode=1777", "--read-only")
    assert "runs a net in Caffe" in inside(tools, "caffe-models-check")
    assert "runs a net in ONNX" in inside(tools, "caffe-models-check")


@real
@pytest.mark.slow
def test_image_quality_measures_a_file_and_lists_one_that_it_cannot_read(tools: str, tmp_path: Path) -> None:
    make = (
        "import nibabel, numpy; n = numpy.random.default_rng(2).normal(50, 12, (64, 64, 3));"
        "nibabel.save(nibabel.Nifti1Image(n.astype('f4'), numpy.diag([1, 1, 5, 1])), '/w/ct.nii.gz')"
    )
    (tmp_path / "broken.nii.gz").write_text("no image")
    mount = ("--volume", f"{tmp_path}:/w")
    inside(tools, f'python3 -c "{make}"', *mount)
    header, good, broken = inside(tools, "image-quality /w/ct.nii.gz /w/broken.nii.gz", *mount).splitlines()
    row = dict(zip(header.split("\t"), good.split("\t"), strict=True))
    assert abs(float(row["noise_hu"]) - 12) < 1.5
    assert (row["slice_mm"], row["cut_off"], row["reason"]) == ("5.000", "1.000", "")
    assert broken.endswith("n/a\tit can't be read as NIfTI")


@real
@pytest.mark.slow
def test_the_archive_of_viewer_pacs_answers_its_own_machine_alone(tools: str) -> None:
    ask = (
        "import http.client;"
        "a = http.client.HTTPConnection('{0}', 8042); a.request('GET', '/dicom-web/studies', headers={{'Accept': "
        "'application/dicom+json'}}); r = a.getresponse(); print(r.status, r.read().decode())"
    )
    waiting = "for _ in $(seq 200); do grep -q 'Orthanc has started' /tmp/log && break; sleep 0.1; done"
    started = f"viewer-pacs /tmp/images > /tmp/log 2>&1 & {waiting};"
    own = inside(tools, f'{started} python3 -c "{ask.format("127.0.0.1")}"')
    assert own.split() == ["200", "[]"]
    name = docker("run", "--detach", "--env", f"PATH={PATH}", tools, "sh", "-c", f"{started} sleep 120").strip()
    try:
        address = json.loads(docker("inspect", name))[0]["NetworkSettings"]["IPAddress"]
        docker("exec", name, "sh", "-c", waiting)
        outside = docker("run", "--rm", "--env", f"PATH={PATH}", tools, "python3", "-c", ask.format(address))
        assert outside.split() == ["401"]
    finally:
        docker("rm", "--force", name)


@real
@pytest.mark.slow
def test_the_portals_role_leads_to_the_bank_and_refuses_an_address_that_is_none(
    engine: str, tools: str, repo: Path
) -> None:
    del engine, tools
    base = f"voxpop/base:{base_digest()[:16]}"
    said = docker(
        "run", "--rm", "--volume", f"{repo / 'recipes'}:/recipes:ro", "--env", "LANG=C.UTF-8", base, "sh", "-c", PORTAL
    )
    assert "answered 302 https://bank.example.org/p" in said
    assert "portal_address must be the http or https address of the project's page in the bank" in said


@real
def test_what_an_image_holds_is_told_by_package_with_version_and_licence(
    engine: str, image: str, repo: Path, tmp_path: Path
) -> None:
    site = docker_site(tmp_path, repo, engine)
    told = site.bill(image)
    assert (told, told) == (site.bill("python-imaging"), docker_site(tmp_path / "other", repo, engine).bill(image))
    bill = json.loads(told)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert JsonValidator(SchemaVersion.V1_6).validate_str(told) is None
    parts = {one["purl"].partition("?")[0]: one for one in bill["components"]}
    pinned = (repo / "recipes" / "python-imaging" / "files" / "requirements.txt").read_text()
    numpy = next(line.partition("==")[2] for line in pinned.splitlines() if line.startswith("numpy=="))
    assert "BSD-3-Clause" in json.dumps(parts[f"pkg:pypi/numpy@{numpy}"]["licenses"])
    assert any(name.startswith("pkg:deb/debian/libc6@2.41") for name in parts)
    assert len([one for one in parts.values() if one.get("licenses")]) > len(parts) / 2
    with pytest.raises(ImageAbsent, match="site 'engine' has no image of that"):
        site.bill("sha256:" + "0" * 64)


@real
def test_a_building_that_is_ended_takes_its_container_away(engine: str, image: str, repo: Path, tmp_path: Path) -> None:
    del image
    folder = tmp_path / "sleeper"
    for name, text in (
        ("recipe.yaml", DESCRIPTION.replace("my-tool", "sleeper")), ("meta/main.yml", "---\n{}\n"),
        ("tasks/main.yml", "---\n- name: Sleep\n  ansible.builtin.command: sleep 600\n  changed_when: false\n"),
    ):  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    work = open_work(tmp_path / "bank", create=True)
    system = System(work, read_settings(work.root, "Tess Technical"), SystemClock())
    system.recipe_book.add(folder, "Ada Example")
    system.recipe_book.approve("sleeper", "1.0.0", "Tess Technical")
    system.sites.connect("engine", "docker", {"host": engine}, "Tess Technical")
    voxpop = str(repo / ".venv" / "bin" / "voxpop")
    words = [voxpop, "recipe", "build", "sleeper", "--site", "engine", "--work", str(work.root)]
    child = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    until(lambda: baking(work.appliances))
    child.terminate()
    assert child.wait(60) == 128 + signal.SIGTERM
    assert baking(work.appliances) == []


@real
def test_an_image_built_again_is_the_same_or_says_what_differs(engine: str, image: str, tmp_path: Path) -> None:
    del image
    role = tmp_path / "recipes" / "pipeline-runner"
    (role / "tasks").mkdir(parents=True)
    (role / "recipe.yaml").write_text(
        DESCRIPTION.replace("my-tool --version", "test -s /srv/written").replace("my-tool", role.name)
    )
    tasks = role / "tasks" / "main.yml"
    write = "---\n- name: Write\n  ansible.builtin.shell: {} > /srv/written\n"

    def rebuilt() -> Rebuilt:
        ground = Ground(tmp_path / "areas", "bubblewrap", network=False, recipes=find_recipes(tmp_path / "recipes"))
        return open_site("engine", {"host": engine}, ground).rebuild((), print)

    tasks.write_text(write.format("echo the same"))
    same = rebuilt()
    assert (same.differs, len(same.contents)) == ((), 64)
    tasks.write_text(write.format("cat /proc/sys/kernel/random/uuid"))
    assert rebuilt().differs == ("file /srv/written",)
    assert ":again-" not in docker("images", "--format", "{{.Repository}}:{{.Tag}}")


def baking(areas: Path) -> list[str]:
    """Return what the bank with these areas makes into images now."""
    mine = f"label={APPLIANCE}={BAKING}-{sha256_bytes(os.fsencode(areas.absolute()))[:12]}"
    return docker("ps", "--all", "--quiet", "--filter", mine).split()
