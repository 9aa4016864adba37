"""steelsight: a two-step steel surface inspector that learns from labelled images.

>>> import steelsight
>>> run = steelsight.train("DATA", recipe="lite", out="RUN")      # doctest: +SKIP
>>> inspector = run.export("INSPECTOR")                           # doctest: +SKIP
>>> inspector("strip.jpg").verdict.answer                         # doctest: +SKIP
'pass'

A name is loaded when it is first asked for (PEP 562), so that the import costs nothing: what inspects needs no torch, and
what trains loads it when it trains.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from steelsight.version import __version__

if TYPE_CHECKING:
    from steelsight.api.datasets import read_dataset
    from steelsight.api.recipes import load_recipe
    from steelsight.api.score import score
    from steelsight.api.train import train
    from steelsight.api.trained_run import TrainedRun as Run
    from steelsight.core.errors import UserError
    from steelsight.inspector.inspector import Inspector
    from steelsight.strips.make import make_strips
    from steelsight.verdicts.policy import Limits

__all__ = [
    "Inspector",
    "Limits",
    "Run",
    "UserError",
    "__version__",
    "load_recipe",
    "make_strips",
    "read_dataset",
    "score",
    "train",
]

_HOMES = {
    "Inspector": "steelsight.inspector.inspector:Inspector",
    "Limits": "steelsight.verdicts.policy:Limits",
    "Run": "steelsight.api.trained_run:TrainedRun",
    "UserError": "steelsight.core.errors:UserError",
    "load_recipe": "steelsight.api.recipes:load_recipe",
    "make_strips": "steelsight.strips.make:make_strips",
    "read_dataset": "steelsight.api.datasets:read_dataset",
    "score": "steelsight.api.score:score",
    "train": "steelsight.api.train:train",
}
"""Where each name stands."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'steelsight' has no attribute {name!r}")
    module, _, inside = _HOMES[name].partition(":")
    value = getattr(import_module(module), inside)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
