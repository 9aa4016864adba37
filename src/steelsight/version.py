"""The version, apart from the package's own file, which opens what floors above it offer."""

__version__ = "0.1.0"
