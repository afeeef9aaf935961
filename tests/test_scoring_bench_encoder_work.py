from pathlib import Path

from transformers import AutoModel

from eval.scoring_bench.encoder_work import EncoderWork, work_of


def test_linear_layers_and_attention_are_counted(tiny_bert: Path) -> None:
    work = work_of(AutoModel.from_pretrained(tiny_bert))
    # two layers: four of 32 x 32 and two of 32 x 64 each, two operations a weight
    assert work.per_token == 2 * 2 * (4 * 32 * 32 + 2 * 32 * 64)
    # two layers: a product of 32 of queries with keys and one with values, two operations each
    assert work.per_pair == 2 * 2 * 2 * 32


def test_attention_grows_with_the_square_of_a_window() -> None:
    assert EncoderWork(per_token=10, per_pair=1).of([2, 3]) == 10 * 5 + 4 + 9
