"""Strips of our own: rolled steel under a line camera, drawn from a seed, with exact truth, coils and twins."""

from steelsight.strips.draw import Strip, draw_strip
from steelsight.strips.encode import as_jpeg
from steelsight.strips.make import make_strips

__all__ = ["Strip", "as_jpeg", "draw_strip", "make_strips"]
