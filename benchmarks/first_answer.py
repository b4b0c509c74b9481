"""The first answer, cold: `elman predict "Kim Min-jun"` as a whole process, against `python -c "import numpy"`.

    python benchmarks/first_answer.py

Runs alternate; the medians of ten runs each are compared.
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

RUNS = 10


def time_command(command: list[str]) -> float:
    """Run a command and return its seconds."""
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    numpy = [sys.executable, "-P", "-c", "import numpy"]
    elman = [str(Path(sys.executable).with_name("elman")), "predict", "Kim Min-jun"]
    time_command(numpy), time_command(elman)  # once each, so that the disk's cache is warm for both
    pairs = [(time_command(numpy), time_command(elman)) for _ in range(RUNS)]
    floor, answer = (statistics.median(times) for times in zip(*pairs, strict=True))
    print(f"python -c 'import numpy': {floor * 1000:6.0f} ms (median of {RUNS})")
    print(f"elman predict NAME:       {answer * 1000:6.0f} ms")
    print(f"ratio:                    {answer / floor:6.2f}")


if __name__ == "__main__":
    main()
