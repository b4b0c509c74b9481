"""Mutated model files never take much memory or time, and are refused in one line or used."""

import json
import subprocess
import sys
from pathlib import Path

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "mutations.py"


def test_a_few_hundred_mutated_model_files_take_little_memory_and_are_refused_in_one_line():
    command = [sys.executable, "-W", "error", str(BENCHMARK), "--count", "400", "--seed", "12"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    found = json.loads(done.stdout)
    assert (done.returncode, found["failures"], done.stderr) == (0, [], "")
    assert found["largest_growth_mebibytes"] <= 256
    assert found["refused"] > 250 and found["read"] > 10
