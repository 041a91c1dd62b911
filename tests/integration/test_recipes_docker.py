"""The recipes that ship, applied for real in a container, and what they bring tried out."""

import json
import subprocess
from pathlib import Path

import pytest
from tests.docker_engine import HOST, docker, docker_site

from voxpop.appliance.images import base_digest
from voxpop.appliance.recipes import find_recipes

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
