"""steelsight: a two-step steel surface inspector that learns from labelled images."""

from steelsight.version import __version__

__all__ = ["__version__"]
