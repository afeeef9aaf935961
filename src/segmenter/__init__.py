"""segmenter: which public is this message built for? The wheel; nothing is imported or read here but the version."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("audience-segmenter")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0+unknown"
