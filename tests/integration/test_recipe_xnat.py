"""XNAT's role: what can be tried without XNAT's own files, which are not to be had in tests.

Tomcat, Java and the war are stand-ins here (scripts and an empty archive); PostgreSQL is the real one.
"""

import io
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
from tests.docker_engine import HOST

from voxpop.appliance.images import base_digest
from voxpop.kernel.digests import sha256_file

pytestmark = [pytest.mark.needs("docker", "mmdebstrap"), pytest.mark.slow]
PLAY = "ansible-playbook --connection local --inventory localhost, /w/site.yml"
JAVA = "#!/bin/sh\necho 'openjdk version \"1.8.0_442\"' >&2\n"
CATALINA = """#!/bin/sh
[ "$1" = version ] && { echo 'Server version: Apache Tomcat/9.0.98'; exit; }
conf="${CATALINA_OPTS##*-Dxnat.home=}/config/xnat-conf.properties"
word=$(sed -n 's/^datasource.password=//p' "$conf")
echo "as $(id -un), $(stat -c '%a %U' "$conf"), word of ${#word}"
export PGPASSWORD="$word"
psql --host 127.0.0.1 --username xnat xnat --tuples-only --command "select 'reached ' || current_database()"
"""
SERVER = '<Server><Connector port="8080" protocol="HTTP/1.1"/></Server>\n'


@pytest.fixture
def work(tmp_path: Path, image: str) -> Path:
    """Return a folder that a container sees as /w."""
    del image  # the base was made for it
    (tmp_path / "site.yml").write_text("- {hosts: all, gather_facts: false, roles: [xnat]}\n")
    return tmp_path


def applied(work: Path, repo: Path, line: str, network: str = "none") -> str:
    mounts = ["--volume", f"{repo / 'recipes'}:/recipes:ro", "--volume", f"{work}:/w:ro"]
    environment = ["--env", "LANG=C.UTF-8", "--env", "ANSIBLE_ROLES_PATH=/recipes"]
    base = f"voxpop/base:{base_digest()[:16]}"
    command = [
        "docker",
        "--host",
        HOST,
        "run",
        "--rm",
        "--network",
        network,
        *mounts,
        *environment,
        base,
        "sh",
        "-c",
        line,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    return " ".join((done.stdout + done.stderr).split())


def packed(path: Path, files: dict[str, str]) -> str:
    """Write a folder's archive, and return its SHA-256."""
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"top/{name}")
            entry.size, entry.mode = len(text), 0o755
            archive.addfile(entry, io.BytesIO(text.encode()))
    return sha256_file(path)


def test_it_says_in_one_sentence_what_to_provide(work: Path, repo: Path) -> None:
    asked = applied(work, repo, PLAY)
    assert "give the SHA-256 of XNAT's war as xnat_war_sha256, and the file itself as xnat_war (a path)" in asked
    away = applied(work, repo, f"{PLAY} --extra-vars xnat_war_sha256={'a' * 64}")
    assert "XNAT's war could not be fetched from https://api.bitbucket.org/" in away
    assert "give its path here as xnat_war" in away
    (work / "x.war").write_text("another file")
    wrong = applied(work, repo, f"{PLAY} --extra-vars 'xnat_war=/w/x.war xnat_war_sha256={'a' * 64}'")
    assert "/w/x.war is not there, or its SHA-256 is not xnat_war_sha256" in wrong


def test_given_its_files_it_makes_a_database_with_a_password_of_its_own_and_starts_tomcat(
    work: Path, repo: Path
) -> None:
    with zipfile.ZipFile(work / "x.war", "w") as war:
        war.writestr("WEB-INF/web.xml", "<web-app/>")
    sums = {
        "xnat_war": ("x.war", sha256_file(work / "x.war")),
        "xnat_java": ("j.tgz", packed(work / "j.tgz", {"bin/java": JAVA})),
        "xnat_tomcat": ("t.tgz", packed(work / "t.tgz", {
            "bin/catalina.sh": CATALINA, "conf/server.xml": SERVER, "webapps/ROOT/index.jsp": "",
        })),
    }  # fmt: skip
    given = " ".join(f"{name}=/w/{file} {name}_sha256={digest}" for name, (file, digest) in sums.items())
    twice = (
        "xnat check && xnat start && xnat start && grep -o 'address=.127.0.0.1. port' /opt/xnat/tomcat/conf/server.xml"
    )
    said = applied(
        work, repo, f"{PLAY} --extra-vars '{given}' && {twice} && ls /opt/xnat/tomcat/webapps", network="bridge"
    )
    assert said.count("as xnat, 600 xnat, word of 48") == 2, said
    assert said.count("reached xnat") == 2
    assert 'address="127.0.0.1" port ROOT.war' in said
