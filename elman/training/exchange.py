"""The exchange of gradients between processes, through memory that they share or by messages.

Gloo sends messages through the network stack, even on one machine: two processes on two cores spent a third of each
step on that. So each process of one machine writes to a place of its own in memory that all of them see, and Gloo only
says when all have written.
"""

import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import torch
import torch.distributed as distributed
from torch import Tensor, nn

from elman.checks import count_of

CHUNK = 1 << 23
"""Bytes that a process writes at once; more is written in turns."""

COUNT = 8
"""Bytes before them, which say how many bytes there are in all."""

FOLDER = Path("/dev/shm")  # noqa: S108 - memory, where Linux has it; no name in it can be guessed
"""Files here never reach a disk. Where it is missing or full, the folder for temporary files does."""


Rows = tuple[Tensor, Tensor]
"""The numbers of the rows of a table that a batch changes, (N,), int64, and their gradients, (N, D)."""


class SharedMemory:
    """Two places for each process, used in turns, so that nobody writes where another still reads.

    Args:
        rank: the number of this process.
        size: how many processes there are, all on this machine, and joined by Gloo.
        chunk: bytes of a place, the same for all; a multiple of 8.

    Raises:
        OSError: there is no room for it; in all processes.
    """

    def __init__(self, rank: int, size: int, chunk: int = CHUNK) -> None:
        self.rank, self.chunk, self._turn = rank, chunk, 0
        whole = 2 * size * (COUNT + chunk)
        names: list[str | None] = [_make_file(whole) if rank == 0 else None]
        distributed.broadcast_object_list(names)
        if names[0] is None:
            raise OSError(f"no room for {count_of(whole, 'byte')} that processes share")
        memory = torch.from_file(names[0], shared=True, size=whole, dtype=torch.uint8)
        self._places = memory.view(2, size, COUNT + chunk)
        distributed.barrier()
        if rank == 0:
            with suppress(OSError):  # some systems keep files that are in use
                Path(names[0]).unlink()  # the memory goes with the last process, however that ends

    def gather(self, numbers: Tensor, values: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Return the numbers and values of all processes, in their order; good until the call after the next.

        Args:
            numbers: of this process, int64, (N,).
            values: float32, (M,).
        """
        head = torch.tensor([len(numbers)])
        found = self._exchange(torch.cat([part.view(torch.uint8) for part in (head, numbers, values)]))
        ends = [8 + 8 * int(one[:8].view(torch.int64)) for one in found]
        return [
            (one[8:end].view(torch.int64), one[end:].view(torch.float32)) for one, end in zip(found, ends, strict=True)
        ]

    def _exchange(self, own: Tensor) -> list[Tensor]:
        """Return the bytes of all processes."""
        start = 0
        gathered: list[list[Tensor]] = [[] for _ in self._places[0]]
        while True:
            places = self._places[self._turn % 2]
            self._turn += 1
            piece = own[start : start + self.chunk]
            places[self.rank, :COUNT].view(torch.int64)[0] = len(own)
            places[self.rank, COUNT : COUNT + len(piece)] = piece
            distributed.barrier()
            counts = [int(place[:COUNT].view(torch.int64)) for place in places]
            for pieces, place, count in zip(gathered, places, counts, strict=True):
                there = place[COUNT : COUNT + max(0, min(self.chunk, count - start))]
                pieces.append(there if max(counts) <= self.chunk else there.clone())
            start += self.chunk
            if start >= max(counts):
                return [pieces[0] if len(pieces) == 1 else torch.cat(pieces) for pieces in gathered]


def rows_of(table: nn.Parameter) -> Rows:
    """Return the sparse gradient of a table, each row once."""
    if table.grad is None:
        return torch.empty(0, dtype=torch.int64, device=table.device), table.new_empty(0, table.shape[1])
    own = table.grad.coalesce()
    return own.indices()[0], own.values()


def add_near(joint: Tensor, own: list[Rows], memory: SharedMemory) -> tuple[Tensor, list[Rows]]:
    """Return the sum of the dense gradients of all processes, and all rows of theirs, through shared memory."""
    counts = torch.tensor([len(numbers) for numbers, _ in own])
    numbers = torch.cat([counts, *(numbers for numbers, _ in own)])
    found = memory.gather(numbers, torch.cat([joint, *(values.flatten() for _, values in own)]))
    total, theirs = torch.zeros_like(joint), []
    for numbers, values in found:
        dense, rest = values[: len(joint)], values[len(joint) :]
        total += dense
        sizes = numbers[: len(own)].tolist()
        widths = [values.shape[1] for _, values in own]
        parts = torch.split(rest, [size * width for size, width in zip(sizes, widths, strict=True)])
        rows = [part.view(-1, width) for part, width in zip(parts, widths, strict=True)]
        theirs.append(list(zip(torch.split(numbers[len(own) :], sizes), rows, strict=True)))
    return total, [_join(rows) for rows in zip(*theirs, strict=True)]


def add_afar(joint: Tensor, own: list[Rows], size: int) -> tuple[Tensor, list[Rows]]:
    """Return the same by messages between the processes, which can be on several machines or GPUs."""
    distributed.all_reduce(joint)
    gathered: list[Rows] = []
    for numbers, values in own:
        counts = [torch.zeros(1, dtype=torch.int64, device=numbers.device) for _ in range(size)]
        distributed.all_gather(counts, torch.tensor([len(numbers)], device=numbers.device))
        most = int(max(counts))
        padded = numbers.new_zeros(most), values.new_zeros(most, values.shape[1])
        for part, mine in zip(padded, (numbers, values), strict=True):
            part[: len(mine)] = mine
        all_numbers, all_values = ([torch.empty_like(part) for _ in range(size)] for part in padded)
        distributed.all_gather(all_numbers, padded[0])
        distributed.all_gather(all_values, padded[1])
        rows = zip(all_numbers, all_values, counts, strict=True)
        gathered.append(_join([(numbers[: int(count)], values[: int(count)]) for numbers, values, count in rows]))
    return joint, gathered


def _make_file(size: int) -> str | None:
    """Make a file that only this user can read, in memory if the system has room there; None if there is no room."""
    for folder in (FOLDER, Path(tempfile.gettempdir())):
        with suppress(OSError):
            handle, name = tempfile.mkstemp(prefix="elman-", dir=folder)
            try:
                with open(handle, "wb") as file:
                    file.write(bytes(size))  # memory that is missing is an error now, and no signal later
            except OSError:
                Path(name).unlink()
                raise
            return name
    return None


def _join(rows: Sequence[Rows]) -> Rows:
    """Return the rows of all processes in one; a row can be there once for each."""
    return torch.cat([numbers for numbers, _ in rows]), torch.cat([values for _, values in rows])
