"""``elman serve``: a real process that listens, answers, and stops cleanly."""

import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

PATIENCE = 60  # seconds that a test waits for a process
NAME = "Xanthippopulos"
BODY = b'{"names": ["abcabc", "xyz"]}'


class Service:
    """A service in its own process.

    Args:
        arguments: of ``elman serve``.
        environment: further environment variables.
    """

    def __init__(self, *arguments: object, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "elman", "serve", "--port", "0", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **environment},
        )
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            assert selector.select(PATIENCE), "it prints nothing"
        self.first_line = self.process.stdout.readline().decode()
        found = re.fullmatch(r"Elman listens at (http://(.+):(\d+))\n", self.first_line)
        assert found, self.first_line + self.process.stderr.read().decode()
        self.address, self.host, self.port = found[1], found[2].strip("[]"), int(found[3])

    def request(self, method: str, path: str, **options: object) -> httpx.Response:
        return httpx.request(method, self.address + path, timeout=PATIENCE, **options)

    def connect(self) -> socket.socket:
        return socket.create_connection((self.host, self.port), timeout=PATIENCE)

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Send a signal; return the exit status and the remaining output."""
        self.process.send_signal(number)
        return self.end()

    def end(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out.decode(), err.decode()


@pytest.fixture
def serve(model_file: Path) -> Iterator[Callable[..., Service]]:
    """Start a service with the toy model; it always ends with the test."""
    services: list[Service] = []

    def start(*arguments: object, model: object = model_file, **environment: str) -> Service:
        services.append(Service("--model", model, *arguments, **environment))
        return services[-1]

    yield start
    for service in services:
        service.process.kill()
        service.process.communicate()


def error_line(outcome) -> str:
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.startswith("elman: ")
    assert outcome.err.count("\n") == 1
    return outcome.err


# Answering


def test_it_prints_its_address_and_answers_as_python_does(serve, predictor):
    service = serve()
    assert service.first_line.startswith("Elman listens at http://127.0.0.1:")
    assert service.request("GET", "/readyz").json() == {"status": "ready"}
    rows = service.request("POST", "/v1/predict", json={"names": ["abcabc", None, "вода"]}).json()["predictions"]
    for row, expected in zip(rows, predictor.predict(["abcabc", None, "вода"]), strict=True):
        assert (row["label"], row["reason"]) == (expected.label, expected.reason)
        assert row["probability"] == pytest.approx(expected.probability, abs=1e-6)
    assert "<title>" in service.request("GET", "/").text
    assert service.stop() == (0, "", "")


def test_several_models_are_served_and_the_first_is_the_default(serve, model_file, tiny_file):
    service = serve("--model", tiny_file)
    names = [(model["name"], model["default"]) for model in service.request("GET", "/v1/models").json()["models"]]
    assert names == [("toy", True), ("tiny", False)]
    (size,) = {
        model["bytes"] for model in service.request("GET", "/v1/models").json()["models"] if model["name"] == "tiny"
    }
    assert size == tiny_file.stat().st_size


def test_many_connections_at_once_each_get_their_answers(serve, predictor):
    service = serve()
    names = ["abc" * (1 + k % 5) + "xyz" * (k % 3) for k in range(64)]
    answers: dict[str, str] = {}

    def send(some: list[str]) -> None:
        with httpx.Client(base_url=service.address, timeout=PATIENCE) as client:
            for name in some:
                (row,) = client.post("/v1/predict", json={"names": name}).json()["predictions"]
                answers[row["name"]] = row["label"]

    threads = [threading.Thread(target=send, args=(names[k::16],)) for k in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert answers == {name: predictor.predict(name).label for name in names}


def test_the_limits_are_options(serve):
    limits = (
        "--max-names",
        2,
        "--max-characters",
        3,
        "--max-json-bytes",
        100,
        "--max-upload-bytes",
        200,
        "--max-rows",
        1,
    )
    times = ("--max-seconds", 5, "--max-upload-seconds", 9, "--max-idle-seconds", 4, "--max-stop-seconds", 3)
    service = serve(*limits, "--max-total-characters", 4, "--max-requests", 9, "--max-uploads", 1, *times)

    def code(**body: object) -> str:
        return service.request("POST", "/v1/predict", json=body).json()["error"]["code"]

    assert code(names=["a"] * 3) == "too_many_names"
    assert code(names="abcd") == "name_too_long"
    assert code(names=["abc", "ab"]) == "too_many_characters"
    assert code(names="a" * 100) == "body_too_large"
    file = {"file": ("a.csv", "name\nabc\nxyz\n")}
    table = service.request("POST", "/v1/annotate?column=name", files=file)
    assert table.json()["error"]["code"] in ("too_many_rows", "body_too_large")


def test_the_key_comes_from_the_environment(serve):
    service = serve(ELMAN_API_KEY="secret")
    assert service.request("GET", "/v1/models").status_code == 401
    assert service.request("GET", "/v1/models", headers={"X-API-Key": "secret"}).status_code == 200


def test_other_hosts_and_origins_are_options(serve):
    service = serve("--allowed-host", "names.example.org", "--cors-origin", "https://example.org")
    headers = {"Host": "names.example.org", "Origin": "https://example.org"}
    answer = service.request("GET", "/v1/models", headers=headers)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "https://example.org")
    assert service.request("GET", "/v1/models", headers={"Host": "evil.example"}).status_code == 400
    assert service.request("GET", "/v1/models", headers={"Host": "localhost"}).status_code == 200


def test_other_machines_can_connect_only_on_request_and_with_a_warning(serve):
    service = serve("--host", "0.0.0.0")
    assert httpx.get(f"http://127.0.0.1:{service.port}/healthz", headers={"Host": "any.example"}).status_code == 200
    status, _, err = service.stop()
    assert status == 0
    assert err == "elman: other machines can send requests to 0.0.0.0; set ELMAN_API_KEY to require a key\n"


def test_it_listens_on_an_ipv6_address(serve):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("needs a machine with IPv6")
    service = serve("--host", "::1")
    assert service.address.startswith("http://[::1]:")
    assert service.request("GET", "/healthz").status_code == 200


# Stopping


def read_answer(connection: socket.socket) -> bytes:
    answer = b""
    while part := connection.recv(65536):
        answer += part
    return answer


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_requests_in_flight_are_answered_before_it_stops(serve, number):
    service = serve()
    head = (
        "POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(BODY)}\r\n\r\n"
    ).encode()
    with service.connect() as connection, service.connect():  # the other one sends nothing
        connection.sendall(head + BODY[:5])
        wait_until(lambda: "elman_requests_in_flight 2.0" in service.request("GET", "/metrics").text)
        service.process.send_signal(number)
        wait_until(lambda: not accepts(service))
        assert service.process.poll() is None
        connection.sendall(BODY[5:])
        answer = read_answer(connection)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b'"label":"Gamma"' in answer
    assert service.end() == (0, "", "")


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "the condition is never true"


def accepts(service: Service) -> bool:
    try:
        service.connect().close()
    except OSError:
        return False
    return True


def test_it_stops_although_connections_are_open(serve):
    service = serve()
    with httpx.Client(base_url=service.address, timeout=PATIENCE) as client:
        assert client.get("/healthz").status_code == 200
        assert service.stop() == (0, "", "")


def test_it_stops_although_a_body_never_arrives(serve):
    service = serve("--max-stop-seconds", 0.5)
    with service.connect() as connection:
        head = b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99"
        connection.sendall(head + b"\r\n\r\n[")
        wait_until(lambda: "elman_requests_in_flight 2.0" in service.request("GET", "/metrics").text)
        service.process.send_signal(signal.SIGTERM)
        answer = read_answer(connection)
    assert answer.startswith(b"HTTP/1.1 503 ") and b'"stopping"' in answer
    assert service.end() == (0, "", "")


# Clients that leave, and a service that is killed


def send_large_table(service: Service) -> socket.socket:
    """Send a table whose annotation takes a while, and return once a worker process has begun."""
    table = b"name\n" + b"".join(b"%b%d\n" % (b"abcxyz" * 30, number) for number in range(150_000))
    body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n' + table + b"\r\n--b--\r\n"
    connection = service.connect()
    head = (
        "POST /v1/annotate?column=name HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
        f"{len(body)}\r\nContent-Type: multipart/form-data; boundary=b\r\n\r\n"
    )
    connection.sendall(head.encode() + body)
    wait_until(lambda: children(service.process.pid) != [])
    return connection


def children(process: int) -> list[int]:
    """Return the processes that a process has started."""
    tasks = Path(f"/proc/{process}/task")
    return [int(child) for task in tasks.iterdir() for child in (task / "children").read_text().split()]


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


needs_proc = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs a folder for each process")


@needs_proc
def test_work_for_a_client_that_left_ends_is_counted_apart_and_delays_no_stop(serve):
    service = serve()
    connection = send_large_table(service)
    (worker,) = children(service.process.pid)
    connection.close()
    wait_until(lambda: not is_running(worker))
    line = 'elman_requests_total{route="/v1/annotate",status="499"} 1.0'
    wait_until(lambda: line in service.request("GET", "/metrics").text)
    assert service.stop() == (0, "", "")


@needs_proc
def test_a_service_that_is_killed_leaves_no_file_and_no_process(serve, tmp_path):
    service = serve(TMPDIR=str(tmp_path))
    connection = send_large_table(service)
    (worker,) = children(service.process.pid)
    service.process.kill()
    wait_until(lambda: not is_running(worker))
    connection.close()
    assert list(tmp_path.iterdir()) == []


# Output


def test_no_name_is_printed_whatever_is_sent(serve):
    service = serve()
    service.request("POST", "/v1/predict", json={"names": NAME})
    service.request("POST", "/v1/predict", content=NAME)
    service.request("GET", f"/{NAME}?{NAME}={NAME}")
    service.request("POST", "/v1/annotate?column=name", files={"file": (f"{NAME}.csv", f"name\n{NAME}\n{NAME},1\n")})
    for nonsense in (f"{NAME}\r\n\r\n", f"GET /{NAME} HTTP/{NAME}\r\n\r\n", f"{NAME} / HTTP/1.1\r\n{NAME}\r\n\r\n"):
        with service.connect() as connection:
            connection.sendall(nonsense.encode())
            read_answer(connection)
    with service.connect() as connection:  # a client that disconnects within a request
        connection.sendall(
            f'POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n"{NAME}'.encode()
        )
    status, out, err = service.stop()
    assert (status, out) == (0, "")
    assert NAME not in err
    assert "Traceback" not in err


# Bad input


def test_an_address_in_use_gets_one_line(elman_here, model_file):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = error_line(elman_here("serve", "--model", model_file, "--port", port))
    assert f"port {port}" in line
    assert "in use" in line


@pytest.mark.parametrize("host", ["256.1.1.1", "no-such-host.invalid", "192.0.2.1", "\ud800", "a" * 300])
def test_an_address_of_another_machine_gets_one_line(elman_here, model_file, host):
    assert "cannot listen" in error_line(elman_here("serve", "--model", model_file, "--host", host, "--port", 0))


def test_an_unknown_model_gets_one_line(elman_here):
    assert "no model 'nothing'" in error_line(elman_here("serve", "--model", "nothing"))


def test_two_models_with_the_same_name_get_one_line(elman_here, model_file):
    assert "two models have the name toy" in error_line(
        elman_here("serve", "--model", model_file, "--model", model_file)
    )


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--port", 70000), "port"),
        (("--max-names", 0), "names"),
        (("--max-seconds", "nan"), "seconds"),
        (("--max-idle-seconds", 0), "idle_seconds"),
        (("--cors-origin", "example.org"), "origin"),
        (("--allowed-host", "a:80"), "host"),
    ],
)
def test_an_invalid_option_gets_one_line(elman_here, model_file, options, named):
    assert named in error_line(elman_here("serve", "--model", model_file, *options))


def test_an_empty_key_gets_one_line(elman_here, model_file, monkeypatch):
    monkeypatch.setenv("ELMAN_API_KEY", "")
    assert "API key" in error_line(elman_here("serve", "--model", model_file))


@pytest.mark.parametrize(
    "package", ["fastapi", "uvicorn", "starlette", "pydantic", "prometheus_client", "python_multipart"]
)
def test_a_missing_package_gets_one_line(python_process, package):
    code = (
        "import sys; sys.modules[sys.argv.pop()] = None; sys.argv = ['elman', 'serve', '--port', '0']\n"
        "sys.stderr = sys.stdout\n"
        "from elman.cli import main\n"
        "try: main()\n"
        "except SystemExit as ended: print(ended.code)"
    )
    output = python_process(code, package)
    name = package.replace("_", "-")
    assert output == f"elman: serving needs the package {name}: pip install 'elman[serve]'\n2\n"


def test_the_other_commands_do_not_load_the_service(python_process):
    code = (
        "import sys; sys.argv = ['elman', 'predict', 'Nakamura']; from elman.cli import main\n"
        "try: main()\n"
        "except SystemExit: print(sorted({'fastapi', 'uvicorn', 'pydantic', 'elman.server'} & sys.modules.keys()))"
    )
    assert python_process(code).endswith("\n[]\n")
