"""Attention: at each step of a decoder, a weighted mean of what an encoder wrote, with weights that the state chooses.

Without it, one state must hold the whole source. With it, the decoder reads again, at each step, the positions of the
source that matter for the next symbol. A score says how well a state s and the memory h of a position fit; the two
kinds differ in nothing else. Both work on plain tensors: (B, …) for B sequences of one length T.
"""

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from elman.errors import SettingError

ATTENTIONS = ("additive", "dot")


class Attention(nn.Module, ABC):
    """Weights over the positions of a source, and the mean of its memory under them.

    Args:
        query_size: Q, numbers of a decoder's state s.
        memory_size: M, numbers of an encoder's output h at one position.
        size: K, numbers of a key, on which state and memory are compared.
    """

    def __init__(self, query_size: int, memory_size: int, size: int) -> None:
        super().__init__()
        self.key = _draw_matrix(size, memory_size)

    def keys(self, memory: Tensor) -> Tensor:
        """Return U h_j of each position, (B, T, K), from the memory, (B, T, M): once for each source."""
        return linear(memory, self.key)

    @abstractmethod
    def scores(self, query: Tensor, keys: Tensor) -> Tensor:
        """Return how well a state, (B, Q), fits each position, (B, T), given the keys, (B, T, K)."""

    def forward(self, query: Tensor, keys: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Read the memory for one step of the decoder.

        Args:
            query: s, the state of the decoder, (B, Q).
            keys: of `keys`, (B, T, K).
            memory: h, the outputs of the encoder, (B, T, M).

        Returns:
            The context, (B, M), and the weights, (B, T), which are at least 0 and sum to 1.
        """
        # e_j = score(s, h_j)
        scores = self.scores(query, keys)
        # α_j = exp(e_j) / Σ_k exp(e_k)
        weights = scores.softmax(1)
        # c = Σ_j α_j h_j
        return (weights[:, :, None] * memory).sum(1), weights


class AdditiveAttention(Attention):
    """A small network compares state and memory.

    Source: D. Bahdanau, K. Cho and Y. Bengio, "Neural machine translation by jointly learning to align and translate",
    ICLR 2015, appendix A.1.2.
    """

    def __init__(self, query_size: int, memory_size: int, size: int) -> None:
        super().__init__(query_size, memory_size, size)
        self.query = _draw_matrix(size, query_size)
        self.vector = nn.Parameter(_draw_matrix(1, size).data[0])

    def scores(self, query: Tensor, keys: Tensor) -> Tensor:
        """Return the scores; shapes as in `Attention.scores`."""
        # e_j = vᵀ tanh(W s + U h_j)
        return (linear(query, self.query)[:, None] + keys).tanh() @ self.vector


class DotAttention(Attention):
    """The product of state and memory, which a matrix brings to the size of the state: K = Q.

    Source: M.-T. Luong, H. Pham and C. D. Manning, "Effective approaches to attention-based neural machine
    translation", EMNLP 2015, section 3.1, its score "general"; the root keeps scores from growing with the size, as in
    A. Vaswani et al., "Attention is all you need", 2017, section 3.2.1.
    """

    def __init__(self, query_size: int, memory_size: int) -> None:
        super().__init__(query_size, memory_size, query_size)

    def scores(self, query: Tensor, keys: Tensor) -> Tensor:
        """Return the scores; shapes as in `Attention.scores`."""
        # e_j = sᵀ U h_j / √K
        return (keys @ (query / math.sqrt(keys.shape[2]))[:, :, None])[:, :, 0]


def build_attention(kind: str, query_size: int, memory_size: int, size: int) -> Attention:
    """Return an attention.

    Args:
        kind: one of `ATTENTIONS`.
        query_size: as in `Attention`.
        memory_size: as there.
        size: as there, of ``additive`` alone.

    Raises:
        SettingError: the kind is unknown, or a size is below 1.
    """
    if min(query_size, memory_size, size) < 1:
        raise SettingError(f"attention needs sizes of at least 1; got {query_size}, {memory_size} and {size}")
    match kind:
        case "additive":
            return AdditiveAttention(query_size, memory_size, size)
        case "dot":
            return DotAttention(query_size, memory_size)
        case _:
            raise SettingError(f"attention must be one of {', '.join(ATTENTIONS)}; got {kind!r}")


def _draw_matrix(rows: int, columns: int) -> nn.Parameter:
    """Return a matrix drawn as torch.nn.Linear draws its weight."""
    bound = 1 / math.sqrt(columns)
    return nn.Parameter(torch.empty(rows, columns).uniform_(-bound, bound))
