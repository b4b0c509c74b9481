"""The kernel is compiled where a compiler is; where it is not, the note says why."""

import shutil

import pytest

from elman.scoring.kernel import build as building
from elman.scoring.kernel import library
from elman.scoring.kernel.build import BuildError, build, build_if_possible
from elman.scoring.kernel.library import Library

needs_compiler = pytest.mark.skipif(not any(map(shutil.which, building.COMPILERS)), reason="there is no C compiler")


@needs_compiler
def test_a_compiled_library_can_be_loaded_and_says_how_it_was_made(tmp_path):
    found = Library(build(tmp_path, ["-O0"]))
    assert found.sources == building.hash_sources() and "portable" in found.routines
    assert (tmp_path / building.NOTE).read_text().startswith("compiled by ")
    assert not list(tmp_path.glob("*.new"))


@needs_compiler
def test_a_compiler_without_the_flags_of_an_instruction_set_leaves_it_out(tmp_path, monkeypatch):
    monkeypatch.setattr(building, "X86", {"avx2": ("-mno-such-flag",)})
    monkeypatch.setattr(building, "ARM", {"neon": ("-mno-such-flag",)})
    assert list(Library(build(tmp_path, ["-O0"])).routines) == ["portable"]


def test_without_a_compiler_the_note_says_so(tmp_path, monkeypatch):
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(building, "COMPILERS", ("no-such-compiler",))
    assert build_if_possible(tmp_path) is None
    line = "not compiled when Elman was installed: no C compiler was found (no-such-compiler)\n"
    assert (tmp_path / building.NOTE).read_text() == line


def test_a_compiler_that_fails_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("CC", "false")
    assert build_if_possible(tmp_path) is None
    assert "false failed: status 1" in (tmp_path / building.NOTE).read_text()
    monkeypatch.setenv("ELMAN_BUILD_KERNEL", "require")
    with pytest.raises(BuildError, match="false failed"):
        build_if_possible(tmp_path)


def test_the_kernel_can_be_left_out(tmp_path, monkeypatch):
    monkeypatch.setenv("ELMAN_BUILD_KERNEL", "no")
    assert build_if_possible(tmp_path) is None


def test_the_loader_looks_where_the_build_writes():
    assert (building.BUILT / building.LIBRARY, building.BUILT / building.NOTE) == (library.LIBRARY, library.NOTE)
