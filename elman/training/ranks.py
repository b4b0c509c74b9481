"""Ranks: several processes that train one network together, each on its share of every batch.

`torchrun` starts them (`torchrun --nproc-per-node 2 -m elman train …`). Each draws the same batches and reads its own
share of the examples; the gradients are added up, so that every process takes the step that one process would take on
the whole batch. A process whose share is empty, because a batch has fewer examples than there are processes, adds
nothing and takes the step too.
"""

import os
from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import cached_property

import numpy as np
import torch
import torch.distributed as distributed
from torch import nn

from elman.data.batches import Batch
from elman.errors import SettingError, TrainingError
from elman.training.exchange import SharedMemory, add_afar, add_near, rows_of

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

    @cached_property
    def _memory(self) -> SharedMemory | None:
        """The memory of these processes; None if they must send messages. All of them ask for it at once."""
        is_near = distributed.get_backend() == "gloo" and os.environ.get("LOCAL_WORLD_SIZE") == str(self.size)
        try:
            return SharedMemory(self.rank, self.size) if is_near else None
        except OSError:
            return None

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
        return batch if self.size == 1 else batch.every(self.size, self.rank)

    def add_gradients(
        self, model: nn.Module, tables: Iterable[str], sums: Sequence[float], device: torch.device
    ) -> list[float]:
        """Give every process the sums of the gradients of all, and return the sums of some numbers.

        Args:
            model: whose parameters have gradients; a missing one counts as zero.
            tables: names of parameters with sparse gradients.
            sums: numbers to add up, such as the losses.
            device: where the parameters are.
        """
        if self.size == 1:
            return list(sums)
        tables = set(tables)
        dense = [parameter for name, parameter in model.named_parameters() if name not in tables]
        sparse = [parameter for name, parameter in model.named_parameters() if name in tables]
        gradients = [torch.zeros_like(one) if one.grad is None else one.grad for one in dense]
        joint = torch.cat([*(gradient.flatten() for gradient in gradients), torch.tensor(sums, device=device)])
        own = [rows_of(table) for table in sparse]
        joint, rows = add_near(joint, own, self._memory) if self._memory else add_afar(joint, own, self.size)
        *totals, added = torch.split(joint, [*(one.numel() for one in dense), len(sums)])
        for one, total in zip(dense, totals, strict=True):
            one.grad = total.view_as(one)
        for table, (numbers, values) in zip(sparse, rows, strict=True):
            found = torch.sparse_coo_tensor(numbers[None], values, table.shape, check_invariants=False)
            table.grad = found.coalesce()
        return [float(total) for total in added]
