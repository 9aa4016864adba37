"""steelsight: a two-step steel surface inspector that learns from labelled images."""

__version__ = "0.1.0"
