"""The sections of a settings file, one frozen model a stage. Not here: whole files and how they are read (params.py).

Every number that changes a result is a key of a section; there are no defaults in code. What a setting means to a room
beyond a line, that room's docstrings say.
"""

from segmenter.sections.commands import Explain, Sample, Score, Summary
from segmenter.sections.data import COLUMNS, Audience, Data, Duplicates, GivenSplit, LabelledTable, Text
from segmenter.sections.judging import Eval, Gate, Tracking
from segmenter.sections.section import Count, Positive, Precision, Section, Share
from segmenter.sections.training import Adapt, Audit, Base, Calibrate, Learning, Train

__all__ = [
    "Adapt",
    "Audience",
    "Audit",
    "Base",
    "COLUMNS",
    "Calibrate",
    "Count",
    "Data",
    "Duplicates",
    "Eval",
    "Explain",
    "Gate",
    "GivenSplit",
    "LabelledTable",
    "Learning",
    "Positive",
    "Precision",
    "Sample",
    "Score",
    "Section",
    "Share",
    "Summary",
    "Text",
    "Tracking",
    "Train",
]
