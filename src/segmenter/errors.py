"""The errors a user can cause and mend. Not here: faults of a caller (ValueError) and our own (they crash)."""


class SegmenterError(Exception):
    """One sentence in three parts: where, what was found, what would do. The command line prints it and exits 2."""

    def __init__(self, where: object, found: str, remedy: str) -> None:
        super().__init__(f"{where}: {found}; {remedy}")
        self.where = where
        self.found = found
        self.remedy = remedy


class ParamsError(SegmenterError):
    """A settings file that does not say what this version needs."""


class TableError(SegmenterError):
    """A table of messages that cannot be read, or a result that cannot be written."""


class BundleError(SegmenterError):
    """A bundle that is not whole, not ours, or newer than this version."""


class ModelError(SegmenterError):
    """A base encoder or runtime that cannot be had here."""


class StoreError(SegmenterError):
    """A store of scores that cannot be read or written."""


class EngineError(SegmenterError):
    """A cluster that cannot be had, or work that is none for one."""


class TrackingError(SegmenterError):
    """A tracking store or model registry that does not answer or does not hold what was asked for."""
