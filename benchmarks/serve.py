"""`elman serve` under load: requests a second, their latency, and how the memory of the service grows.

    python benchmarks/serve.py [--data FOLDER] [--seconds 30] [--connections 32] [--load wrk|python] [--same]

A service with the shipped model runs in a process of its own, and so does the load: connections that stay open, each of
which sends the next request for one name (POST /v1/predict) after each answer. The load is wrk if it is installed,
otherwise one in Python, which uses more of the machine. The names are made up, or with `--data` those of the 18
languages in turn; with `--same` all requests are for one name, whose copies a batch scores once. Memory is measured
after a warm-up of some seconds, and at the end; `--seconds 600` shows whether it grows.
"""

import argparse
import asyncio
import json
import os
import random
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from names import make_up_names

from elman.data.reading import read_named
from elman.scoring.processor import cores

WARM_UP = 5  # seconds
FIRST_BYTES = 50
NAMES = 20_000

WRK = """
local names, at = {}, 0
for line in io.lines(os.getenv("ELMAN_BENCHMARK_NAMES")) do names[#names + 1] = line end
function request()
  at = at % #names + 1
  return wrk.format("POST", "/v1/predict", {["Content-Type"] = "application/json"}, names[at])
end
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('{"requests": %d, "failed": %d, "seconds": %f, "p50": %f, "p99": %f}\\n', summary.requests,
    e.connect + e.read + e.write + e.status + e.timeout, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3))
end
"""


@dataclass(frozen=True)
class Outcome:
    """The result of a load; times are milliseconds."""

    requests: int
    failed: int
    seconds: float
    p50: float
    p99: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a folder that holds the names of the 18 languages")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--load", choices=("wrk", "python"), default="wrk" if shutil.which("wrk") else "python")
    parser.add_argument("--same", action="store_true", help="request one name all the time")
    parser.add_argument("--as-load", metavar="PORT", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.as_load:  # this process is the load
        print(json.dumps(vars(asyncio.run(send_requests(arguments.as_load, arguments.connections, arguments.seconds)))))
        return
    bodies = [json.dumps({"names": name}) for name in (["Nakamura"] if arguments.same else read_names(arguments.data))]
    with tempfile.TemporaryDirectory(prefix="elman-benchmark-") as folder:
        os.environ["ELMAN_BENCHMARK_NAMES"] = str(Path(folder, "bodies.txt"))
        Path(folder, "bodies.txt").write_text("".join(f"{body}\n" for body in bodies), encoding="utf-8")
        Path(folder, "load.lua").write_text(WRK, encoding="utf-8")
        measure(arguments, Path(folder))


def measure(arguments: argparse.Namespace, folder: Path) -> None:
    command = [sys.executable, "-P", "-m", "elman", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as service:
        assert service.stdout is not None
        try:
            port = int(re.search(r":(\d+)$", service.stdout.readline().strip())[1])
            first = [time_first_byte(port) for _ in range(FIRST_BYTES)]
            run_load(arguments, folder, port, WARM_UP)
            before = read_memory(service.pid)
            outcome = run_load(arguments, folder, port, arguments.seconds)
            after = read_memory(service.pid)
        finally:
            service.send_signal(signal.SIGTERM)
            status = service.wait(60)
    how = "one name" if arguments.same else "different names"
    print(f"{arguments.connections} connections, {how}, {arguments.load}, {outcome.seconds:.0f} s, {cores()} cores")
    print(f"requests a second  {outcome.requests / outcome.seconds:8,.0f}")
    print(f"failed             {outcome.failed:8,}")
    print(f"p50                {outcome.p50:8.1f} ms")
    print(f"p99                {outcome.p99:8.1f} ms")
    print(f"memory before      {before:8.1f} MB")
    print(f"memory after       {after:8.1f} MB, {after / before - 1:+.1%}")
    print(f"page, first byte   {statistics.median(first):8.1f} ms, at most {max(first):.1f}")
    print(f"status at the end  {status:8}")


def read_names(folder: Path | None) -> list[str]:
    if folder is not None:
        names = [example.text for example in read_named("languages", folder).examples]
        return random.Random(0).sample(names, len(names))
    return [name for name, _ in make_up_names(NAMES)]


def time_first_byte(port: int) -> float:
    """Return the milliseconds until the first byte of the page on a new connection."""
    started = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert connection.recv(12) == b"HTTP/1.1 200"
        return 1e3 * (time.perf_counter() - started)


def read_memory(process: int) -> float:
    """Return the resident memory of a process, MB."""
    return int(re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())[1]) / 1024


def run_load(arguments: argparse.Namespace, folder: Path, port: int, seconds: int) -> Outcome:
    """Send requests for some seconds, from a process of its own."""
    if arguments.load == "wrk":
        address = f"http://127.0.0.1:{port}"
        connections = ["-t", "1", "-c", str(arguments.connections), "-d", f"{seconds}s", "--timeout", "10s"]
        command = ["wrk", *connections, "-s", str(folder / "load.lua"), address]
    else:
        counts = ["--connections", str(arguments.connections), "--seconds", str(seconds)]
        command = [sys.executable, __file__, "--as-load", str(port), *counts]
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return Outcome(**json.loads(result.stdout.splitlines()[-1]))


async def send_requests(port: int, connections: int, seconds: float) -> Outcome:
    """Send requests on this many connections, on each the next one after each answer."""
    bodies = Path(os.environ["ELMAN_BENCHMARK_NAMES"]).read_text(encoding="utf-8").splitlines()
    head = "POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
    requests = [f"{head}{len(one)}\r\n\r\n{one}".encode() for one in bodies]
    latencies, failed, started = [], 0, time.perf_counter()

    async def send(number: int) -> None:
        nonlocal failed
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        at = number
        while time.perf_counter() < started + seconds:
            sent = time.perf_counter()
            writer.write(requests[at % len(requests)])
            answer = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(re.search(rb"content-length: (\d+)", answer)[1]))
            latencies.append(1e3 * (time.perf_counter() - sent))
            failed += not answer.startswith(b"HTTP/1.1 200")
            at += connections
        writer.close()

    await asyncio.gather(*map(send, range(connections)))
    cuts = statistics.quantiles(latencies, n=100)
    return Outcome(len(latencies), failed, time.perf_counter() - started, cuts[49], cuts[98])


if __name__ == "__main__":
    main()
