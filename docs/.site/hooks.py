"""What the site takes from the code: the command line, the fields of a recipe, the error messages; a phone's own pictures for
a phone; and that it loads nothing from elsewhere. mkdocs calls `on_files`, `on_page_content` and `on_post_build`."""

import ast
import inspect
import json
import re
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

SOURCE = Path(__file__).parents[2] / "src" / "steelsight"
_LOADED = re.compile(
    r"""<(?:script|img|iframe|source)\b[^>]*\bsrc=["'](?:https?:)?//|<link\b[^>]*rel=["'](?:stylesheet|icon|preconnect)["'][^>]*href=["'](?:https?:)?//"""
)


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that are made of the code."""
    from mkdocs.structure.files import File

    for path, text in (("cli", cli_page()), ("recipe-fields", recipe_page()), ("errors", errors_page())):
        files.append(File.generated(config, f"reference/{path}.md", content=text))
    return files


def on_page_content(html: str, page: Any, config: Any, files: Any) -> str:
    """Give a phone the picture `NAME-phone.png` in place of `NAME.png`, where there is one: a desk's window shrunk to a phone
    cannot be read."""

    def with_phone(found: re.Match[str]) -> str:
        name = Path(found["source"]).name.replace(".png", "-phone.png")
        if files.get_file_from_path(f"images/{name}") is None:
            return found[0]
        narrow = found["source"].replace(Path(found["source"]).name, name)
        return f'<picture><source media="(max-width: 44rem)" srcset="{narrow}">{found[0]}</picture>'

    return re.sub(r'<img\b[^>]*\bsrc="(?P<source>[^"]+[.]png)"[^>]*>', with_phone, html)


def on_post_build(config: Any) -> None:
    """Refuse a site that loads a script, a style or a picture from elsewhere."""
    from mkdocs.exceptions import PluginError

    for page in Path(config["site_dir"]).rglob("*.html"):
        if found := _LOADED.search(page.read_text("utf-8")):
            raise PluginError(f"{page}: loads from elsewhere: {found[0]}")


def cli_page() -> str:
    """Every verb with its arguments and options."""
    import typer
    from typer.core import TyperCommand, TyperGroup

    from steelsight.cli.main import app

    def verbs(group: TyperGroup, prefix: str) -> Iterator[tuple[str, TyperCommand]]:
        for name, found in group.commands.items():
            if isinstance(found, TyperGroup):
                yield from verbs(found, f"{prefix}{name} ")
            elif isinstance(found, TyperCommand):
                yield f"{prefix}{name}", found

    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    lines = [
        "# Command line",
        "",
        "A verb ends with what it wrote and what to do next, and takes `--help`. Exit status: 0 done, 1 unexpected, 2 "
        "wrong use or input (one sentence on standard error), 3 done but some images were left out or not judged, "
        "130 interrupted.",
        "",
    ]
    for name, verb in verbs(root, ""):
        lines += [f"## steelsight {name}", "", inspect.cleandoc(verb.help or ""), "", "| | takes | |", "|---|---|---|"]
        hints = get_type_hints(verb.callback) if verb.callback else {}
        for parameter in verb.params:
            given = next((one for one in parameter.opts if one.startswith("--")), None)
            takes = (parameter.metavar or _kind(hints.get(parameter.name or ""))) if given else ""
            default = parameter.default
            is_plain = isinstance(default, str | int | float) and not isinstance(default, bool)
            said = (getattr(parameter, "help", "") or "") + (f" Default: {default}." if is_plain else "")
            needed = " **needed**" if parameter.required else ""
            shown = given or parameter.metavar or (parameter.name or "").upper()
            lines.append(f"| `{shown}` | {_cell(takes)} | {_cell(said)}{needed} |")
        lines.append("")
    return "\n".join(lines)


def recipe_page() -> str:
    """Every field of a recipe: type, default, meaning."""
    from steelsight.recipe import augment, model, stated_rule
    from steelsight.recipe.base import Fields

    lines = [
        "# Fields of a recipe",
        "",
        "What they do together, and how to set one from the command line: [recipes](../recipes.md).",
        "",
    ]
    kinds = [
        kind
        for module in (model, stated_rule, augment)
        for kind in vars(module).values()
        if isinstance(kind, type)
        and issubclass(kind, Fields)
        and kind is not Fields
        and kind.__module__ == module.__name__
    ]
    for kind in kinds:
        text, meanings = _documented(kind)
        lines += [f"## {kind.__name__}", "", text, "", "| field | type | default | |", "|---|---|---|---|"]
        for name, field in kind.model_fields.items():
            shown = _type(field.annotation)
            default = "**needed**" if field.is_required() else f"`{_default(field.default)}`"
            meaning = meanings.get(name) or field.description or ""
            lines.append(f"| `{field.alias or name}` | {_cell(shown)} | {_cell(default)} | {_cell(meaning)} |")
        lines.append("")
    return "\n".join(lines)


def _default(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)  # null and [5.0], as in YAML


def _type(hint: Any) -> str:
    """What a field takes, as a recipe has it: the words of a Literal, `list of` before what a tuple holds."""
    if hint is type(None):
        return "nothing"
    if isinstance(hint, type) and not get_args(hint):
        return f"`{hint.__name__}`"
    kinds, origin = get_args(hint), get_origin(hint)
    if origin is Literal:
        return " or ".join(f"`{kind}`" for kind in kinds)
    if origin in (Union, types.UnionType):
        return ", or ".join(map(_type, kinds))
    if origin is Annotated:
        return _type(kinds[0])
    if origin is tuple:
        held = [_type(kind) for kind in kinds if kind is not ...]
        return f"list of {held[0] if len(held) < len(kinds) else ' and '.join(held)}"
    return f"`{re.sub(r'[a-z_.]+[.]', '', str(hint))}`"


def errors_page() -> str:
    """Every sentence that ends a verb with status 2, with … in place of what it quotes."""
    lines = [
        "# Error messages",
        "",
        "Each ends a verb with exit status 2, or is raised as `steelsight.UserError`. `…` stands for a file, a name or a "
        "value. `` `out=` `` is the parameter in Python; the command line prints its option, `--out`.",
        "",
    ]
    for folder in sorted({path.relative_to(SOURCE).parts[0] for path in SOURCE.rglob("*.py")}):
        within = SOURCE / folder
        files = sorted(within.rglob("*.py")) if within.is_dir() else [within]
        found = sorted({sentence for path in files for sentence in _sentences(path)})
        if found:
            lines += [f"## {folder.removesuffix('.py')}", "", "```text", *found, "```", ""]
    return "\n".join(lines)


def _sentences(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "UserError" and node.args:
            parts = node.args[0].values if isinstance(node.args[0], ast.JoinedStr) else [node.args[0]]
            text = "".join(str(one.value) if isinstance(one, ast.Constant) else "…" for one in parts)
            if text.strip("… "):
                yield " ".join(text.split())


def _documented(kind: type[BaseModel]) -> tuple[str, dict[str, str]]:
    """The text of a docstring, and what its section Attributes says of each field."""
    text, _, attributes = inspect.cleandoc(kind.__doc__ or "").partition("Attributes:")
    meanings: dict[str, str] = {}
    names: list[str] = []
    for line in attributes.splitlines():
        begun = re.match(r" {4}(\w+(?:, \w+)*): (.*)", line)
        if begun:
            names = begun[1].split(", ")
            meanings |= dict.fromkeys(names, begun[2])
        elif line.strip():
            meanings |= {name: f"{meanings[name]} {line.strip()}" for name in names}
    return " ".join(text.split()), meanings


def _kind(hint: Any) -> str:
    """What an option takes, from its type: nothing for a switch."""
    kinds = [kind for kind in get_args(hint) or (hint,) if kind not in (type(None), None)]
    if all(isinstance(kind, str) for kind in kinds):
        return " | ".join(kinds)  # of a Literal
    if len(kinds) == 1 and get_args(kinds[0]):
        return _kind(kinds[0])
    return ", ".join("" if kind is bool else str(getattr(kind, "__name__", kind)).lower() for kind in kinds)


def _cell(text: str) -> str:
    """A text that no table takes for its own."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
