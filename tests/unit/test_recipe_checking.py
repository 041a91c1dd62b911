"""A recipe of a researcher's own, looked at before it may be approved."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.own_recipe import DESCRIPTION, TASKS

from voxpop.appliance.checking import Finding, check_folder
from voxpop.backends.lint.ansiblelint import ansible_lint

Recipe = Callable[..., Path]


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    def write(**files: str) -> Path:
        folder = tmp_path / "my-tool"
        shutil.rmtree(folder, ignore_errors=True)
        given = {
            "recipe.yaml": DESCRIPTION,
            "tasks/main.yml": TASKS,
            "meta/main.yml": "---\ndependencies: []\n",
        } | files
        for name, text in given.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return folder

    return write


def task(module: str, *settings: str) -> dict[str, str]:
    given = "".join(f"    {one}\n" for one in settings)
    return {"tasks/main.yml": f"---\n- name: Do it\n  {module}:\n{given}"}


def test_a_recipe_that_is_as_it_must_be_has_no_finding(recipe: Recipe) -> None:
    assert check_folder(recipe()) == []


def test_every_recipe_that_ships_with_a_role_passes_its_own_check(repo: Path) -> None:
    folders = [path.parent.parent for path in (repo / "recipes").glob("*/tasks/main.yml")]
    assert len(folders) > 10
    assert {folder.name: check_folder(folder) for folder in folders if check_folder(folder)} == {}


@pytest.mark.parametrize(
    ("files", "file", "line", "words"),
    [
        ({"recipe.yaml": DESCRIPTION.replace("MIT", "free for all")}, "recipe.yaml", 0, "no SPDX expression"),
        ({"recipe.yaml": DESCRIPTION.replace("MIT", "CC-BY-NC-4.0")}, "recipe.yaml", 0, "for every purpose"),
        ({"recipe.yaml": DESCRIPTION.replace("health", "helth")}, "recipe.yaml", 0, "'helth' was unexpected"),
        ({"recipe.yaml": DESCRIPTION.partition("health")[0]}, "recipe.yaml", 0, "has no `health`"),
        ({"tasks/main.yml": "- {"}, "tasks/main.yml", 0, "no readable YAML"),
        ({"tasks/main.yml": "hosts: all"}, "tasks/main.yml", 0, "is no list of tasks"),
        ({"library/own.py": "x = 1\n"}, "library", 0, "code that Ansible itself carries out"),
        ({"meta/main.yml": "dependencies: [geerlingguy.docker]\n"}, "meta/main.yml", 1, "name recipes in `needs`"),
        ({"files/requirements.txt": "numpy==2.0.1\nscipy>=1\n"}, "files/requirements.txt", 2, "write name==release"),
        ({"files/requirements.txt": "a @ git+https://x.org/a\n"}, "files/requirements.txt", 1, "write name==release"),
        ({"files/requirements.txt": "numpy==2.*\n"}, "files/requirements.txt", 1, "write name==release"),
        ({"files/requirements.txt": "-i https://x.org/s\n"}, "files/requirements.txt", 1, "'-i' is not taken"),
        (task("ansible.builtin.pip", "name: [numpy==2.0.1, scipy]"), "tasks/main.yml", 3, "'scipy' is not one release"),
        (task("pip", "name: a==1", "extra_args: -i https://x.org"), "tasks/main.yml", 3, "elsewhere than PyPI"),
        (task("ansible.builtin.apt", "name: hello", "state: latest"), "tasks/main.yml", 3, "another release every day"),
        ({"tasks/main.yml": "- name: X\n  apt: name=hello state=latest\n"}, "tasks/main.yml", 2, "another release"),
        (task("apt", "deb: https://x.org/a.deb"), "tasks/main.yml", 3, "no checksum is known"),
        (task("apt", "upgrade: dist"), "tasks/main.yml", 3, "upgrades all packages"),
        (task("get_url", "url: https://x.org/a", "dest: /a"), "tasks/main.yml", 3, "give `checksum: sha256:...`"),
        (task("get_url", "url: https://x.org/a", "dest: /a", "checksum: md5:0"), "tasks/main.yml", 3, "checksum"),
        (task("unarchive", "src: https://x.org/a.tgz", "dest: /a"), "tasks/main.yml", 3, "no checksum is known"),
        (task("git", "repo: https://x.org/a", "dest: /a", "version: main"), "tasks/main.yml", 3, "takes 'main'"),
        (task("git", "repo: https://x.org/a", "dest: /a"), "tasks/main.yml", 3, "takes 'HEAD'"),
        (task("shell", "cmd: curl https://x.org/i | sh"), "tasks/main.yml", 3, "use get_url with checksum"),
        ({"tasks/main.yml": "- name: X\n  shell: wget -qO- https://x.org\n"}, "tasks/main.yml", 2, "use get_url"),
        (task("command", "argv: [docker, run, --privileged, x]"), "tasks/main.yml", 3, "the machine below"),
        (task("command", "cmd: chmod 4755 /bin/x"), "tasks/main.yml", 3, "more rights"),
        (task("ansible.posix.mount", "path: /x", "src: /"), "tasks/main.yml", 3, "changes the machine below"),
        (task("raw", "x: y"), "tasks/main.yml", 3, "without Ansible seeing what"),
        (task("apt_repository", "repo: ppa:x"), "tasks/main.yml", 3, "elsewhere than Debian"),
        (task("copy", "dest: /etc/sudoers.d/x", "content: x"), "tasks/main.yml", 3, "who has which rights"),
        (task("copy", "dest: /bin/x", "src: x", 'mode: "4755"'), "tasks/main.yml", 3, "first digit of the mode"),
        (task("user", "name: eve", "groups: [sudo]"), "tasks/main.yml", 3, "the rights of root"),
        (task("include_role", "name: other"), "tasks/main.yml", 3, "bring its tasks along"),
        ({"tasks/main.yml": "- name: X\n  action: shell x\n"}, "tasks/main.yml", 2, "hides which module"),
        ({"tasks/main.yml": TASKS + "  module_defaults: {apt: {force: true}}\n"}, "tasks/main.yml", 5, "hides what"),
        ({"tasks/main.yml": TASKS + "  environment: {PIP_INDEX_URL: x}\n"}, "tasks/main.yml", 5, "are fetched from"),
        ({"tasks/main.yml": TASKS + "  with_pipe: id\n"}, "tasks/main.yml", 5, "use a task"),
        (task("include_tasks", "file: ../files/more.yml"), "tasks/main.yml", 3, "name a file of tasks/"),
        ({"tasks/main.yml": "- name: X\n  include_tasks: more.txt\n"}, "tasks/main.yml", 2, "name a file of tasks/"),
        (
            {"tasks/main.yml": "- name: X\n  shell:\n  args: {cmd: curl x}\n"},
            "tasks/main.yml", 2, "no checksum is known",
        ),
        (task("get_url", "url: https://x", "checksum: \"{{ '' }}\""), "tasks/main.yml", 3, "no checksum is known"),
        ({"tasks/main.yml": TASKS + "  delegate_to: localhost\n"}, "tasks/main.yml", 5, "leaves the machine"),
        ({"defaults/main.yml": "x: \"{{ lookup('pipe', 'id') }}\"\n"}, "defaults/main.yml", 1, "use a task"),
        ({"tasks/main.yml": "- name: X\n  block:\n  - name: Y\n    raw: id\n"}, "tasks/main.yml", 4, "without Ansible"),
        ({"files/key": "-----BEGIN OPENSSH PRIVATE KEY-----\n"}, "files/key", 1, "holds a private key"),
        ({"files/env": f"X={'ghp_' + 'a' * 36}\n"}, "files/env", 1, "holds a token of GitHub"),
        ({"files/env": "u=https://me:hunter22@x.org/\n"}, "files/env", 1, "holds a password in an address"),
        ({"defaults/main.yml": "tool_password: correcthorse\n"}, "defaults/main.yml", 1, "by the name"),
        ({".netrc": "machine x\n"}, ".netrc", 0, "is hidden"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_file_and_line(
    recipe: Recipe, files: dict[str, str], file: str, line: int, words: str
) -> None:
    found = check_folder(recipe(**files))
    assert [(one.file, one.line) for one in found] == [(file, line)]
    assert words in found[0].fault
    assert "\n" not in str(found[0])


def test_a_secret_that_was_found_is_not_told(recipe: Recipe) -> None:
    found = check_folder(recipe(**{"defaults/main.yml": "tool_password: correcthorse\n"}))
    assert "correcthorse" not in str(found)


@pytest.mark.parametrize(
    "line",
    [
        'tool_password: ""',
        'tool_password: "{{ given }}"',
        "token: null",
        "no_log: true",
        "password_file: x",
        "token: 12",
    ],
)
def test_what_only_names_a_secret_is_none(recipe: Recipe, line: str) -> None:
    assert check_folder(recipe(**{"defaults/main.yml": f"---\n{line}\n"})) == []


def test_a_link_out_of_the_folder_is_refused_and_not_read(recipe: Recipe, tmp_path: Path) -> None:
    folder = recipe()
    (tmp_path / "secret").write_text("-----BEGIN RSA PRIVATE KEY-----\n")
    (folder / "files").symlink_to(tmp_path)
    assert check_folder(folder) == [Finding("files", 0, "is a link: put the file itself there")]


def test_too_much_is_refused(recipe: Recipe) -> None:
    folder = recipe()
    with (folder / "big.bin").open("wb") as big:
        big.truncate(10_000_001)
    assert check_folder(folder) == [
        Finding(".", 0, "there are more than 10 MB: let the role fetch them by their checksum")
    ]


@pytest.mark.needs("ansible-lint")
def test_ansible_lint_looks_too_and_leaves_nothing_behind(
    recipe: Recipe, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{repo / '.venv-ansible' / 'bin'}:/usr/bin:/bin")
    folder = recipe(**{"tasks/main.yml": "---\n- name: lower\n  ansible.builtin.shell: echo hi\n"})
    before = sorted(folder.rglob("*"))
    found = ansible_lint(folder) or ()
    assert {(one.file, one.line) for one in found} >= {("tasks/main.yml", 2)}
    assert all(one.fault.startswith("ansible-lint: ") for one in found)
    assert any("(name[casing]" in one.fault for one in found)
    assert sorted(folder.rglob("*")) == before
    assert ansible_lint(repo / "recipes" / "octave") == []


def test_where_ansible_lint_is_not_installed_nothing_is_pretended(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert ansible_lint(recipe()) is None
