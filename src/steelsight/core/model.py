"""What is read from files and requests: the base of their models, and what is wrong with one in a sentence."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from steelsight.core.errors import UserError, nearest

Location = Sequence[int | str]
"""Where in the content a fault is: keys and places in lists, from the outside in."""
_LONGEST = 80  # characters of a value that a sentence shows
_NOT_SENT = object()


class Model(BaseModel):
    """Frozen; an unknown key is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class MadeByPrograms(Model):
    """A model that programs make, too: a wrong value is a `UserError` there. Where one is read, what is wrong stays
    pydantic's error, which the reader tells with the file and the place in it."""

    if not TYPE_CHECKING:  # types of the fields are pydantic's

        def __init__(self, /, **values: Any) -> None:
            try:
                super().__init__(**values)
            except ValidationError as error:
                called = type(self).__name__
                raise UserError(
                    explain(
                        error,
                        place=lambda location: ".".join(filter(None, (called, dotted(location)))),
                        keys=lambda location: () if location else keys_of(type(self)),
                    )
                ) from error

        __init__.__pydantic_base_init__ = True  # so that pydantic makes one that it reads without calling this


def keys_of(model: type[BaseModel]) -> list[str]:
    """The keys that a model is written with: aliases where it has them."""
    return [field.alias or name for name, field in model.model_fields.items()]


class Faulty(Protocol):
    """What pydantic and FastAPI raise."""

    def errors(self) -> Sequence[Any]:
        """Each fault, as a mapping with `type`, `loc`, `msg`, and mostly `input` and `ctx`."""
        ...


def dotted(location: Location) -> str:
    """
    >>> dotted(("members", 0, "function-after[_check(), list[int]]", "name"))
    'members.0.name'
    """
    return ".".join(
        str(step) for step in location if "[" not in str(step)
    )  # without pydantic's words for kinds of value


def no_keys(_: Location) -> Iterable[str]:
    """For a content that a person does not write, and so does not misspell."""
    return ()


def explain(
    error: Faulty,
    *,
    place: Callable[[Location], str] = dotted,
    keys: Callable[[Location], Iterable[str]] = no_keys,
    mend: str | None = None,
) -> str:
    """One sentence for the first fault: where, what stands there, the rule, the nearest right word, the mend.

    Args:
        place: says where; an empty text is left out.
        keys: the keys that the mapping at a location may have.
        mend: what to do; if left out, what the fault itself suggests.

    >>> from pydantic import ValidationError
    >>> class Recipe(Model):
    ...     folds: int
    >>> try:
    ...     Recipe.model_validate({"folds": "many"})
    ... except ValidationError as error:
    ...     print(explain(error))
    folds: 'many' is refused: it should be a valid integer, unable to parse string as an integer; correct it
    """
    fault = first_fault(error)
    what, hint, own_mend = _parts(fault, keys)
    said = "; ".join(part for part in (what, hint, own_mend if mend is None else mend) if part)
    return ": ".join(part for part in (place(fault["loc"]), said) if part)


def first_fault(error: Faulty) -> Mapping[str, Any]:
    """The fault to tell: a key that there is not explains others, and of a word or a list, a wrong list fails as the word
    first."""
    faults = error.errors()
    unknown = [fault for fault in faults if fault["type"] == "extra_forbidden"]
    telling = [
        fault for fault in faults if not (fault["type"] == "literal_error" and isinstance(fault.get("input"), list))
    ]
    found: Mapping[str, Any] = (unknown or telling or faults)[0]
    return found


def _parts(fault: Mapping[str, Any], keys: Callable[[Location], Iterable[str]]) -> tuple[str, str, str]:
    """What is wrong; the nearest right word, if one is known; what to do otherwise."""
    location, value = tuple(fault["loc"]), fault.get("input", _NOT_SENT)
    shown = f"{value!r} is refused: " if _can_be_shown(value) else ""
    match fault["type"]:
        case "extra_forbidden":
            known = [*keys(location[:-1])]
            return (
                "there is no such key",
                nearest(str(location[-1]), known) if known else "",
                "" if known else "take it out",
            )
        case "missing":
            return "the key is missing", "", "add it"
        case "literal_error" if _words(fault) and str(value) not in _words(fault):
            return f"{value!r} is not allowed", nearest(str(value), _words(fault)), ""
        case "model_type" if known := [*keys(location)]:
            return f"{shown}there must be a mapping", f"it may have the keys {', '.join(known)}", ""
        case _:
            reason = re.sub("^Input", "it", fault["msg"].removeprefix("Value error, "))
            return f"{shown}{reason}", "", "correct it"


def _can_be_shown(value: object) -> bool:
    return (value is None or isinstance(value, str | int | float)) and len(repr(value)) <= _LONGEST


def _words(fault: Mapping[str, Any]) -> list[str]:
    expected = fault.get("ctx", {}).get("expected", "")
    return [word for word in expected.replace(" or ", ", ").replace("'", "").split(", ") if word]
