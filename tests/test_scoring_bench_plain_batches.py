from eval.scoring_bench.plain_batches import as_they_come, by_length


def test_the_longest_come_first_in_batches_of_like_length() -> None:
    # 6 tokens: two rows of 12 at most; then 3: four rows
    assert list(by_length([3, 6, 2, 5, 3], batch_tokens=12)) == [[1, 3], [4, 0, 2]]


def test_a_message_longer_than_a_batch_is_one_alone() -> None:
    assert list(by_length([2, 50, 3], batch_tokens=10)) == [[1], [2, 0]]


def test_batches_in_input_order_have_so_many_rows() -> None:
    assert list(as_they_come([5, 1, 9, 2, 2], n_rows=2)) == [[0, 1], [2, 3], [4]]
