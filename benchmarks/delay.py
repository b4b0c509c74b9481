"""How long a small request to `elman serve` waits beside the largest work that the limits allow.

    python benchmarks/delay.py [--seconds 10] [--loads LOAD,...] [--model MODEL]

A service with the shipped model runs as a process of its own, and so does the load, which sends one kind of large
request after another without a pause. Meanwhile one name is sent every 20 ms, and timed from the request to its
answer. The statuses of the load are printed too: where the service refuses it, the refusal is what is measured.

The loads: nothing; ligatures (1 MiB of names of U+FDFA, which normalisation writes as 18 characters each) and
ligatures-allowed (as many as a request may hold); letters (490 names of 200 letters); list (1,000 names of eight
letters); fields (1 MiB of unknown fields); explain (a name of 200 letters, on eight connections); table (300,000 rows
of CSV), table-letters (names of 200 letters), table-objects (JSON Lines with lines of 8 MiB) and table-lists (Parquet
with 2,000,000 numbers in lists).
"""

import argparse
import http.client
import io
import json
import random
import re
import signal
import statistics
import string
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable

PAUSE = 0.02  # seconds between small requests
SETTLE = 2.0  # seconds from the start of the load to the first small request
DRAW = random.Random(0)


def json_body(**fields: object) -> tuple[str, str, bytes]:
    return "/v1/predict", "application/json", json.dumps(fields, ensure_ascii=False).encode()


def made_up(count: int, letters: int) -> list[str]:
    return ["".join(DRAW.choices(string.ascii_lowercase, k=letters)) for _ in range(count)]


def table_body(name: str, content: bytes) -> tuple[str, str, bytes]:
    head = f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
    kind = "multipart/form-data; boundary=b"
    return "/v1/annotate?column=name&format=csv", kind, head + content + b"\r\n--b--\r\n"


def parquet_of_lists() -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = io.BytesIO()
    pq.write_table(pa.table({"name": made_up(1000, 8), "numbers": [list(range(2000))] * 1000}), file)
    return file.getvalue()


def long_objects() -> bytes:
    return b"".join(json.dumps({"name": "a", "more": list(range(1_100_000))}).encode() + b"\n" for _ in range(4))


def fields() -> tuple[str, str, bytes]:
    path, kind, _ = json_body()
    return path, kind, json.dumps({"names": "a", **dict.fromkeys(map(str, range(60_000)), 1)}).encode()


LOADS: dict[str, tuple[int, Callable[[], tuple[str, str, bytes]]]] = {
    "nothing": (0, lambda: json_body(names="a")),
    "ligatures": (1, lambda: json_body(names=["\ufdfa" * 982 + name for name in made_up(349, 8)])),
    "ligatures-allowed": (1, lambda: json_body(names=["\ufdfa" * 219 + name for name in made_up(440, 8)])),
    "letters": (1, lambda: json_body(names=made_up(490, 200))),
    "list": (1, lambda: json_body(names=made_up(1000, 8))),
    "fields": (1, fields),
    "explain": (8, lambda: ("/v1/explain", "application/json", json.dumps({"name": made_up(1, 200)[0]}).encode())),
    "table": (2, lambda: table_body("a.csv", "\n".join(["name", *made_up(300_000, 8)]).encode())),
    "table-letters": (2, lambda: table_body("a.csv", "\n".join(["name", *made_up(20_000, 200)]).encode())),
    "table-objects": (2, lambda: table_body("a.jsonl", long_objects())),
    "table-lists": (2, lambda: table_body("a.parquet", parquet_of_lists())),
}
"""The number of connections and the request of each load."""


def post(connection: http.client.HTTPConnection, path: str, kind: str, body: bytes) -> int:
    connection.request("POST", path, body, {"Content-Type": kind, "Host": "localhost"})
    answer = connection.getresponse()
    answer.read()
    return answer.status


def send_load(name: str, port: int) -> None:
    """Send requests until this process is told to end; print how many got which status."""
    connections, make = LOADS[name]
    request, statuses, stop = make(), Counter[int](), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())

    def send() -> None:
        while not stop.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=400)
            try:
                while not stop.is_set():
                    statuses[post(connection, *request)] += 1
            except (OSError, http.client.HTTPException):
                statuses[0] += 1
            finally:
                connection.close()

    for _ in range(connections):
        threading.Thread(target=send, daemon=True).start()
    stop.wait()
    print(json.dumps(statuses))


def measure(name: str, seconds: float, model: str) -> None:
    command = [sys.executable, "-m", "elman", "serve", "--port", "0", "--model", model]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as service:
        assert service.stdout is not None
        found = re.search(r":(\d+)$", service.stdout.readline().strip())
        assert found
        port = int(found[1])
        load = subprocess.Popen(
            [sys.executable, __file__, "--as-load", name, str(port)], stdout=subprocess.PIPE, text=True
        )
        time.sleep(SETTLE)
        waits = []
        connection, end = http.client.HTTPConnection("127.0.0.1", port, timeout=400), time.perf_counter() + seconds
        names = iter(made_up(100_000, 8))
        while time.perf_counter() < end:
            started = time.perf_counter()
            assert post(connection, *json_body(names=next(names))) == 200
            waits.append(1e3 * (time.perf_counter() - started))
            time.sleep(PAUSE)
        load.terminate()
        statuses = json.loads(load.communicate()[0])
        service.kill()
    cuts = statistics.quantiles(waits, n=100)
    print(
        f"{name:18} {len(waits):5,} asked  median {cuts[49]:8.1f} ms  p99 {cuts[98]:8.1f}  longest {max(waits):8.1f}"
        f"  answers to the load {statuses}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--loads", default=",".join(LOADS))
    parser.add_argument("--model", default="languages")
    parser.add_argument("--as-load", nargs=2, metavar=("LOAD", "PORT"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.as_load:
        send_load(arguments.as_load[0], int(arguments.as_load[1]))
    else:
        for name in arguments.loads.split(","):
            measure(name, arguments.seconds, arguments.model)


if __name__ == "__main__":
    main()
