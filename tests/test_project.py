"""The project around the code: version, documents, pictures, dependencies, and what a plain install imports."""

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from helpers.data import ROOT, run_cli

import steelsight

README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/architecture.md", "bench/README.md"]
PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif")
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


def demo_commands(*given: str) -> list[list[str]]:
    """The words of what `make demo` would run of steelsight, were nothing there yet."""
    wish = ["make", "-nB", "demo", *given]
    printed = subprocess.run(wish, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    lines = [line for line in printed.splitlines() if not line.startswith("echo")]
    return [shlex.split(call)[1:] for line in lines for call in re.findall(r"\S*/steelsight [^;]+", line)]


def test_the_demo_draws_what_it_trains_on_calibrates_with_and_inspects() -> None:
    made, seeds = set(), set()
    for words in demo_commands():
        if words[:2] == ["data", "make"]:
            made.add(words[2])
            seeds.add(words[words.index("--seed") + 1])
        strips = [word for word in words if word.startswith(("demo/strips", "demo/calibration", "demo/fresh"))]
        assert {
            word.removesuffix("/train_images").removesuffix("/groups.csv") for word in strips
        } <= made  # whatever is read was made before
        done = run_cli(*words[: 2 if words[0] == "data" else 1], "--help")
        assert {word for word in words if word[:2] == "--" and word not in done.stdout} == set()
    assert made == {"demo/strips", "demo/calibration", "demo/fresh"}
    assert len(seeds) == 3  # else an inspector would be judged by what it was trained on
    verbs = [words[0] for words in demo_commands() if words[0] != "data"]
    assert verbs == ["train", "decide", "export", "decide", "report", "inspect", "report", "report"]


def test_the_demo_on_ones_own_folder_draws_nothing_and_promises_nothing() -> None:
    commands = demo_commands("DATA=/my strips")
    assert not any("make" in words or "--calibrate" in words for words in commands)
    assert commands[0][:2] == ["train", "/my strips"]
    outputs = [words[words.index("--out") + 1] for words in commands if "--out" in words]
    assert {Path(output).parts[:2] for output in outputs} == {("demo", "own")}


def test_the_licence_is_apache_in_full() -> None:
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Version 2.0, January 2004" in licence
    assert "END OF TERMS AND CONDITIONS" in licence


def test_the_only_images_in_the_tree_are_those_that_a_documented_command_makes() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    images = {Path(name) for name in listed.split("\0") if Path(name).suffix.lower() in PICTURES}
    pictures = {image for image in images if image.parent == Path("docs/images")}
    drawn = (
        Path("tests/data/before_redesign/strips/train_images"),
        Path("tests/data/exports"),
    )  # READMEs have the commands
    assert all(any(image.is_relative_to(folder) for folder in drawn) for image in images - pictures)
    made = (ROOT / "bench" / "pictures.py").read_text(encoding="utf-8")
    assert {image.name for image in pictures if image.stem not in made} == set()
    assert "python bench/pictures.py" in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_the_package_carries_no_image() -> None:
    package = Path(steelsight.__file__).parent
    assert [file for file in package.rglob("*") if file.suffix.lower() in PICTURES] == []
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert build["project"]["license-files"] == ["LICENSE"]
    assert build["tool"]["hatch"]["build"]["targets"]["wheel"] == {"packages": ["src/steelsight"]}


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
