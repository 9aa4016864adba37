"""The page itself: templates, and how figures are written in them."""

from collections.abc import Mapping
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from steelsight.core.commands import command
from steelsight.core.formatting import apart, percent
from steelsight.version import __version__

MINUS = "\N{MINUS SIGN}"
RULE_NAMES = {"nested": "nested", "kept": "kept rule", "plain": "plain rule"}


def render(views: Mapping[str, Any], template: str = "page.html.j2") -> str:
    """Fill a page with the views of its sections; a view that a template misses is a KeyError-like failure."""
    environment = Environment(
        loader=PackageLoader("steelsight.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "figure": figure,
        "percent": lambda share, digits=1: percent(share, digits),
        "interval": interval,
        "thousands": thousands,
        "duration": duration,
        "decimal": decimal,
        "signed": signed,
    }
    style = Markup(resources.files("steelsight.report").joinpath("templates/style.css").read_text("utf-8"))
    return environment.get_template(template).render(
        views, style=style, version=__version__, rule_names=RULE_NAMES, command=command
    )


def figure(value: float, digits: int = 3) -> str:
    """A figure in [0, 1], a dash for nan; what is not quite 0 or 1 does not read as such.

    >>> figure(0.85893), figure(1.0), figure(0.99964), figure(float("nan"))
    ('0.859', '1.000', '0.9996', '–')
    """
    return apart(value, least=digits)[0] if value == value else "–"


def signed(value: float, digits: int = 4) -> str:
    """A difference, with its sign.

    >>> signed(0.0125)
    '+0.0125'
    """
    return f"{value:+.{digits}f}".replace("-", MINUS) if value == value else "–"


def interval(ends: tuple[float, float], form: str = "figure") -> str:
    """Both ends of an interval.

    >>> interval((0.8, 0.9)), interval((0.012, 0.034), "percent")
    ('0.800 to 0.900', '1.2 to 3.4 %')
    """
    low, high = ends
    if low != low or high != high:
        return "–"
    if form == "percent":
        return f"{percent(low, 1).removesuffix(' %')} to {percent(high, 1)}"
    return f"{signed(low, 3)} to {signed(high, 3)}" if form == "signed" else f"{low:.3f} to {high:.3f}"


def thousands(value: float) -> str:
    """A count, or a median that may end in a half.

    >>> thousands(12568), thousands(7.5)
    ('12,568', '7.5')
    """
    return f"{int(value):,}" if value == int(value) else f"{value:,.1f}"


def decimal(value: float) -> str:
    """A speed."""
    return f"{value:.1f}" if value == value else "–"


def duration(seconds: float) -> str:
    """A time as a person says it.

    >>> duration(12), duration(754), duration(7500)
    ('12 s', '12 min 34 s', '2 h 05 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
