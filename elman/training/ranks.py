"""Ranks: several processes that train one network together, each on its share of every batch.

`torchrun` starts them (`torchrun --nproc-per-node 2 -m elman train …`). Each draws the same batches and reads its own
share of the examples; the gradients are added up, so that every process takes the step that one process would take on
the whole batch. A process whose share is empty, because a batch has fewer examples than there are processes, adds
nothing and takes the step too.
"""

import os
from collections.abc import Iterable
from datetime import timedelta

import numpy as np
import torch
import torch.distributed as distributed
from torch import Tensor, nn

from elman.data.batches import Batch
from elman.errors import SettingError, TrainingError

VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
"""What torchrun tells the processes that it starts."""

LONGEST_WAIT = timedelta(days=1)
"""How long a process waits for another: the first alone writes the shards of data that are streamed."""


def choose_device(name: str, local: int = 0) -> torch.device:
    """Return where a training computes.

    Args:
        name: ``cpu``, ``cuda`` or ``mps``; ``auto`` is a GPU that CUDA can use, or the processor.
        local: the number of this process on its machine, which has a GPU of its own.

    Raises:
        SettingError: there is no such device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise SettingError("this torch can use no GPU of CUDA; leave --device out, or install torch for CUDA")
    if name == "mps" and not torch.backends.mps.is_available():
        raise SettingError("this torch can use no GPU of Apple; leave --device out")
    return torch.device(name, local % torch.cuda.device_count()) if name == "cuda" else torch.device(name)


def start_ranks(device: str | None = None) -> "Ranks":
    """Return the processes that torchrun started, once all of them run; without torchrun, this one alone.

    Args:
        device: as `choose_device` takes it; None: ``auto``.

    Raises:
        SettingError: there is no such device, or the environment says too little of the processes.
    """
    ranks = Ranks.of_environment()
    if ranks.size > 1:
        ranks.start(choose_device(device or "auto", ranks.local))
    return ranks


class Ranks:
    """The processes of a training, and which of them this is.

    Args:
        rank: the number of this process, from 0.
        size: how many processes there are.
        local: the number of this process on its machine, from 0.
    """

    def __init__(self, rank: int = 0, size: int = 1, local: int = 0) -> None:
        self.rank, self.size, self.local = rank, size, local

    @classmethod
    def of_environment(cls) -> "Ranks":
        """Return what torchrun says of this process; a single process without it.

        Raises:
            SettingError: the environment says it in part.
        """
        if "RANK" not in os.environ or "WORLD_SIZE" not in os.environ:
            return cls()
        try:
            rank, size, local = (int(os.environ.get(name, "0")) for name in VARIABLES[:3])
        except ValueError:
            raise SettingError(
                f"{', '.join(VARIABLES[:3])} must be numbers; start with torchrun, or unset them"
            ) from None
        return cls(rank, size, local)

    @property
    def is_first(self) -> bool:
        """Whether this process writes the files and the messages."""
        return self.rank == 0

    def start(self, device: torch.device) -> None:
        """Wait until all processes run.

        Args:
            device: where this process computes: NCCL joins GPUs, Gloo all others.

        Raises:
            SettingError: the environment lacks what they need to find each other.
        """
        if self.size == 1 or distributed.is_initialized():
            return
        if missing := [name for name in VARIABLES if name not in os.environ]:
            raise SettingError(f"{', '.join(missing)} is not set; start several processes with torchrun")
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=LONGEST_WAIT)

    def wait(self) -> None:
        """Wait until all processes are here.

        Raises:
            TrainingError: another one has stopped.
        """
        if self.size > 1:
            try:
                distributed.barrier()
            except RuntimeError:
                raise TrainingError("another process of this training has stopped; see what it says") from None

    def stop(self) -> None:
        """Leave the others."""
        if self.size > 1 and distributed.is_initialized():
            distributed.destroy_process_group()

    def seed(self, seed: int, step: int) -> None:
        """Give each process dropout of its own, which depends on nothing but the seed and the step."""
        if self.size > 1:
            torch.manual_seed(int(np.random.SeedSequence([seed, step, self.rank]).generate_state(1)[0]))

    def share(self, batch: Batch) -> Batch:
        """Return the part of a batch that this process reads, which can be empty."""
        if self.size == 1:
            return batch
        mine = slice(self.rank, None, self.size)
        return Batch(batch.inputs[:, mine], batch.targets[..., mine], batch.weights[mine], batch.positions[mine])

    def add(self, values: Iterable[float], device: torch.device) -> list[float]:
        """Return the sums of some numbers over all processes."""
        if self.size == 1:
            return list(values)
        sums = torch.tensor(list(values), dtype=torch.float64 if device.type == "cpu" else torch.float32, device=device)
        distributed.all_reduce(sums)
        return [float(value) for value in sums]

    def add_gradients(self, model: nn.Module, tables: Iterable[str]) -> None:
        """Give every process the sums of the gradients of all.

        Args:
            model: whose parameters have gradients; a missing one counts as zero.
            tables: names of parameters with sparse gradients.
        """
        if self.size == 1:
            return
        tables = set(tables)
        dense = [parameter for name, parameter in model.named_parameters() if name not in tables]
        gradients = [torch.zeros_like(one) if one.grad is None else one.grad for one in dense]
        joint = torch.cat([gradient.flatten() for gradient in gradients])
        distributed.all_reduce(joint)
        for one, total in zip(dense, torch.split(joint, [one.numel() for one in dense]), strict=True):
            one.grad = total.view_as(one)
        for name, table in model.named_parameters():
            if name in tables:
                table.grad = self._add_rows(table)

    def _add_rows(self, table: nn.Parameter) -> Tensor:
        """Return the sum of the sparse gradients of a table."""
        own = table.grad
        if own is None:
            rows, values = torch.empty(0, dtype=torch.int64, device=table.device), table.new_empty(0, table.shape[1])
        else:
            own = own.coalesce()
            rows, values = own.indices()[0], own.values()
        counts = [torch.zeros(1, dtype=torch.int64, device=table.device) for _ in range(self.size)]
        distributed.all_gather(counts, torch.tensor([len(rows)], device=table.device))
        most = int(max(counts))
        padded_rows, padded_values = rows.new_zeros(most), values.new_zeros(most, values.shape[1])
        padded_rows[: len(rows)], padded_values[: len(rows)] = rows, values
        all_rows = [torch.empty_like(padded_rows) for _ in range(self.size)]
        all_values = [torch.empty_like(padded_values) for _ in range(self.size)]
        distributed.all_gather(all_rows, padded_rows)
        distributed.all_gather(all_values, padded_values)
        joint_rows = torch.cat([found[: int(count)] for found, count in zip(all_rows, counts, strict=True)])
        joint_values = torch.cat([found[: int(count)] for found, count in zip(all_values, counts, strict=True)])
        joint = torch.sparse_coo_tensor(joint_rows[None], joint_values, table.shape, check_invariants=False)
        return joint.coalesce()
