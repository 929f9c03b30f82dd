"""nurture: one well-timed email at a time, from a free guide to a Discovery Session."""

from importlib.metadata import version

__version__ = version("nurture")
