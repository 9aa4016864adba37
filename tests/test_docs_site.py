"""The pages of the documents' site that are made of the code, and that nothing is loaded from elsewhere."""

import runpy
from pathlib import Path

import pytest
import typer
import yaml
from helpers.data import ROOT
from typer.core import TyperCommand, TyperGroup

from steelsight.cli.main import app
from steelsight.recipe.model import Member, Recipe, Schedule

HOOKS = runpy.run_path(str(ROOT / "docs/.site/hooks.py"))
NAV = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))["nav"]
MADE = ("reference/cli.md", "reference/recipe-fields.md", "reference/errors.md")


def pages(entry: object) -> list[str]:
    """The pages that a part of the navigation names."""
    if isinstance(entry, str):
        return [entry]
    parts = entry if isinstance(entry, list) else list(entry.values()) if isinstance(entry, dict) else []
    return [page for part in parts for page in pages(part)]


def test_every_document_is_in_the_navigation_once() -> None:
    named = pages(NAV)
    docs = ROOT / "docs"
    written = [path.relative_to(docs).as_posix() for path in docs.rglob("*.md")]
    assert sorted(named) == sorted([*written, *MADE])


def test_every_verb_and_option_is_described() -> None:
    page: str = HOOKS["cli_page"]()
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    for name, verb in group.commands.items():
        if isinstance(verb, TyperCommand):
            section = page.partition(f"## steelsight {name}\n")[2].partition("\n## ")[0]
            options = {option for parameter in verb.params for option in parameter.opts if option.startswith("--")}
            assert options
            assert {option for option in options if f"| `{option}` |" not in section} == set()
    assert "## steelsight weights add" in page


def test_every_field_of_a_recipe_is_described() -> None:
    page: str = HOOKS["recipe_page"]()
    for kind in (Recipe, Member, Schedule):
        section = page.partition(f"## {kind.__name__}\n")[2].partition("\n## ")[0]
        assert {name for name in kind.model_fields if f"| `{name}` |" not in section} == set()
    assert "| `pixels` | `int`, or nothing | `null` | a budget;" in page
    assert "| `fit` | `stretch` or `pad` | `stretch` |" in page  # as a recipe has it, not as Python says it
    for strange in ("\\|", "Literal", "ForwardRef", "Annotated", "typing", "tuple["):
        assert strange not in page


def test_error_messages_are_listed_without_what_they_quote() -> None:
    page: str = HOOKS["errors_page"]()
    assert "…: exists and is not a run; choose another `out=`" in page
    assert "{run}" not in page


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ('<script src="https://example.org/a.js"></script>', True),
        ('<link rel="stylesheet" href="//fonts.example.org/css">', True),
        ('<img alt="" src="http://example.org/a.png">', True),
        ('<a href="https://example.org">elsewhere</a><script src="../a.js"></script>', False),
    ],
)
def test_a_site_that_loads_from_elsewhere_is_refused(text: str, refused: bool, tmp_path: Path) -> None:
    errors = pytest.importorskip("mkdocs.exceptions")
    (tmp_path / "index.html").write_text(text)
    if refused:
        with pytest.raises(errors.PluginError, match="loads from elsewhere"):
            HOOKS["on_post_build"]({"site_dir": str(tmp_path)})
    else:
        HOOKS["on_post_build"]({"site_dir": str(tmp_path)})


def test_a_phone_gets_its_own_picture_where_there_is_one() -> None:
    class Files:
        def get_file_from_path(self, path: str) -> object:
            return path if path == "images/viewer-phone.png" else None

    html = '<p><img alt="a" src="../images/viewer.png"><img alt="b" src="../images/strips.png"></p>'
    changed: str = HOOKS["on_page_content"](html, None, None, Files())
    source = '<source media="(max-width: 44rem)" srcset="../images/viewer-phone.png">'
    assert changed == html.replace(
        '<img alt="a" src="../images/viewer.png">',
        f'<picture>{source}<img alt="a" src="../images/viewer.png"></picture>',
    )
