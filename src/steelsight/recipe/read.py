"""Reading recipes: YAML plus overrides; a wrong key or value is refused with the nearest right one."""

from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from steelsight.core.commands import command
from steelsight.core.errors import UserError, nearest
from steelsight.core.model import Location, explain, keys_of
from steelsight.core.parsing import parse_yaml
from steelsight.recipe.model import Recipe, Step
from steelsight.recipe.quick import quick_recipe

RECIPES = ("paper", "lite", "demo")

_OF_STEP: dict[tuple[str, ...], Step] = {
    ("decoder",): "segment",
    ("decoder_channels",): "segment",
    ("exclusive",): "segment",
    ("phases", "loss", "dice"): "segment",
    ("phases", "loss", "dice_over"): "segment",
    ("phases", "loss", "dice_smooth"): "segment",
    ("head",): "classify",
    ("dropout",): "classify",
    ("last_layer",): "classify",
    ("phases", "loss", "cells"): "classify",
}
"""Fields of a member, by their keys, that one step alone has."""


def load_recipe(name_or_path: str, overrides: Sequence[str] = (), *, quick: bool = False) -> Recipe:
    """Read a recipe that comes with steelsight, by name, or a file, and apply `key.sub=value` overrides.

    In a key, members are named (`members.classify-lite0.sampling.batch`), `*` stands for every member or phase that has
    the field (a classifier has no decoder, a segmenter no dropout), and phases count from 1
    (`members.*.phases.1.epochs`) or go by their names, where the recipe names them.
    Values are YAML.

    Args:
        quick: make it quick first (see `quick_recipe`), so that overrides change what the quick one says.

    Raises:
        UserError: no such recipe, not YAML, or a wrong key or value.
    """
    if name_or_path in RECIPES:
        source = name_or_path
        text = resources.files("steelsight.recipe").joinpath(f"{name_or_path}.yaml").read_text("utf-8")
    else:
        source = name_or_path
        path = Path(name_or_path)
        if not path.is_file():
            raise UserError(f"recipe {name_or_path!r}: no such recipe or file; {nearest(name_or_path, RECIPES)}")
        text = path.read_text("utf-8", errors="replace")
    content = _parse(text, source)
    content.pop("templates", None)
    if quick:
        content = quick_recipe(_validate(content, source)).model_dump(mode="json", by_alias=True)
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals:
            raise UserError(f"`overrides={override}`: not of the form key.sub=value; for example `overrides=folds=3`")
        try:
            parsed = _number(_load(value))
        except yaml.YAMLError as error:
            raise UserError(f"`overrides={override}`: the value is not YAML; quote it or correct it") from error
        if not _assign(content, key.split("."), parsed, f"`overrides={override}`"):
            raise UserError(
                f"`overrides={override}`: nothing in the recipe is named {key!r}; see `{command('train', help=True)}`"
            )
    recipe = _validate(content, source)
    for member in recipe.members:  # not in the model: runs of before, which say so, are read
        if member.step == "classify" and member.decoder_channels is not None:
            raise UserError(
                f"{source}: members.{member.name}.decoder_channels are of a decoder; step classify has none"
            )
    return recipe


def parse_recipe(text: str, source: str) -> Recipe:
    """The recipe that a YAML text says; `source` is named in what is wrong with it.

    Raises:
        UserError: not YAML, or a wrong key or value.
    """
    return _validate(_parse(text, source), source)


def recipe_text(recipe: Recipe) -> str:
    """A recipe as YAML: every field, in the order of the model."""
    text: str = yaml.safe_dump(recipe.model_dump(mode="json", by_alias=True), sort_keys=False, allow_unicode=True)
    return text


def _parse(text: str, source: str) -> dict[str, Any]:
    try:
        content = _load(text)
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f" line {where.line + 1}" if where else ""
        raise UserError(f"{source}:{line} is not YAML ({getattr(error, 'problem', error)}); correct it") from error
    if not isinstance(content, dict):
        raise UserError(f"{source}: a recipe is a mapping with the keys {', '.join(Recipe.model_fields)}")
    return content


def _load(text: str) -> Any:
    """What a YAML text says.

    Raises:
        yaml.YAMLError: nothing, or what no recipe could mean.
    """
    return _own(parse_yaml(text))


def _own(node: Any) -> Any:
    """A copy in which what YAML anchors share is no longer shared, so that an override changes one member alone."""
    if isinstance(node, dict):
        return {key: _own(value) for key, value in node.items()}
    return [_own(item) for item in node] if isinstance(node, list) else node


