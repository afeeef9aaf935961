"""The corpus cut along one dimension, as findings: counts and corrected shares of its values, and of each over the periods.

Not here: counting (margins.py), estimating (estimates.py).
"""

from segmenter.summary.corpus import Corpus
from segmenter.summary.estimates import Estimator
from segmenter.summary.findings import Cell, Dimension, Series, SeriesOf, ShareFinding, Value
from segmenter.summary.margins import Dimension as Cut
from segmenter.summary.margins import Margin, histograms, histograms_over_time, margin
from segmenter.summary.periods import Calendar

Shares = dict[str, list[ShareFinding | None]]  # by audience id, a share a cell


def dimension(corpus: Corpus, cut: Cut, calendar: Calendar, estimator: Estimator) -> Dimension:
    """All values of a dimension in their order; without dates, none has a course over time."""
    found = margin(corpus, cut, calendar)
    n_over_time = found.n_messages_over_time.ravel()
    shares: Shares = {}
    over_time: Shares = {}
    for name in corpus.audience_ids:
        counts = histograms(corpus, cut, name, estimator.languages)
        shares[name] = estimator.findings(name, counts, found.n_messages)
        counts = histograms_over_time(corpus, cut, calendar, name, estimator.languages)
        over_time[name] = estimator.findings(name, counts, n_over_time)
    return Dimension(cut.name, [_value(found, place, shares, over_time) for place in range(len(cut.values))])


def _value(found: Margin, place: int, shares: Shares, over_time: Shares) -> Value:
    return Value(
        name=found.dimension.values[place],
        kind=found.dimension.kinds[place],
        n_messages=int(found.n_messages[place]),
        n_uncertain=int(found.n_uncertain[place]),
        n_out_of_scope=int(found.n_out_of_scope[place]),
        audiences={
            name: Cell(int(found.n_chosen[place, number]), shares[name][place]) for number, name in enumerate(shares)
        },
        over_time=_series(found, place, over_time),
    )


def _series(found: Margin, place: int, over_time: Shares) -> Series | None:
    n_periods = found.n_messages_over_time.shape[1]
    if not n_periods:
        return None
    cells = slice(place * n_periods, (place + 1) * n_periods)
    return Series(
        n_messages=found.n_messages_over_time[place].tolist(),
        audiences={
            name: _series_of(found.n_chosen_over_time[place, :, number].tolist(), over_time[name][cells])
            for number, name in enumerate(over_time)
        },
    )


def _series_of(n_chosen: list[int], shares: list[ShareFinding | None]) -> SeriesOf:
    return SeriesOf(
        n_chosen=n_chosen,
        value=[None if share is None else share.value for share in shares],
        low=[None if share is None else share.low for share in shares],
        high=[None if share is None else share.high for share in shares],
    )
