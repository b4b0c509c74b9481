"""Rows: tables of which a batch reads a few rows, and an optimiser that updates these rows alone.

A step then costs the same however many rows a table has.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

Closure = Callable[[], float]

LARGE = 2**20
"""Tables of fewer numbers change as a whole: that takes little time, and Adam's first moment makes a bag of few labels
a little more accurate (`benchmarks/accuracy.py`)."""


def look_up(table: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Return the rows of a table that a batch reads, each once; the gradient of the table is sparse.

    Args:
        table: (rows, R), float.
        rows: the rows to read, of any shape, int64.

    Returns:
        The different rows, (n, R), and the place of each of ``rows`` among them, of the shape of ``rows``.
    """
    distinct, places = torch.unique(rows, return_inverse=True)
    found: Tensor = _LookUp.apply(table, distinct)  # type: ignore[no-untyped-call]
    return found, places


class _LookUp(torch.autograd.Function):
    """Selects rows of a table, each at most once, in rising order."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, rows: Tensor) -> Tensor:
        ctx.save_for_backward(rows)
        ctx.shape = table.shape
        return table[rows]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (rows,) = ctx.saved_tensors
        sparse = torch.sparse_coo_tensor(rows[None], gradient, ctx.shape, is_coalesced=True, check_invariants=False)
        return sparse, None


class RowAdam(torch.optim.Optimizer):
    """Adam (D. P. Kingma and J. Ba, 2015) for sparse gradients: only rows with a gradient change.

    The second moment is one number for each row, the mean over its columns, as in FBGEMM's row-wise optimisers: rare
    rows, whose columns have seen few gradients, are estimated better. There is no first moment: it would be old by the
    time that a rare row of many is read again. So a table needs little memory beside its own. Weight decay is decoupled
    (I. Loshchilov and F. Hutter, 2019) and counts for a row when it changes.

    Args:
        tables: parameters with sparse gradients, (rows, R).
        lr: learning rate, above 0.
        beta: decay of the second moment at each step, 0 up to 1.
        eps: added to the root of the second moment.
        weight_decay: at least 0.
    """

    def __init__(
        self, tables: Any, lr: float = 1e-3, beta: float = 0.99, eps: float = 1e-8, weight_decay: float = 0.0
    ) -> None:
        super().__init__(tables, {"lr": lr, "beta": beta, "eps": eps, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Closure | None = None) -> None:  # type: ignore[override]
        """Change the rows that have a gradient."""
        del closure
        for group in self.param_groups:
            for table in group["params"]:
                if table.grad is not None:
                    self._change(table, group)

    def _change(self, table: Tensor, group: dict[str, Any]) -> None:
        state = self.state[table]
        if not state:
            state["step"] = torch.zeros(())
            state["exp_avg_sq"] = table.new_zeros(len(table), 1)
        state["step"] += 1
        gradient = table.grad.coalesce()  # type: ignore[union-attr]
        rows, values = gradient.indices()[0], gradient.values()
        square = state["exp_avg_sq"][rows].lerp_(values.square().mean(1, keepdim=True), 1 - group["beta"])
        state["exp_avg_sq"][rows] = square
        change = values / (square / (1 - group["beta"] ** state["step"].item())).sqrt_().add_(group["eps"])
        if group["weight_decay"]:
            change += group["weight_decay"] * table[rows]
        table.index_add_(0, rows, change, alpha=-group["lr"])
