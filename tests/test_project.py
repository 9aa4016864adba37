"""The project around the code: version, documents, sample, dependencies, and what a plain install imports."""

import csv
import hashlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from helpers.data import ROOT, SAMPLE, run_cli

import steelsight

README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/architecture.md", "bench/README.md"]
HEAVY = (
    "torch",
    "torchvision",
    "lightning",
    "timm",
    "pandas",
    "pyarrow",
    "sklearn",
    "scipy",
    "matplotlib",
    "zarr",
    "numba",
)


def readme_commands() -> list[tuple[str, ...]]:
    """The words of every `steelsight ...` line of the README's code blocks."""
    return [tuple(line.split()[1:]) for line in re.findall(r"^    (steelsight .+)$", README, flags=re.MULTILINE)]


def verb(words: tuple[str, ...]) -> tuple[str, ...]:
    return words[:2] if words[0] in ("data", "log", "weights") else words[:1]


def dependency_lines() -> list[str]:
    """The lines of pyproject.toml that bind another package."""
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    bound = [line for line in lines if re.search(r'"[A-Za-z0-9_-]+(\[[a-z]+\])?(>=|==)[^"]+"', line)]
    return [line for line in bound if not line.startswith("requires")]


def sample_rows(name: str) -> list[dict[str, str]]:
    with (SAMPLE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_version_stands_in_one_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "version" in project["dynamic"]
    assert run_cli("--version").stdout.strip() == f"steelsight {steelsight.__version__}"


def test_every_dependency_states_the_reason_for_its_bound() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    bound = [name for group in groups for name in group if not name.startswith("steelsight")]
    assert len(dependency_lines()) == len(bound)
    assert [line for line in dependency_lines() if "#" not in line] == []


def test_the_plain_install_names_no_library_of_training() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    plain = {re.split(r"[>=<]", name)[0] for name in project["dependencies"]}
    assert not plain & {*HEAVY, "scikit-learn", "segmentation-models-pytorch"}


def test_the_readme_shows_every_verb() -> None:
    shown = {verb(words)[0] for words in readme_commands()}
    assert shown >= {
        "data",
        "train",
        "decide",
        "report",
        "predict",
        "export",
        "inspect",
        "bench",
        "score",
        "serve",
        "watch",
        "log",
        "weights",
    }


@pytest.mark.parametrize("words", sorted({verb(words) for words in readme_commands()}), ids=" ".join)
def test_a_verb_of_the_readme_explains_itself_and_has_the_options_shown(words: tuple[str, ...]) -> None:
    result = run_cli(*words, "--help")
    assert result.returncode == 0, result.stderr
    options = {word for command in readme_commands() if verb(command) == words for word in command if word[:2] == "--"}
    json = set() if words == ("serve",) else {"--json"}  # the station answers programs over HTTP
    assert {option for option in options | json if option not in result.stdout} == set()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_a_document_links_to_is_there(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link]
    assert [link for link in links if not (ROOT / document).parent.joinpath(link).exists()] == []


def test_make_lists_every_target_that_the_documents_name() -> None:
    named: set[str] = set()
    for document in DOCUMENTS:
        named |= set(re.findall(r"(?:^ {4}|`)make (\w+)", (ROOT / document).read_text("utf-8"), flags=re.MULTILINE))
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert named >= {"demo", "test", "check", "plain"}
    assert {name for name in named if f"make {name} " not in listed} == set()


def test_the_licence_is_apache_in_full() -> None:
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Version 2.0, January 2004" in licence
    assert "END OF TERMS AND CONDITIONS" in licence


def test_the_sample_holds_what_its_notice_says() -> None:
    images = {path.name for path in (SAMPLE / "train_images").iterdir()}
    rows = sample_rows("train.csv")
    defective = {row["ImageId"] for row in rows}
    assert len(images) == 66
    assert len(rows) == 44
    assert defective <= images
    assert len(images - defective) == 26
    assert len(list((SAMPLE / "test_images").iterdir())) == 12


def test_the_notice_names_owner_terms_and_provenance() -> None:
    notice = " ".join((SAMPLE / "NOTICE").read_text(encoding="utf-8").split())
    assert "owned by PAO Severstal" in notice
    assert "used in research without restrictions other than applicable law" in notice
    assert "Kaggle competition" in notice


def test_every_sample_image_has_its_provenance() -> None:
    rows = sample_rows("provenance.csv")
    files = {path.relative_to(SAMPLE).as_posix() for path in SAMPLE.glob("*_images/*")}
    assert {f"{row['folder']}/{row['ImageId']}" for row in rows} == files
    changed = [
        row["ImageId"]
        for row in rows
        if hashlib.sha256((SAMPLE / row["folder"] / row["ImageId"]).read_bytes()).hexdigest() != row["sha256"]
    ]
    assert changed == []


def test_the_command_line_starts_without_any_library_of_training(tmp_path: Path) -> None:
    program = f"import sys, steelsight.cli.main; print([name for name in {HEAVY!r} if name in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT / "src"), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.strip() == "[]"
