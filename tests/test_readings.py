import numpy as np
import pytest

from segmenter.readings import Entries, Readings, in_order


def entries(*names: str) -> Entries:
    """A name of n letters has the logits n and -n, and n pieces a word; long is who has more than three letters."""
    n = np.array([len(name) for name in names], np.float64)
    logits = np.stack([n, -n], axis=1).astype(np.float32).reshape(len(names), 2)
    readings = Readings(logits, [f"l-{name}" for name in names], [f"s-{name}" for name in names], n > 3, n)
    return Entries([name.encode() for name in names], readings)


def test_a_part_is_in_the_order_asked_for() -> None:
    found = entries("a", "bb", "cccc").readings.part(np.array([2, 0, 2]))
    assert found.logits.tolist() == [[4, -4], [1, -1], [4, -4]]
    assert (found.languages, found.scope) == (["l-cccc", "l-a", "l-cccc"], ["s-cccc", "s-a", "s-cccc"])
    assert (found.long.tolist(), found.pieces_per_word.tolist()) == ([True, False, True], [4, 1, 4])


def test_parts_are_put_together_in_the_order_of_the_keys() -> None:
    found = in_order([b"cccc", b"a", b"bb", b"a"], [entries("bb", "a"), entries(), entries("cccc")])
    assert found.languages == ["l-cccc", "l-a", "l-bb", "l-a"]
    assert found.logits[:, 0].tolist() == [4, 1, 2, 1]


def test_a_key_that_no_part_holds_is_the_callers_fault() -> None:
    with pytest.raises(KeyError, match="zz"):
        in_order([b"zz"], [entries("a")])


@pytest.mark.parametrize("names", [(), ("a", "bb", "cccc")])
def test_rows_become_the_same_entries_again(names: tuple[str, ...]) -> None:
    found = entries(*names)
    again = Entries.of_rows(list(found.rows()), n_audiences=2)
    assert again.keys == found.keys
    assert again.readings.logits.tobytes() == found.readings.logits.tobytes()
    assert (again.readings.languages, again.readings.scope) == (found.readings.languages, found.readings.scope)
    assert again.readings.long.tolist() == found.readings.long.tolist()
    assert again.readings.pieces_per_word.tolist() == found.readings.pieces_per_word.tolist()
    assert again.readings.logits.shape == (len(names), 2)
