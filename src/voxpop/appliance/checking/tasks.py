"""What the tasks of a role do that one does not let them do unseen."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from voxpop.appliance.checking.finding import Finding
from voxpop.appliance.checking.pins import is_pinned

Told = Iterator[str]
_URL = re.compile(r"^\s*['\"]?(?:https?|ftp)://")
_COMMIT = re.compile(r"^[0-9a-f]{40}$")
_COMMANDS = ("shell", "command", "script", "expect")
_BLOCKS = ("block", "rescue", "always")
_LINES: Mapping[str, re.Pattern[str]] = {
    "fetches something of which no checksum is known: use get_url with checksum": re.compile(
        r"\b(?:curl|wget|aria2c)\b"
    ),
    "clones a repository: use git with the commit's 40 digits as version": re.compile(r"\bgit\s+clone\b"),
    "installs Python modules: use the pip module, each as name==release": re.compile(r"\bpip3?\s+install\b"),
    "installs packages: use the apt module": re.compile(
        r"\b(?:apt|apt-get|dnf|yum|apk|snap|npm|conda)\s+(?:-\S+\s+)*install\b"
    ),
    "reaches for the machine below: a recipe ends where its container does": re.compile(
        r"\b(?:mount|nsenter|unshare|chroot|modprobe|insmod|sysctl|docker|podman|losetup)\s|--privileged|/proc/1/|/var/run/docker"
    ),
    "lets programs run with more rights than who starts them": re.compile(
        r"\bsetcap\b|chmod\s+(?:[ugo]*\+s|[2467]\d{3}\b)"
    ),
}
_TEXT: Mapping[str, re.Pattern[str]] = {
    "asks a lookup that runs a program or fetches an address: use a task": re.compile(
        r"\b(?:lookup|query|q)\(\s*['\"](?:ansible\.builtin\.)?(?:pipe|url|lines)['\"]"
    ),
}


def faults_of(file: str, text: str, *, tasks: bool) -> Iterator[Finding]:
    """Yield what is wrong with a YAML file of a role.

    Parameters
    ----------
    tasks : bool
        Whether it is a list of tasks.
    """
    for number, line in enumerate(text.splitlines(), start=1):
        for fault, pattern in _TEXT.items():
            if pattern.search(line):
                yield Finding(file, number, fault)
    try:
        content = YAML(typ="rt").load(text)
    except YAMLError:
        yield Finding(file, 0, "is no readable YAML: mend its syntax")
        return
    if tasks and content is not None:
        yield from _all(file, content)
    elif file == "meta/main.yml" and isinstance(content, Mapping) and content.get("dependencies"):
        yield Finding(file, _line(content, "dependencies"), "asks for roles from elsewhere: name recipes in `needs`")


def _all(file: str, content: Any) -> Iterator[Finding]:
    if not isinstance(content, list):
        yield Finding(file, 0, "is no list of tasks")
        return
    for task in content:
        if not isinstance(task, Mapping):
            yield Finding(file, 0, "holds something that is no task")
            continue
        inner = [name for name in _BLOCKS if name in task]
        for name in inner:
            yield from _all(file, task[name])
        for key, given in task.items():
            if key not in _BLOCKS:
                yield from (Finding(file, _line(task, key), fault) for fault in _faults(str(key), _whole(task, given)))


def _whole(task: Mapping[str, Any], given: Any) -> Any:
    """Put what stands under ``args`` to what a module is given."""
    args = task.get("args")
    if not isinstance(args, Mapping) or given is args:
        return given
    return {**args, **given} if isinstance(given, Mapping) else {**args, "cmd": given} if given else args


def _free_form(given: Any) -> Mapping[str, str]:
    """Read ``name=octave state=present``."""
    return {key: value.strip("'\"") for key, value in re.findall(r"(\w+)=('[^']*'|\"[^\"]*\"|\S+)", str(given))}


def _faults(key: str, given: Any) -> Told:
    name = key.rpartition(".")[2]
    words = (
        given if isinstance(given, Mapping) else _free_form(given) if name in _RULES and name not in _COMMANDS else {}
    )
    if key in _KEYS:
        yield _KEYS[key]
    elif key == "environment" and re.search(r"(?i)\b(?:pip|uv)_|_proxy\b|PYTHONPATH|LD_", str(given)):
        yield "changes where things are fetched from, or what is carried out: leave it out of `environment`"
    elif name in _TASKS_ELSEWHERE and not _IN_TASKS.fullmatch(str(words.get("file", given))):
        yield "takes in what is not looked at: name a file of tasks/ that ends in .yml"
    elif name in _ELSEWHERE:
        yield _ELSEWHERE[name]
    elif name in _RULES:
        yield from _RULES[name](words, given)
    if str(words.get("state", "")) == "latest":
        yield f"{name} with state 'latest' installs another release every day: use 'present'"
    if str(words.get("validate_certs", "true")).lower() in ("false", "no"):
        yield f"{name} does not look at the certificate of who answers: leave validate_certs out"


_BELOW = (
    "mount",
    "modprobe",
    "sysctl",
    "lvol",
    "filesystem",
    "parted",
    "iptables",
    "docker_container",
    "podman_container",
)
_OTHER_MANAGERS = ("npm", "gem", "cpanm", "snap", "flatpak", "homebrew")
_REPOSITORIES = ("apt_repository", "apt_key", "deb822_repository", "yum_repository", "rpm_key")
_KEYS: Mapping[str, str] = {
    **{
        key: f"'{key}' leaves the machine that is set up: take it away"
        for key in ("delegate_to", "local_action", "connection", "remote_user", "vars_files", "vars_prompt")
    },
    "action": "hides which module it is: name the module itself",
    "module_defaults": "hides what modules are given: give it to each of them",
    **dict.fromkeys(("with_pipe", "with_lines", "with_url"), "runs a program or fetches an address: use a task"),
}
_TASKS_ELSEWHERE = ("include_tasks", "import_tasks", "include_vars", "include")
_IN_TASKS = re.compile(r"[A-Za-z0-9_-]+\.ya?ml")
_ROLES = ("include_role", "import_role", "import_playbook")
_ELSEWHERE: Mapping[str, str] = {
    **dict.fromkeys(_ROLES, "applies a role from elsewhere: bring its tasks along"),
    **dict.fromkeys(
        _REPOSITORIES, "adds packages from elsewhere than Debian: fetch the one file by get_url with its checksum"
    ),
    **dict.fromkeys(_BELOW, "changes the machine below: a recipe ends where its container does"),
    **dict.fromkeys(
        _OTHER_MANAGERS, "installs what no checksum is known of: use Debian's package, or get_url with checksum"
    ),
    "raw": "is done without Ansible seeing what: use command",
    "authorized_key": "lets someone in by ssh: the bank does that for the project's people",
    "fetch": "takes files away from the machine that is set up",
}


def _apt(words: Mapping[str, Any], given: Any) -> Told:
    del given
    if _URL.match(str(words.get("deb", ""))):
        yield "fetches a package of which no checksum is known: use get_url with checksum, and name that file here"
    if str(words.get("upgrade", "no")).lower() not in ("no", "false"):
        yield "upgrades all packages: the base image is what it is made of"
    for setting in ("allow_unauthenticated", "allow_downgrade", "force"):
        if str(words.get(setting, "false")).lower() in ("true", "yes"):
            yield f"installs packages with '{setting}': leave it out"


def _pip(words: Mapping[str, Any], given: Any) -> Told:
    del given
    names = words.get("name", [])
    for asked in [names] if isinstance(names, str) else names:
        for one in str(asked).split(","):
            if not is_pinned(one.strip()) and not words.get("version"):
                yield f"'{one.strip()[:60]}' is not one release: write name==release"
    if re.search(r"-i\b|--(?:extra-)?index-url|--trusted-host|--find-links|-f\b", str(words.get("extra_args", ""))):
        yield "installs modules from elsewhere than PyPI: leave the index out"


def _get_url(words: Mapping[str, Any], given: Any) -> Told:
    del given
    checksum = str(words.get("checksum", ""))
    if not re.match(r"^(?:sha256|sha384|sha512):", checksum):
        yield "fetches something of which no checksum is known: give `checksum: sha256:...`"


def _uri(words: Mapping[str, Any], given: Any) -> Told:
    del given
    if words.get("dest"):
        yield "fetches something of which no checksum is known: use get_url with checksum"


def _unarchive(words: Mapping[str, Any], given: Any) -> Told:
    del given
    if _URL.match(str(words.get("src", ""))):
        yield "fetches something of which no checksum is known: use get_url with checksum, and unpack that"


def _git(words: Mapping[str, Any], given: Any) -> Told:
    del given
    version = str(words.get("version", "HEAD"))
    if not _COMMIT.match(version):
        yield f"takes '{version[:40]}' of a repository, which moves: give the commit's 40 digits as version"


def _shell(words: Mapping[str, Any], given: Any) -> Told:
    parts = [words.get("cmd", ""), *words.get("argv", ())] if words else [given]
    line = " ".join(map(str, parts))
    yield from (fault for fault, pattern in _LINES.items() if pattern.search(f"{line} "))


def _user(words: Mapping[str, Any], given: Any) -> Told:
    del given
    groups = str(words.get("groups", ""))
    if str(words.get("uid", "")) == "0" or re.search(r"\b(?:sudo|root|docker|disk|adm)\b", groups):
        yield "makes an account with the rights of root: leave the group out"


def _file(words: Mapping[str, Any], given: Any) -> Told:
    del given
    place = str(words.get("dest", words.get("path", "")))
    if re.match(r"/etc/(?:sudoers|passwd|shadow|ssh/|pam\.d/|ld\.so\.preload|cron)|/root/\.ssh", place):
        yield f"writes {place[:60]}, which decides who has which rights: leave it alone"
    if re.match(r"^0?[2467]\d{3}$", str(words.get("mode", ""))) and len(str(words.get("mode", "")).lstrip("0")) > len(
        "755"
    ):
        yield "lets programs run with more rights than who starts them: leave the first digit of the mode at 0"


_RULES: Mapping[str, Callable[[Mapping[str, Any], Any], Told]] = {
    "apt": _apt,
    "pip": _pip,
    "get_url": _get_url,
    "uri": _uri,
    "unarchive": _unarchive,
    "git": _git,
    **dict.fromkeys(_COMMANDS, _shell),
    "user": _user,
    **dict.fromkeys(("copy", "template", "file", "lineinfile", "blockinfile", "replace"), _file),
}


def _line(task: Any, key: str) -> int:
    try:
        return int(task.lc.key(key)[0]) + 1
    except (AttributeError, KeyError):
        return 0
