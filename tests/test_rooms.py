"""How many packages a value passes on its way: calls are traced, and the packages whose functions run are counted.

The modules at the root (errors, records, reports, files, checks, extras, version) do not count, and neither does what
runs while a module is imported. The limits come from the design: a newcomer can follow each way.
"""

import asyncio
import gc
import inspect
import sys
import threading
from pathlib import Path
from types import FrameType

import elman

ROOT = Path(elman.__file__).parent
PACKAGES = {path.name for path in ROOT.iterdir() if (path / "__init__.py").exists()}


class Trace:
    """Notes the packages of Elman whose functions run, on this thread and on threads that start inside the context."""

    def __enter__(self) -> "Trace":
        gc.collect()  # what other tests left behind may have finalisers
        self.clear()
        threading.setprofile(self._note)
        sys.setprofile(self._note)
        return self

    def __exit__(self, *error: object) -> None:
        sys.setprofile(None)
        threading.setprofile(None)

    def clear(self) -> None:
        """Forget what has run up to now."""
        self.passed: set[str] = set()

    def _note(self, frame: FrameType, event: str, argument: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_flags & inspect.CO_OPTIMIZED and code.co_filename.startswith(str(ROOT)):
            self.passed.update({Path(code.co_filename).relative_to(ROOT).parts[0]} & PACKAGES)


def test_a_name_passes_five_packages_from_the_command_line_to_its_answer(elman_here):
    with Trace() as trace:
        elman_here("predict", "Nakamura")
    assert trace.passed == {"cli", "prediction", "model", "scoring", "text"}


def test_a_row_passes_seven_packages(elman_here, tmp_path):
    (tmp_path / "people.csv").write_text("name\nNakamura\n")
    with Trace() as trace:
        elman_here("annotate", "people.csv", "answered.csv")
    assert (tmp_path / "answered.csv").exists()
    assert trace.passed == {"cli", "annotation", "tables", "prediction", "model", "scoring", "text"}


def test_a_training_example_passes_at_most_nine_packages(toy_table, toy_config, tmp_path):
    from elman import read_examples, train_run

    with Trace() as trace:
        train_run(read_examples(toy_table, text="word", label="kind"), toy_config(epochs=1), tmp_path / "run")
    others = {"data", "text", "training", "cells", "evaluation", "model", "prediction", "scoring"}
    assert others <= trace.passed <= others | {"tables"}


def test_a_request_passes_four_packages(predictor):
    import httpx

    from elman.server.app import create_app

    async def ask(trace: Trace) -> int:
        app = create_app({"toy": predictor})
        transport = httpx.ASGITransport(app=app)
        async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport) as client:
            await client.post("http://localhost/v1/predict", json={"names": ["abc"]})
            trace.clear()  # what is prepared once is not part of the way of a request
            answer = await client.post("http://localhost/v1/predict", json={"names": ["abc", "vwx"]})
        return answer.status_code

    with Trace() as trace:
        status = asyncio.run(ask(trace))
    assert (status, trace.passed) == (200, {"server", "prediction", "scoring", "text"})
