"""The look shared by every plot: colours that colour-blind eyes tell apart, quiet axes, SVG for the page.

Figures are made through matplotlib's object interface alone: no window, no global state, safe beside a training.
"""

import hashlib
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

BLUE, ORANGE, GREEN, RED, PURPLE, SKY, YELLOW, GREY = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#d55e00",
    "#cc79a7",
    "#56b4e9",
    "#c9b800",
    "#6b7280",
)
"""Okabe and Ito's palette (jfly.uni-koeln.de/color), its yellow darkened to show on white."""

WIDE = 8.9
"""Inches of a plot as wide as the page's text."""
_PHONE = 600
"""CSS pixels: a figure that is drawn wider cannot be read when it is shrunk to a phone."""

SERIES = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY, YELLOW, GREY)
TEXT = "#1f2933"
RULE = "#d5dae0"

_STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8.0,
    "text.color": TEXT,
    "axes.labelcolor": TEXT,
    "axes.edgecolor": "#9aa5b1",
    "axes.linewidth": 0.7,
    "axes.titlesize": 8.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": "#52606d",
    "ytick.color": "#52606d",
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "lines.linewidth": 1.4,
    "svg.fonttype": "path",
    "svg.hashsalt": "steelsight",
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw in the report's style, without touching the style of the caller."""
    with mpl.rc_context(_STYLE):
        yield


def new_figure(width: float, height: float, *, fixed: bool = False) -> Figure:
    """An empty figure of `width` x `height` inches with the Agg canvas. Call within `styled()`.

    Margins are fitted to what is drawn, unless `fixed`: fitting takes most of the time of a large grid.
    """
    figure = Figure(figsize=(width, height), layout=None if fixed else "constrained")
    FigureCanvasAgg(figure)
    return figure


def plain(text: str) -> str:
    """A user's name (class, member, file) as matplotlib text that is never taken for a formula.

    >>> plain("a$b$")
    'a\\\\$b\\\\$'
    """
    return text.replace("$", r"\$")


def class_names(classes: Sequence[str]) -> tuple[str, ...]:
    """Names of classes as a reader needs them: a bare number says nothing.

    >>> class_names(["3", "Crack"])
    ('class 3', 'Crack')
    """
    return tuple(f"class {name}" if name.isdigit() else name for name in classes)


def colour(index: int) -> str:
    """The colour of series or class number `index`."""
    return SERIES[index % len(SERIES)]


def quiet(axes: Axes, *, grid: str = "y") -> None:
    """Faint grid behind the data."""
    axes.set_axisbelow(True)
    if grid in ("y", "both"):
        axes.grid(axis="y", color=RULE, linewidth=0.5)
    if grid in ("x", "both"):
        axes.grid(axis="x", color=RULE, linewidth=0.5)


def whole_numbers(axes: Axes) -> None:
    """Ticks of the x axis at whole numbers only."""
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6, min_n_ticks=1))


def svg(figure: Figure, alternative: str) -> Markup:
    """The figure as an inline `<svg>` element that scales with its container; `alternative` is its spoken text.

    No two figures of a page may have the same `alternative`: their ids are told apart by it.
    """
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.DOTALL)
    text = _smaller(text, hashlib.blake2s(alternative.encode(), digest_size=4).hexdigest())
    head, body = text.split(">", 1)
    head = re.sub(r' (width|height|version)="[^"]*"', "", head.removeprefix("<svg"))
    width = figure.get_figwidth() * 96
    wide = Markup(' class="wide"') if width > _PHONE else ""
    opening = Markup('<svg role="img" aria-label="{}"{} style="max-width:{:.0f}px"').format(alternative, wide, width)
    return opening + Markup(head + ">" + body)


def _smaller(text: str, own: str) -> str:
    """Drop ids that nothing refers to, make the others this figure's own, and write points to a hundredth."""
    used = set(re.findall(r'(?:href="|url\()#([^")]+)', text))
    names = {name: f"f{own}-{number}" for number, name in enumerate(sorted(used))}
    text = re.sub(r' id="([^"]*)"', lambda found: f' id="{names[found[1]]}"' if found[1] in names else "", text)
    text = re.sub(r'(href="|url\()#([^")]+)', lambda found: f"{found[1]}#{names[found[2]]}", text)
    text = re.sub(r' (?:d|x|y)="[^"]*"', lambda found: re.sub(r"(\.\d\d)\d+", r"\1", found[0]), text)
    return re.sub(r">\s+<", "><", text).replace("<g></g>", "")


def rows_of(count: int, most: int) -> tuple[int, int]:
    """Rows and columns that hold `count` small multiples evenly, at most `most` beside each other.

    >>> rows_of(5, 5), rows_of(8, 5), rows_of(1, 5)
    ((1, 5), (2, 4), (1, 1))
    """
    rows = max(1, -(-count // most))
    return rows, max(1, -(-count // rows))


def small_multiples(figure: Figure, count: int, shape: tuple[int, int], *, share_y: bool = False) -> list[Axes]:
    """Axes of a grid that share x; places beyond `count` stay empty, and the lowest of each column is labelled."""
    rows, columns = shape
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=share_y).ravel().tolist()
    for axes in grid[count:]:
        axes.set_axis_off()
    for place in range(max(0, count - columns), count):
        grid[place].tick_params(axis="x", labelbottom=True)
    return list(grid[:count])


def log_axis(axes: Axes, which: Literal["x", "y"], values: Iterable[float]) -> None:
    """A logarithmic axis with ticks at 1, 10, 100 and so on; the threes too where the range is short."""
    seen = [value for value in values if value > 0]
    if not seen:
        return
    steps = (1.0, 3.0) if max(seen) / min(seen) < 50 else (1.0,)
    if which == "x":
        axes.set_xscale("log")
    else:
        axes.set_yscale("log")
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(LogLocator(subs=steps, numticks=6))
    axis.set_major_formatter(lambda value, _: _short(value))
    axis.set_minor_locator(NullLocator())


def _short(value: float) -> str:
    """3e-4, 0.03, 300, 10,000."""
    return f"{value:.0e}".replace("e-0", "e-") if value < 0.01 else f"{value:,.2g}" if value < 1 else f"{value:,.0f}"
