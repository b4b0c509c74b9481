"""The pool of buffers: memory is used again once no tensor refers to it, and no earlier."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from elman.cells.passes import BufferPool
from elman.cells.passes.buffers import LARGE

COUNT = LARGE // 4  # float32 numbers of the smallest buffer that is pooled
LIKE = torch.empty(0)


@pytest.fixture
def pool():
    return BufferPool()


def addresses(pool, count):
    """Return the addresses of some buffers that are in use at the same time."""
    buffers = [pool.take("a", LIKE, COUNT) for _ in range(count)]
    return {buffer.data_ptr() for buffer in buffers}


def test_a_buffer_has_the_shape_type_and_alignment_that_torch_gives(pool):
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        buffer = pool.take("a", LIKE.to(dtype), 3, COUNT)
        assert (buffer.shape, buffer.dtype, buffer.is_contiguous()) == ((3, COUNT), dtype, True)
        assert buffer.data_ptr() % 64 == 0


def test_memory_is_used_again(pool):
    first = addresses(pool, 2)
    assert len(first) == 2
    assert addresses(pool, 2) == first


@pytest.mark.parametrize("view", [lambda t: t[1:], torch.detach, lambda t: t.view(torch.int32), lambda t: t.data])
def test_memory_is_in_use_while_a_view_exists(pool, view):
    seen = view(pool.take("a", LIKE, COUNT).fill_(1.0))
    before = seen.clone()
    pool.take("a", LIKE, COUNT).fill_(2.0)
    assert torch.equal(seen, before)


def test_a_shorter_buffer_keeps_the_memory_of_a_longer_one(pool):
    long = pool.take("a", LIKE, 2 * COUNT).data_ptr()
    assert pool.take("a", LIKE, COUNT).data_ptr() == long
    assert pool.take("a", LIKE, 2 * COUNT).data_ptr() == long
    assert pool.take("a", LIKE, 3 * COUNT).shape == (3 * COUNT,)


def test_names_do_not_share_memory(pool):
    address = pool.take("a", LIKE, COUNT).data_ptr()
    assert pool.take("b", LIKE, COUNT).data_ptr() != address


def test_a_buffer_of_inference_mode_is_an_ordinary_one_afterwards(pool):
    with torch.inference_mode():
        address = pool.take("a", LIKE, COUNT).fill_(1.0).data_ptr()
    after = pool.take("a", LIKE, COUNT)
    assert after.data_ptr() == address and not after.is_inference()


@pytest.mark.parametrize("shape", [(0,), (3, 0), (2, 5)])
def test_a_small_buffer_is_not_pooled(pool, shape):
    assert pool.take("a", LIKE, *shape).shape == shape
    assert not any(pool._free.values())


def test_memory_of_another_device_is_not_pooled(pool):
    assert pool.take("a", torch.empty(0, device="meta"), COUNT).device.type == "meta"


def test_threads_never_get_the_same_memory(pool):
    def work(number):
        for _ in range(300):
            buffer = pool.take("a", LIKE, COUNT).fill_(number)
            if not (buffer == number).all():
                return False
        return True

    with ThreadPoolExecutor(3) as threads:
        assert all(threads.map(work, range(3)))
    assert len(pool._free["a"]) <= 6  # each thread takes its next buffer while it still refers to the one before


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda pool: pickle.loads(pickle.dumps(pool))])
def test_a_copy_starts_empty(pool, copied):
    assert addresses(pool, 1)
    assert copied(pool)._free == {}
