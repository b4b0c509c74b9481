"""Run the modules of the page that need no DOM, in Node and in the browser, whichever are installed."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import elman

PAGE = Path(elman.__file__).parent / "server" / "page"
MODULES = {path.stem: path.read_text(encoding="utf-8") for path in PAGE.glob("*.js")}
ORIGIN = "http://page.test"
STUCK = 60  # seconds after which a test gives up waiting for Node

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def run_node(tmp_path_factory: pytest.TempPathFactory) -> Run:
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node")
    folder = tmp_path_factory.mktemp("page")
    for name, text in MODULES.items():
        (folder / f"{name}.mjs").write_text(re.sub(r'(from "\./\w+)\.js";', r'\1.mjs";', text), encoding="utf-8")

    def run(module: str, function: str, argument: Any = None) -> Any:
        address = (folder / f"{module}.mjs").as_uri()
        code = f"const result = await ({function})(await import({json.dumps(address)}), {json.dumps(argument)});"
        code += "process.stdout.write(JSON.stringify(result ?? null));"
        command = [node, "--input-type=module", "--eval", code]
        done = subprocess.run(command, capture_output=True, timeout=STUCK, text=True, encoding="utf-8", check=False)
        assert (done.returncode, done.stderr) == (0, "")
        return json.loads(done.stdout)

    return run


@pytest.fixture(scope="module")
def run_browser() -> Iterator[Run]:
    from browser import open_browser

    with open_browser() as browser, browser.new_context() as context:
        context.route(f"{ORIGIN}/**", answer_from_disk)

        def run(module: str, function: str, argument: Any = None) -> Any:
            with context.new_page() as page:
                page.goto(f"{ORIGIN}/")
                code = f"async (argument) => (({function})(await import('{ORIGIN}/{module}.js'), argument))"
                return page.evaluate(code, argument)

        yield run


def answer_from_disk(route: Any) -> None:
    name = route.request.url.removeprefix(f"{ORIGIN}/")
    if name:
        route.fulfill(path=PAGE / name, content_type="text/javascript")
    else:
        route.fulfill(body="<!doctype html>", content_type="text/html")


@pytest.fixture(params=["node", "browser"])
def run(request: pytest.FixtureRequest) -> Run:
    """Call a JavaScript function with a module and an argument, in a new process or page; return its result."""
    run: Run = request.getfixturevalue(f"run_{request.param}")
    return run
