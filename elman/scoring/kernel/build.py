"""Build: compiles the kernel, when Elman is installed or as a command.

``python -m elman.scoring.kernel.build`` compiles it into the package, for a checkout that is not installed or after a
compiler has been installed. It imports nothing but the standard library: the build hook of the wheel runs this file
before Elman is installed. Each instruction set has a source file and flags of its own. If the compiler does not know
the flags, the library goes without that file; without a compiler, Elman goes without the library.
"""

import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
SOURCES, BUILT = HERE / "source", HERE / "built"
COMMON = ("portable", "strings", "wholes", "score", "answers", "text", "dispatch")

X86 = {"avx2": ("-mavx2", "-mfma"), "avx512": ("-mavx512f",), "vnni": ("-mavx512f", "-mavx512dq", "-mavx512vnni")}
ARM: dict[str, tuple[str, ...]] = {"neon": ()}
"""Instruction sets with a source file of their own, and the flags that it needs."""

FLAGS = ("-std=c11", "-O3", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra", "-Wno-unknown-pragmas")
COMPILERS = ("cc", "gcc", "clang")
SUFFIX = {"darwin": ".dylib", "win32": ".dll"}.get(sys.platform, ".so")
LIBRARY = f"libelman{SUFFIX}"

NOTE = "built.txt"
"""The file beside the library that says in one line how it was built, or why it was not."""

SECONDS = 300
"""The most that one run of the compiler may take."""


class BuildError(Exception):
    """The kernel was not compiled; the message says why."""


def hash_sources() -> str:
    """Return a hash of the sources, which the library repeats: a test compares the two."""
    total = hashlib.sha256()
    for path in sorted(SOURCES.iterdir()):
        total.update(path.name.encode() + path.read_bytes())
    return total.hexdigest()[:16]


def find_compiler() -> list[str]:
    """Return the command of the C compiler: the variable ``CC``, or the first one that is found.

    Raises:
        BuildError: no compiler is found.
    """
    if command := shlex.split(os.environ.get("CC", "")):
        return command
    for name in COMPILERS:
        if path := shutil.which(name):
            return [path]
    raise BuildError(f"no C compiler was found ({', '.join(COMPILERS)})")


def list_sets() -> dict[str, tuple[str, ...]]:
    """Return the instruction sets to compile for this machine beside the portable one, and their flags."""
    machine = platform.machine().lower()
    if machine in ("x86_64", "amd64"):
        return X86
    return ARM if machine in ("arm64", "aarch64") else {}


def build(folder: Path, flags: Sequence[str] = ()) -> Path:
    """Compile the kernel and return the path of the library; a note beside it says how.

    Args:
        folder: where to write both.
        flags: for the compiler, beside `FLAGS`.

    Raises:
        BuildError: there is no compiler, or it fails.
    """
    compiler = find_compiler()
    with tempfile.TemporaryDirectory() as scratch:
        objects, sets = [], []
        for name, own in list_sets().items():
            try:
                objects.append(_compile(compiler, name, Path(scratch), (*own, *flags)))
                sets.append(name)
            except BuildError:  # an older compiler: the others are enough
                continue
        defined = [f"-DELMAN_{name.upper()}" for name in sets] + [f'-DELMAN_SOURCES="{hash_sources()}"']
        objects += [_compile(compiler, name, Path(scratch), (*defined, *flags)) for name in COMMON]
        library = Path(scratch) / LIBRARY
        _run([*compiler, "-shared", *flags, "-o", str(library), *map(str, objects), "-lm"])
        folder.mkdir(parents=True, exist_ok=True)
        finished = folder / LIBRARY
        shutil.copy(library, finished.with_suffix(".new"))
        finished.with_suffix(".new").replace(finished)  # a process that has loaded the old one keeps it
    _write_note(folder, f"compiled by {_describe(compiler)} for {', '.join([*sets, 'portable'])}")
    return finished


def build_if_possible(folder: Path) -> Path | None:
    """Compile the kernel as `build` does; if that fails, the note says why, and the result is None.

    The variable ``ELMAN_BUILD_KERNEL`` can be ``no``, for no library, or ``require``, so that a failure is an error.
    """
    wanted = os.environ.get("ELMAN_BUILD_KERNEL", "try")
    try:
        if wanted == "no":
            raise BuildError("ELMAN_BUILD_KERNEL was no")
        return build(folder)
    except BuildError as error:
        if wanted == "require":
            raise
        _write_note(folder, f"not compiled when Elman was installed: {error}")
        return None


def _compile(compiler: Sequence[str], name: str, scratch: Path, flags: Sequence[str]) -> Path:
    target = scratch / f"{name}.o"
    _run([*compiler, *FLAGS, *flags, "-c", str(SOURCES / f"{name}.c"), "-o", str(target)])
    return target


def _run(command: Sequence[str]) -> str:
    """Run the compiler and return what it prints."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildError(f"{command[0]} failed: {error}") from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
        raise BuildError(f"{command[0]} failed: {next((line for line in lines if 'error' in line), lines[0])}")
    return done.stdout


def _describe(compiler: Sequence[str]) -> str:
    lines = _run([*compiler, "--version"]).splitlines()
    return lines[0].strip() if lines else compiler[0]


def _write_note(folder: Path, line: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NOTE).write_text(f"{line}\n", encoding="utf-8")


if __name__ == "__main__":
    try:
        print(build(BUILT))
    except BuildError as error:
        sys.exit(f"the kernel was not compiled: {error}")
