"""What an encoder has to multiply and add for messages of given lengths: its linear layers and its attention. Needs torch."""

from collections.abc import Iterable
from dataclasses import dataclass

from torch import nn
from transformers import PreTrainedModel


@dataclass(frozen=True)
class EncoderWork:
    """Multiplications and additions, two for each pair of factors; embeddings, norms and softmax are left out.

    Attributes:
        per_token: Of the linear layers.
        per_pair: Of attention, for each pair of tokens of one window: every layer compares all with all.
    """

    per_token: int
    per_pair: int

    def of(self, lengths: Iterable[int]) -> float:
        """Of windows of so many tokens each."""
        return float(sum(n * self.per_token + n * n * self.per_pair for n in lengths))


def work_of(encoder: PreTrainedModel) -> EncoderWork:
    """Counted from the encoder's layers. The pooler of BERT, which no bundle uses, does not count."""
    linear = [part for name, part in encoder.named_modules() if isinstance(part, nn.Linear) and "pooler" not in name]
    config = encoder.config
    return EncoderWork(
        per_token=2 * sum(part.weight.numel() for part in linear),
        per_pair=4 * config.hidden_size * config.num_hidden_layers,  # queries with keys, then weights with values
    )