def _number(value: Any) -> Any:
    """YAML 1.1 reads 3e-3 as text; a person means a number."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return [_number(item) for item in value] if isinstance(value, list) else value


def _assign(node: Any, keys: Sequence[str], value: Any, source: str) -> bool:
    """Set `value` at `keys`; a `*` sets it wherever the rest of the path exists. False when nothing was there to set."""
    key, rest = keys[0], keys[1:]
    if isinstance(node, list):
        if key == "*":
            return bool(rest) and _assign_all(node, rest, value, source)
        named = {item["name"]: item for item in node if isinstance(item, dict) and item.get("name")}
        chosen = named if any("step" in item for item in named.values()) else _numbered(node) | named
        if key == "0" and key not in chosen:
            raise UserError(f"{source}: there is no number 0, for the first one counts as 1; write .1. in place of .0.")
        if key not in chosen:
            raise UserError(f"{source}: nothing is named {key!r}; {nearest(key, chosen)}")
        return _assign(chosen[key], rest, value, source) if rest else False
    if not isinstance(node, dict):
        return False
    if not rest:
        node[key] = value
        return True
    return _assign(node[key], rest, value, source) if key in node else _missing(node, key, source)


def _numbered(node: list[Any]) -> dict[str, Any]:
    return {str(number): item for number, item in enumerate(node, start=1)}


def _assign_all(node: list[Any], keys: Sequence[str], value: Any, source: str) -> bool:
    """Set `value` in every item that has the rest of the path; that none has it is said of the first."""
    step = _OF_STEP.get((keys[0], *keys[2:]) if keys[0] == "phases" else tuple(keys))  # whichever phase is meant
    having = [item for item in node if not (step and isinstance(item, dict) and item.get("step", step) != step)]
    if node and not having:
        raise UserError(f"{source}: {keys[-1]} is of step {step}, and no member here is")
    assigned, refused = False, None
    for item in having:
        try:
            assigned |= _assign(item, keys, value, source)
        except UserError as error:
            refused = refused or error
    if refused and not assigned:
        raise refused
    return assigned


def _missing(node: dict[str, Any], key: str, source: str) -> bool:
    raise UserError(f"{source}: the recipe has no {key!r} here; {nearest(key, node)}")


def _validate(content: dict[str, Any], source: str) -> Recipe:
    try:
        return Recipe.model_validate(_numbers(content))
    except ValidationError as error:
        raise UserError(_explain(error, content, source)) from error


def _numbers(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: value if key in ("name", "class") else _numbers(value) for key, value in node.items()}
    return [_numbers(item) for item in node] if isinstance(node, list) else _number(node)


def _explain(error: ValidationError, content: dict[str, Any], source: str) -> str:
    def place(location: Location) -> str:
        # without pydantic's words for kinds of value
        named = _names([step for step in location if "[" not in str(step)], content)
        return f"{source}: {named}" if named else source

    return explain(error, place=place, keys=_keys)


def _names(location: Iterable[int | str], content: Any) -> str:
    parts: list[str] = []
    node = content
    for step in location:
        try:
            node = node[step]
        except (KeyError, IndexError, TypeError):
            node = None
        named = isinstance(step, int) and isinstance(node, dict) and node.get("name")
        number = step + 1 if isinstance(step, int) else step
        parts.append(str(node["name"]) if named and isinstance(node, dict) else str(number))
    return ".".join(parts)


def _keys(location: Location) -> list[str]:
    """The keys of the mapping at `location`."""
    from steelsight.recipe import augment, model, stated_rule

    owners: dict[str, type[BaseModel]] = {
        "members": model.Member,
        "input": model.Input,
        "augment": augment.Augment,
        "zoom_out": augment.Zoom,
        "zoom_in": augment.ZoomIn,
        "crop": augment.Crop,
        "sampling": model.Sampling,
        "repeat": model.Repeat,
        "phases": model.Phase,
        "loss": model.Loss,
        "optimiser": model.Optimiser,
        "schedule": model.Schedule,
        "keep": model.KeepWeights,
        "selection": model.Selection,
        "classifiers": model.GroupChoice,
        "segmenters": model.GroupChoice,
        "rule": stated_rule.StatedRule,
        "search": model.Search,
    }
    parents = [step for step in location if step in owners]
    return keys_of(owners[str(parents[-1])] if parents else Recipe)
