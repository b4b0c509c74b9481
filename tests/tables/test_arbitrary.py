"""Arbitrary tables are annotated into any format and parse back to what they were."""

import json
import subprocess
import sys
from pathlib import Path

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "tables.py"


def test_two_hundred_arbitrary_tables_parse_back_to_what_they_were():
    command = [sys.executable, "-P", str(BENCHMARK), "--count", "200", "--seed", "7"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert json.loads(done.stdout) == {"tables": 200, "refused": 0, "failures": []}
