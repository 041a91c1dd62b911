"""The portal's catalogues: whole, faithful, and what its pages say."""

import importlib.util
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType

import pytest
from tests.bank import APPLIANCE, PROJECT, RUN, VOLUME, Bank, bank_with_results

from voxpop.web import words

TOOL = Path(__file__).parents[2] / "tools" / "translations.py"
SPOKEN = ("aria-label", "alt", "placeholder", "title")
PAGES = {
    "ada": (
        "/", "/account", "/applications", "/applications/new", f"/applications/{PROJECT}",
        f"/applications/{PROJECT}/run", f"/volumes/{VOLUME}", f"/volumes/{VOLUME}/participants/sub-aaaa",
        f"/appliances/{APPLIANCE}", f"/appliances/{APPLIANCE}/terminal", f"/runs/{RUN}", f"/results/{RUN}",
        "/catalogue",
    ),
    "dolores": ("/archives", "/volumes", f"/volumes/{VOLUME}"),
    "teo": ("/people", f"/appliances/{APPLIANCE}"),
    "aurora": ("/audit", f"/results/{RUN}/trace"),
}  # fmt: skip
RECORDED = {
    f"/volumes/{VOLUME}": {"F"},
    f"/results/{RUN}": {"Groups", "report"},
    f"/results/{RUN}/trace": {"deployed", "run"},
}
"""What tables, reports and the facts of the chain say in the words that they were written in."""


def _tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("translations", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TRANSLATIONS = _tool()


class Said(HTMLParser):
    """What a page says: its texts and the names that a screen reader speaks; no code, no script."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: set[str] = set()
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in ("script", "style", "code", "pre", "textarea")
        self.texts |= {value for name, value in attrs if name in SPOKEN and value}

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("script", "style", "code", "pre", "textarea")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.texts.add(" ".join(data.split()).rstrip(":"))


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    return bank_with_results(tmp_path_factory.mktemp("bank"))


@pytest.fixture(scope="module")
def english() -> set[str]:
    """What the catalogue translates into something else."""
    book = TRANSLATIONS.kept_of("es")
    return {one.id for one in book if isinstance(one.id, str) and one.id and one.id != one.string}


def test_every_message_is_translated_and_compiled_and_none_is_left_over() -> None:
    done = subprocess.run([sys.executable, TOOL, "--check"], capture_output=True, text=True, check=False)
    assert done.stdout == ""
    assert done.returncode == 0


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_each_translation_holds_the_placeholders_of_its_text(language: str) -> None:
    messages = [one for one in TRANSLATIONS.kept_of(language) if one.id]
    assert messages
    assert {one.id: lost for one in messages if (lost := TRANSLATIONS.lost_placeholders(one))} == {}


def test_a_catalogue_compiles_to_the_same_bytes_twice() -> None:
    once, again = (TRANSLATIONS.compiled(TRANSLATIONS.updated("es")) for _ in range(2))
    assert once == again
    assert not re.search(rb"Date|Babel", once)


def test_a_message_without_translation_and_one_that_nothing_says_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for language in words.LANGUAGES:
        kept, copy = TRANSLATIONS.LOCALE / language / "LC_MESSAGES", tmp_path / language / "LC_MESSAGES"
        copy.mkdir(parents=True)
        for file in kept.iterdir():
            (copy / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(TRANSLATIONS, "LOCALE", tmp_path)
    before = set(TRANSLATIONS.problems())
    po = tmp_path / "es" / "LC_MESSAGES" / "voxpop.po"
    po.write_text(po.read_text("utf-8").replace('msgid "Sign out"', 'msgid "Go away"'), "utf-8")
    told = sorted(set(TRANSLATIONS.problems()) - before)
    assert told[0].startswith("es: 'Go away' is obsolete")
    assert told[1].startswith("es: no translation of 'Sign out' (src/voxpop/web/pages/")
    assert told[2].startswith("es: voxpop.mo is not what voxpop.po compiles to")


@pytest.mark.parametrize(("name", "path"), [(name, path) for name, paths in PAGES.items() for path in paths])
def test_a_page_in_spanish_holds_no_english_of_the_catalogue(
    bank: Bank, english: set[str], name: str, path: str
) -> None:
    answer = bank.client(name).get(path, headers={"accept-language": "es-ES,es;q=0.9"})
    assert answer.status_code == 200
    assert '<html lang="es">' in answer.text
    said = Said()
    said.feed(answer.text)
    assert (said.texts & english) - RECORDED.get(path, set()) == set()


def test_what_templates_translate_by_a_variable_is_known() -> None:
    """Whoever adds one to a template adds the words that it takes to ``dynamic_words``, then its name here."""
    pages = (Path(words.__file__).parent / "pages").rglob("*.html")
    variables = {name for page in pages for name in re.findall(r"_\(([a-z][\w.]*)\)", page.read_text("utf-8"))}
    assert variables <= {
        "value", "role.value", "member.role.value", "step.source.value", "step.target.value",  # states and roles
        "one", "column", "criterion", "category",  # what a participant, a cohort or a table is counted or told by
        "one.kind.value", "one.state.value", "one.work.value", "one.what", "permission", "step.kind",
        "one.terms.data.value",
    }  # fmt: skip


def test_the_scripts_know_every_text_that_the_pages_give_them() -> None:
    for script, page in (("viewer", "volumes/templates/view.html"), ("terminal", "appliances/templates/terminal.html")):
        web = Path(words.__file__).parent
        own = re.search(r"const TEXTS = \{(.*?)\n\};", (web / "static" / f"{script}.js").read_text("utf-8"), re.DOTALL)
        given = re.search(r"data-texts='\{\{ \{(.*?)\n\}", (web / "pages" / page).read_text("utf-8"), re.DOTALL)
        assert own is not None
        assert given is not None
        texts = dict(re.findall(r'^  (\w+): (".*"),$', own[1], re.MULTILINE))
        assert dict(re.findall(r'^  "(\w+)": _\((".*")\),$', given[1], re.MULTILINE)) == texts


def test_english_reads_names_of_the_code_as_words(bank: Bank) -> None:
    answer = bank.client("teo").get("/people", headers={"accept-language": "en"})
    assert "data manager" in answer.text
    words.speak("en")
    assert words.gettext_here("needs-permission") == "needs a permission"
