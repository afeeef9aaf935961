"""Which messages say the same: exact and near-duplicate texts as groups, for splits, sampling and summaries.

Measured with the packaged settings on two cores: 852,295 real messages, 757,860 of them different, took 39 s and 1.3 GB,
0.4 of them the messages themselves; the largest group had 385. Of 560 near-duplicate pairs that brute force found for
4,000 of them, none was missed. 84,000 short messages, each much like 41 others but below the threshold, took 2 s.

Not here: which member of a group is kept, which its users say.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from segmenter.sections import Duplicates
from segmenter.text import clean

CHUNK_CHARACTERS = 30_000  # hashed at a time: what a core's own cache holds
AHEAD = 64  # chunks handed out before the first is taken back: bounds what is held
THREADS = 2  # numpy holds no lock while it hashes
BUCKET_NEIGHBOURS = 8  # a text is compared with so many after it in its bucket: huge buckets stay linear
MAP_BITS = 1024  # places of a text's shingles: two of a few hundred seldom share one
PAIRS_AT_ONCE = 20_000  # whose maps are compared at a time
FOUND_SHARE = 0.99  # of the pairs at the threshold that share a bucket, by which the bands are cut
HASHING_SHARE = 0.7  # of the time, for the progress that is told
Ints = NDArray[np.int64]


def groups(texts: Sequence[str], settings: Duplicates) -> Ints:
    """A group number per message, equal for texts that are duplicates, directly or through others.

    Exact: equal when cleaned and casefolded. Near: their sets of character shingles have a Jaccard similarity of
    `similarity_at_least` or more; MinHash proposes the pairs, the sets decide. A text shorter than a shingle has exact
    duplicates alone. Groups are numbered from 0 by their first message; their members do not depend on the order.

    Source: Broder 1997, On the resemblance and containment of documents; Leskovec et al. 2020, Mining of Massive
    Datasets, ch. 3.4 (bands).
    """
    return folded_groups([clean(text).casefold() for text in texts], settings, None)


def folded_groups(folded: list[str], settings: Duplicates, on_progress: Callable[[float], None] | None) -> Ints:
    """`groups` of texts that are cleaned and casefolded already; `on_progress` takes the part done, in [0, 1]."""
    unique = sorted(set(folded))
    group = dict(zip(unique, _near_groups(unique, settings, on_progress).tolist(), strict=True))
    numbers: dict[int, int] = {}
    return np.array([numbers.setdefault(group[text], len(numbers)) for text in folded], np.int64)


def _near_groups(unique: list[str], settings: Duplicates, on_progress: Callable[[float], None] | None) -> Ints:
    """The place of one member of its group for every text: connected components of the near-duplicate pairs."""
    parent = np.arange(len(unique))
    size = settings.shingle_characters
    places = np.array([place for place, text in enumerate(unique) if len(text) >= size], np.int64)
    if settings.similarity_at_least == 1.0 or len(places) < 2:
        return parent
    texts = unique if len(places) == len(unique) else [unique[place] for place in places.tolist()]
    sketches = _sketches(texts, settings, _part(on_progress, 0.0, HASHING_SHARE))
    found = _components(texts, sketches, settings, _part(on_progress, HASHING_SHARE, 1.0))
    parent[places] = places[found]
    return parent


def _part(on_progress: Callable[[float], None] | None, start: float, end: float) -> Callable[[float], None]:
    """A part of a progress as a whole one."""
    return lambda done: on_progress(start + (end - start) * done) if on_progress else None


@dataclass(frozen=True)
class _Sketches:
    """What is kept of texts to find those that may be alike.

    Attributes:
        bands: A hash of each band of each text's MinHash, shape (n_bands, n_texts).
        maps: Where the shingles of each text fall in MAP_BITS places, shape (n_texts, MAP_BITS / 64).
        n_shingles: Of each text, repeated ones among them, shape (n_texts,).
    """

    bands: NDArray[np.uint64]
    maps: NDArray[np.uint64]
    n_shingles: Ints


def _components(
    texts: list[str], sketches: _Sketches, settings: Duplicates, on_progress: Callable[[float], None]
) -> Ints:
    """The place of one member of its group for every text, shape (n_texts,)."""
    roots, apart = np.arange(len(texts)), np.empty(0, np.int64)
    for number, band in enumerate(sketches.bands):
        refused = [apart]
        for left, right in _neighbours(band):
            open_pairs = np.flatnonzero(roots[left] != roots[right])
            left, right = left[open_pairs], right[open_pairs]
            close = _may_be_alike(sketches, left, right, settings.similarity_at_least)
            left, right = left[close], right[close]
            pairs = left * len(texts) + right
            unknown = ~_are_in(pairs, apart)
            left, right = left[unknown], right[unknown]
            alike = _are_alike(texts, left, right, settings)
            roots = _bound(roots, left[alike], right[alike])
            refused.append(pairs[unknown][~alike])
        apart = np.sort(np.concatenate(refused))
        on_progress((number + 1) / len(sketches.bands))
    return roots


def _neighbours(band: NDArray[np.uint64]) -> Iterator[tuple[Ints, Ints]]:
    """Pairs of texts, the earlier first, that agree on a whole band of their signatures."""
    order = np.argsort(band, kind="stable")
    in_order = band[order]
    for distance in range(1, BUCKET_NEIGHBOURS + 1):
        same = np.flatnonzero(in_order[:-distance] == in_order[distance:])
        yield order[same], order[same + distance]


def _are_in(values: Ints, known: Ints) -> NDArray[np.bool_]:
    """Whether each value is among the known ones, which are sorted."""
    if not len(known):
        return np.zeros(len(values), np.bool_)
    places = np.minimum(np.searchsorted(known, values), len(known) - 1)
    return np.asarray(known[places] == values)


def _may_be_alike(sketches: _Sketches, left: Ints, right: Ints, at_least: float) -> NDArray[np.bool_]:
    """False for pairs whose maps alone show that their similarity is less, shape (n_pairs,).

    A place that only one text's map has is a shingle that the other lacks: of n shingles, d lacking over there and e here,
    at most n - d are common and at least n + e are in the union.
    """
    found = np.ones(len(left), np.bool_)
    for start in range(0, len(left), PAIRS_AT_ONCE):
        pairs = slice(start, start + PAIRS_AT_ONCE)
        ours, theirs = sketches.maps[left[pairs]], sketches.maps[right[pairs]]
        lacking_there = np.bitwise_count(ours & ~theirs).sum(axis=1, dtype=np.int64)
        lacking_here = np.bitwise_count(theirs & ~ours).sum(axis=1, dtype=np.int64)
        n_ours, n_theirs = sketches.n_shingles[left[pairs]], sketches.n_shingles[right[pairs]]
        found[pairs] = ((n_ours - lacking_there) / (n_ours + lacking_here) >= at_least) & (
            (n_theirs - lacking_here) / (n_theirs + lacking_there) >= at_least
        )
    return found


def _are_alike(texts: list[str], left: Ints, right: Ints, settings: Duplicates) -> NDArray[np.bool_]:
    """Whether each pair's sets of shingles have a Jaccard similarity of `similarity_at_least`, shape (n_pairs,)."""
    size, found = settings.shingle_characters, np.empty(len(left), np.bool_)
    for place, pair in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
        one, other = (_shingles(texts[text], size) for text in pair)
        n_common = len(one & other)
        found[place] = n_common / (len(one) + len(other) - n_common) >= settings.similarity_at_least
    return found


