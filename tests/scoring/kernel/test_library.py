"""Which kernel runs, and why; a library that cannot be used never stops Elman."""

import shutil
import subprocess
import sys

import pytest

import elman
from elman.errors import SettingError
from elman.scoring.kernel import library
from elman.scoring.kernel.build import hash_sources
from elman.scoring.kernel.library import KERNEL, LIBRARY, OTHER_LIBRARY, SHORT, Library, choose_kernel, open_library

needs_library = pytest.mark.skipif(not isinstance(open_library(), Library), reason="the kernel is not compiled")


@pytest.fixture(autouse=True)
def unset(monkeypatch):
    monkeypatch.delenv(KERNEL, raising=False)


@needs_library
def test_the_compiled_kernel_runs_if_there_is_one():
    choice = choose_kernel()
    assert (choice.kernel, choice.routines) == ("native", next(iter(open_library().routines)))
    assert str(choice).startswith(f"native ({choice.routines}, float32 products): ")


@needs_library
def test_the_library_was_compiled_from_these_sources():
    assert open_library().sources == hash_sources()


def test_numpy_runs_if_it_is_asked_for(monkeypatch):
    monkeypatch.setenv(KERNEL, "numpy")
    assert str(choose_kernel()) == "numpy: ELMAN_KERNEL is set"


@needs_library
def test_every_instruction_set_can_be_asked_for(monkeypatch):
    assert "portable" in open_library().routines
    for name in open_library().routines:
        monkeypatch.setenv(KERNEL, f"native:{name}")
        assert choose_kernel().routines == name
        assert ("16-bit products" if name in SHORT else "float32 products") in str(choose_kernel())


@pytest.mark.parametrize("wanted", ["fast", "numpy:avx2", ":avx2", "native:mmx"])
def test_a_kernel_that_does_not_exist_is_refused(monkeypatch, wanted):
    monkeypatch.setenv(KERNEL, wanted)
    with pytest.raises(SettingError, match=f"{KERNEL} (must be|is native)"):
        choose_kernel()


def test_without_a_library_numpy_runs_and_says_why(monkeypatch, tmp_path):
    monkeypatch.setattr(library, "LIBRARY", tmp_path / "missing.so")
    monkeypatch.setattr(library, "NOTE", tmp_path / "built.txt")
    assert "python -m elman.scoring.kernel.build compiles it" in str(choose_kernel())
    (tmp_path / "built.txt").write_text("not compiled when Elman was installed: no C compiler was found\n")
    library._open.cache_clear()
    assert str(choose_kernel()) == "numpy: not compiled when Elman was installed: no C compiler was found"
    monkeypatch.setenv(KERNEL, "native")
    with pytest.raises(SettingError, match="there is no compiled kernel: not compiled when"):
        choose_kernel()


def test_a_library_that_is_named_but_missing_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv(OTHER_LIBRARY, str(tmp_path / "missing.so"))
    assert str(choose_kernel()) == "numpy: ELMAN_KERNEL_LIBRARY is set, but there is no such file"


def test_a_file_that_is_no_library_is_not_used(monkeypatch, tmp_path):
    (tmp_path / "broken.so").write_bytes(b"not a library")
    monkeypatch.setenv(OTHER_LIBRARY, str(tmp_path / "broken.so"))
    assert "the library cannot be loaded" in str(choose_kernel())


@needs_library
def test_a_library_of_another_version_is_not_used(monkeypatch, tmp_path):
    shutil.copy(LIBRARY, tmp_path / "old.so")
    monkeypatch.setattr(library, "ABI", library.ABI + 1)
    monkeypatch.setenv(OTHER_LIBRARY, str(tmp_path / "old.so"))
    assert "compile it again" in str(choose_kernel())


def test_the_system_names_the_kernel():
    assert elman.system()["scoring kernel"] == str(choose_kernel())


@pytest.mark.parametrize("model", ["languages", "origins"])
def test_an_answer_is_the_same_on_every_kernel(monkeypatch, kernel, model):
    found = elman.load(model).predict("Nakamura")
    monkeypatch.setenv(KERNEL, "numpy")
    expected = elman.load(model).predict("Nakamura")
    assert found.label == expected.label == "Japanese"
    assert found.probability == pytest.approx(expected.probability, abs=1e-5)


def test_choosing_a_kernel_compiles_nothing():
    code = "import sys, elman.scoring.kernel.library; print('elman.scoring.kernel.build' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
