"""Running averages of weights, which cost as much as the weights that change."""

import math

import torch
from torch import Tensor, nn

Weights = dict[str, Tensor]

LOGS = "logs."
"""Begins the names of what `RunningAverage.tensors` holds beside the averages."""


class RunningAverage:
    """The exponential running average of the weights of a network.

    Rows of tables whose gradients are sparse are brought up to date when they change: until then they are constant, so
    the average moves towards them by the product of the decays of all steps in between.

    Args:
        model: the network; its weights at this time are where the averages start.
        tables: names of parameters that change row by row.
        decay: 0 up to 1; early steps use less, to forget the first random weights faster.
    """

    def __init__(self, model: nn.Module, tables: tuple[str, ...], decay: float) -> None:
        self._model, self._tables, self._decay = model, tables, decay
        weights = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
        self.tensors: Weights = weights | {LOGS + name: torch.zeros(len(weights[name]), 1) for name in tables}
        self.tensors[LOGS] = torch.zeros((), dtype=torch.float64)  # the sum of the logarithms of all decays

    @torch.no_grad()
    def before_step(self) -> None:
        """Bring rows up to date that the next step of the optimiser changes: those with a gradient."""
        for name, table in self._model.named_parameters():
            if name in self._tables and table.grad is not None:
                self._catch_up(name, table, table.grad.coalesce().indices()[0])

    @torch.no_grad()
    def after_step(self, step: int) -> None:
        """Move the averages towards the weights.

        Args:
            step: of the run, from 1.
        """
        decay = min(self._decay, (1 + step) / (10 + step))
        for name, tensor in self._model.state_dict().items():
            if tensor.is_floating_point() and name not in self._tables:
                self.tensors[name].lerp_(tensor, 1 - decay)
        self.tensors[LOGS] += math.log(decay)

    @torch.no_grad()
    def weights(self) -> Weights:
        """Return the averages now."""
        now = self._model.state_dict()
        averages = {name: self.tensors[name] for name in now}
        for name in self._tables:
            averages[name] = now[name].lerp(self.tensors[name], self._factor(name, slice(None)))
        return averages

    def _catch_up(self, name: str, table: Tensor, rows: Tensor) -> None:
        average = self.tensors[name]
        average[rows] = table[rows].lerp(average[rows], self._factor(name, rows))
        self.tensors[LOGS + name][rows] = self.tensors[LOGS].float()

    def _factor(self, name: str, rows: Tensor | slice) -> Tensor:
        """Return what is left of the averages of rows since they were brought up to date, (n, 1)."""
        return (self.tensors[LOGS].float() - self.tensors[LOGS + name][rows]).exp()
