"""``elman system``: versions, cores and routines, for reports of problems."""

import json
import subprocess
import sys

from elman.version import __version__


def test_versions_cores_and_routines_are_printed(elman_here):
    done = elman_here("system")
    assert done.status == 0
    assert done.out.startswith(f"elman            {__version__}\n")
    for name in ("cores", "numpy", "torch", "matrix products", "advice"):
        assert f"\n{name}" in done.out


def test_json_contains_the_same(elman_here):
    facts = json.loads(elman_here("system", "--json").out)
    assert facts["elman"] == __version__ and facts["cores"] >= 1
    assert all(str(value) in elman_here("system").out for value in facts.values())


def test_the_command_line_does_not_import_numpy_before_routines_are_chosen():
    code = "import sys, elman.cli; print('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