def _shingles(text: str, size: int) -> set[str]:
    return {text[start : start + size] for start in range(len(text) - size + 1)}


def _bound(roots: Ints, left: Ints, right: Ints) -> Ints:
    """Roots after the groups of each pair became one, shape (n_texts,)."""
    if not len(left):
        return roots
    parent: dict[int, int] = {}

    def root(place: int) -> int:
        while place in parent:
            if parent[place] in parent:
                parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    for one, other in zip(roots[left].tolist(), roots[right].tolist(), strict=True):
        ours, theirs = root(one), root(other)
        if ours != theirs:
            parent[theirs] = ours
    becomes = np.arange(len(roots))
    moved = np.array(list(parent), np.int64)
    becomes[moved] = [root(place) for place in moved.tolist()]
    return becomes[roots]


def _sketches(texts: list[str], settings: Duplicates, on_progress: Callable[[float], None]) -> _Sketches:
    """Sketches of texts that hold at least one shingle each."""
    random = np.random.default_rng(0)  # the coefficients of a fixed hash function, not a draw
    factors = random.integers(1, 2**63, settings.permutations, np.uint64) * np.uint64(2) + np.uint64(1)
    shifts = random.integers(0, 2**63, settings.permutations, np.uint64)
    n_rows = _band_rows(settings)
    bands = np.empty((settings.permutations // n_rows, len(texts)), np.uint64)
    maps = np.empty((len(texts), MAP_BITS // 64), np.uint64)
    lengths = [len(text) for text in texts]

    def sketch(start: int, end: int) -> int:
        hashes, firsts = _shingle_hashes(texts[start:end], settings.shingle_characters)
        maps[start:end] = _maps(hashes, firsts)
        signatures = _signatures(hashes, firsts, factors, shifts)
        for number, band in enumerate(bands):
            whole = np.zeros(end - start, np.uint64)
            for row in signatures[number * n_rows : (number + 1) * n_rows]:
                whole = whole * np.uint64(0x9E3779B97F4A7C15) + row
            band[start:end] = whole
        return end

    with ThreadPoolExecutor(THREADS) as pool:
        chunks = _chunks(lengths)
        while waiting := [pool.submit(sketch, start, end) for start, end in islice(chunks, AHEAD)]:
            on_progress(max(one.result() for one in waiting) / len(texts))
    return _Sketches(bands, maps, np.array(lengths, np.int64) - settings.shingle_characters + 1)


def _maps(hashes: NDArray[np.uint64], firsts: NDArray[np.intp]) -> NDArray[np.uint64]:
    """The places of each text's shingles as bits, shape (n_texts, MAP_BITS / 64)."""
    text_of = np.repeat(np.arange(len(firsts)), np.diff(np.append(firsts, len(hashes))))
    places = np.zeros((len(firsts), MAP_BITS), np.bool_)
    places[text_of, hashes % np.uint64(MAP_BITS)] = True
    return np.packbits(places, axis=1).view(np.uint64)


def _signatures(
    hashes: NDArray[np.uint64], firsts: NDArray[np.intp], factors: NDArray[np.uint64], shifts: NDArray[np.uint64]
) -> NDArray[np.uint64]:
    """MinHash of each text, shape (permutations, n_texts), each below 2**32."""
    found = np.empty((len(factors), len(firsts)), np.uint64)
    mixed = np.empty_like(hashes)
    for row, factor, shift in zip(found, factors, shifts, strict=True):
        np.multiply(hashes, factor, out=mixed)
        np.add(mixed, shift, out=mixed)
        np.minimum.reduceat(mixed, firsts, out=row)
    return found >> np.uint64(32)  # the smallest of the high halves is the high half of the smallest


def _chunks(lengths: list[int]) -> Iterator[tuple[int, int]]:
    """Start and end of runs of texts of about CHUNK_CHARACTERS."""
    start = characters = 0
    for place, length in enumerate(lengths):
        characters += length
        if characters >= CHUNK_CHARACTERS or place == len(lengths) - 1:
            yield start, place + 1
            start, characters = place + 1, 0


def _shingle_hashes(texts: list[str], size: int) -> tuple[NDArray[np.uint64], NDArray[np.intp]]:
    """64-bit hashes of all shingles, text after text, and the place of each text's first."""
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    lengths = np.array([len(text) for text in texts])
    hashes = np.zeros(len(codes) - size + 1, np.uint64)
    for place in range(size):
        hashes = hashes * np.uint64(0x9E3779B97F4A7C15) + codes[place : place + len(hashes)]
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):  # splitmix64 (Steele et al. 2014)
        hashes = (hashes ^ (hashes >> np.uint64(shift))) * np.uint64(factor)
    ends = np.repeat(np.cumsum(lengths), lengths)[: len(hashes)]
    inside = np.arange(len(hashes)) + size <= ends  # a shingle does not run into the next text
    n_shingles = lengths - size + 1
    return (hashes ^ (hashes >> np.uint64(31)))[inside], np.cumsum(n_shingles) - n_shingles


def _band_rows(settings: Duplicates) -> int:
    """Rows of a band: as many as still let FOUND_SHARE of the pairs at the threshold agree on some band."""
    for n_rows in range(settings.permutations, 1, -1):
        n_bands = settings.permutations // n_rows
        if 1 - (1 - settings.similarity_at_least**n_rows) ** n_bands >= FOUND_SHARE:
            return n_rows
    return 1
