"""Pipelines as folders."""

import shutil
from pathlib import Path

import pytest

from voxpop.run.errors import PipelineAbsent, PipelineInvalid, VolumeUnfit
from voxpop.run.pipelines import find_pipelines, folder_digest, load_pipeline, pipeline_named, task_inputs

TINY = Path(__file__).parent.parent / "pipelines" / "tiny"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for version in ("1.0", "1.9", "1.10"):
        folder = tmp_path / "pipelines" / "tiny" / version
        shutil.copytree(TINY, folder)
        document = (folder / "pipeline.yaml").read_text()
        (folder / "pipeline.yaml").write_text(document.replace('"1.0"', f'"{version}"'))
    return tmp_path / "pipelines"


@pytest.fixture
def folder(root: Path) -> Path:
    return root / "tiny" / "1.0"


def test_a_pipeline_is_read_from_its_folder(folder: Path) -> None:
    pipeline = load_pipeline(folder)
    assert (pipeline.name, pipeline.version, pipeline.licence) == ("tiny", "1.0", "Apache-2.0")
    assert pipeline.workflow == folder / "workflow.cwl"
    assert pipeline.volume_inputs == {"texts[]": "sub-*/text.txt", "participants": "participants.tsv"}
    assert pipeline.parameters == {"least": 0}


def test_all_pipelines_below_the_roots_are_found_and_the_first_root_counts(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root, tmp_path / "second")
    found = find_pipelines([root, tmp_path / "second", tmp_path / "not there"])
    assert set(found) == {"tiny/1.0", "tiny/1.9", "tiny/1.10"}
    assert found["tiny/1.0"].folder.is_relative_to(root)


def test_a_name_alone_means_the_highest_version(root: Path) -> None:
    found = find_pipelines([root])
    assert pipeline_named("tiny", found).version == "1.10"
    assert pipeline_named("tiny/1.9", found).version == "1.9"
    with pytest.raises(PipelineAbsent, match="no pipeline 'big'"):
        pipeline_named("big", found)


@pytest.mark.parametrize("path", ["tests/test_count.py", "tools/__pycache__/count.cpython-311.pyc", ".mypy_cache/x"])
def test_tests_and_caches_are_no_content(folder: Path, path: str) -> None:
    before = folder_digest(folder)
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text("anything")
    assert folder_digest(folder) == before


@pytest.mark.parametrize("path", ["tools/count.py", "tools/new.py", "pipeline.yaml"])
def test_any_other_file_changes_the_digest(folder: Path, path: str) -> None:
    before = folder_digest(folder)
    (folder / path).write_text("anything")
    assert folder_digest(folder) != before


def test_a_renamed_file_changes_the_digest(folder: Path) -> None:
    before = folder_digest(folder)
    (folder / "tools" / "count.py").rename(folder / "tools" / "counting.py")
    assert folder_digest(folder) != before


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("name: tiny", "name: 5"), "needs the key 'name' with a text"),
        (("title:", "titel:"), "needs the key 'title'"),
        (("parameters:", "params:"), "unknown key 'params'"),
        (("workflow.cwl", "main.cwl"), "names the workflow 'main.cwl', which is not there"),
        (("sub-*/text.txt", "../*/text.txt"), "needs a glob relative to the volume"),
        (("sub-*/text.txt", "/etc/*"), "needs a glob relative to the volume"),
        (("least: 0", "texts: 0"), "both an input from the volume and a parameter"),
        (("least: 0", "least: [0"), "no readable YAML: see line"),
    ],
)
def test_a_wrong_document_is_refused_in_one_sentence(folder: Path, change: tuple[str, str], sentence: str) -> None:
    document = folder / "pipeline.yaml"
    document.write_text(document.read_text().replace(*change))
    with pytest.raises(PipelineInvalid) as refused:
        load_pipeline(folder)
    assert sentence in str(refused.value)
    assert str(folder.parent.parent) not in str(refused.value)


def test_a_folder_without_its_document_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PipelineInvalid, match="is not there"):
        load_pipeline(tmp_path)


def test_the_volumes_files_become_the_workflows_inputs(folder: Path, tmp_path: Path) -> None:
    volume = tmp_path / "volume"
    for label in ("b", "a"):
        (volume / f"sub-{label}").mkdir(parents=True)
        (volume / f"sub-{label}" / "text.txt").touch()
    (volume / "participants.tsv").touch()
    assert task_inputs(load_pipeline(folder), volume) == {
        "texts": [
            {"class": "File", "path": str(volume / "sub-a" / "text.txt")},
            {"class": "File", "path": str(volume / "sub-b" / "text.txt")},
        ],
        "participants": {"class": "File", "path": str(volume / "participants.tsv")},
        "least": 0,
    }


def test_a_volume_without_what_is_needed_is_refused(folder: Path, tmp_path: Path) -> None:
    pipeline = load_pipeline(folder)
    with pytest.raises(VolumeUnfit, match=r"holds nothing that matches 'sub-\*/text.txt'"):
        task_inputs(pipeline, tmp_path)


def test_a_volume_with_two_files_where_one_is_meant_is_refused(folder: Path, tmp_path: Path) -> None:
    document = folder / "pipeline.yaml"
    document.write_text(document.read_text().replace("participants.tsv", "'*.tsv'"))
    (tmp_path / "sub-a").mkdir()
    for path in ("sub-a/text.txt", "a.tsv", "b.tsv"):
        (tmp_path / path).touch()
    with pytest.raises(VolumeUnfit, match=r"holds 2 matches of '\*.tsv'.* needs one"):
        task_inputs(load_pipeline(folder), tmp_path)
