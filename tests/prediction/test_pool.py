"""Worker processes give the answers of one process, in the order of the names, and end when they should."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from elman.errors import SettingError, WorkerError
from elman.model.file import Artifact
from elman.prediction import columns, pool
from elman.prediction.options import AnswerOptions
from elman.prediction.predictor import Predictor

NAMES = ["abc", "cab", None, "Nakamura", "", "a'b", "b", "水", "\ud800a"] * 40


@pytest.fixture
def tiny(tiny_artifact: Artifact) -> Iterator[Predictor]:
    built = Predictor(tiny_artifact)
    yield built
    built.close()


def processes_of(predictor):
    return predictor._pool._processes


def same(ours, theirs):
    return [ours[k] for k in range(len(ours))] == [
        (label, probability if probability is None else pytest.approx(probability, abs=1e-6), reason)
        for label, probability, reason in (theirs[k] for k in range(len(theirs)))
    ]


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("share", [7, 10_000])
def test_processes_give_the_answers_of_one_process_in_order(tiny, monkeypatch, count, share):
    monkeypatch.setattr(columns, "SHARE", share)
    alone = tiny.predict_columns(NAMES, top=2, abstain_below=0.4)
    assert same(tiny.predict_columns(NAMES, top=2, abstain_below=0.4, processes=count), alone)
    assert len(set(alone.reason_ids.tolist())) > 3


def test_a_column_of_arrow_is_answered_as_the_list(tiny):
    pyarrow = pytest.importorskip("pyarrow")
    names = [name for name in NAMES if name is None or name.isprintable()]
    column = pyarrow.chunked_array([names[:50], names[50:]])
    assert same(tiny.predict_columns(column, processes=2), tiny.predict_columns(names))


@pytest.mark.parametrize("names", [[], ["abc"], [None]])
def test_fewer_names_than_processes_are_answered_too(tiny, names):
    assert same(tiny.predict_columns(names, processes=2), tiny.predict_columns(names))


def test_processes_stay_for_the_next_call_and_end_with_close(tiny):
    tiny.predict_columns(NAMES, processes=2)
    first = processes_of(tiny)
    tiny.predict_columns(NAMES, processes=2)
    assert processes_of(tiny) is first and all(process.poll() is None for process in first)
    tiny.close()
    assert all(process.poll() is not None for process in first)


def test_processes_end_with_the_predictor(tiny_artifact):
    predictor = Predictor(tiny_artifact)
    predictor.predict_columns(NAMES, processes=2)
    processes = processes_of(predictor)
    del predictor
    assert all(process.poll() is not None for process in processes)


def test_a_killed_process_is_a_worker_error_and_the_next_call_works(tiny):
    tiny.predict_columns(NAMES, processes=2)
    for process in processes_of(tiny):
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    with pytest.raises(WorkerError, match="ended before it had answered"):
        tiny.predict_columns(NAMES, processes=2)
    assert len(tiny.predict_columns(NAMES, processes=2)) == len(NAMES)


def test_a_process_that_does_not_start_is_a_worker_error(tiny, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(WorkerError, match="ended before it had answered"):
        tiny.predict_columns(NAMES * 100, processes=2)


def test_an_error_inside_a_process_is_a_worker_error_with_its_message(tiny):
    with pytest.raises(WorkerError, match="has no levels of labels"):
        tiny.workers(2).predict_columns(NAMES, AnswerOptions(level="region"))
    assert len(tiny.predict_columns(NAMES, processes=2)) == len(NAMES)


def test_ctrl_c_does_not_stop_the_processes(tiny):
    tiny.predict_columns(NAMES, processes=2)
    for process in processes_of(tiny):
        process.send_signal(signal.SIGINT)
    assert len(tiny.predict_columns(NAMES, processes=2)) == len(NAMES)


@pytest.mark.parametrize("count", [0, -1, 1.5, True, "2"])
def test_an_invalid_number_of_processes_is_refused(tiny, count):
    with pytest.raises(SettingError, match="processes must be a whole number of at least 1"):
        tiny.workers(count)


@pytest.mark.parametrize("count", [0, -1, 1.5, True])
@pytest.mark.parametrize("names", [["abc"], NAMES])
def test_an_invalid_number_of_threads_is_refused(tiny, count, names):
    with pytest.raises(SettingError, match="threads must be a whole number of at least 1"):
        tiny.predict_columns(names, threads=count)


# After an error

MAIN = "import_module(sys.argv[2]).main()"

HALF = """
import sys
import numpy as np
from elman.prediction import worker
send, count = worker.send, 0

def send_half(out, message, arrays):
    global count
    count += 1
    if count < 2:
        return send(out, message, arrays)
    send(out, message, arrays[:1])
    raise MemoryError("Nakamura")

worker.send = send_half
"""
"""Code of a worker that fails in the middle of its second answer."""


def test_a_process_that_fails_in_the_middle_of_an_answer_is_not_used_again(tiny, monkeypatch, capfd):
    monkeypatch.setattr(pool, "START", pool.START.replace(MAIN, HALF + MAIN))
    workers = tiny.workers(1)
    assert len(workers.predict_columns(NAMES)) == len(NAMES)
    with pytest.raises(WorkerError, match="ended before it had answered"):
        workers.predict_columns(NAMES)
    assert workers.closed and all(process.poll() is not None for process in workers._processes)
    with pytest.raises(WorkerError, match="ended before it had answered"):
        workers.predict_columns(NAMES)
    assert len(tiny.predict_columns(NAMES, processes=2)) == len(NAMES)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt])
def test_an_answer_that_was_not_read_is_never_the_answer_to_the_next_question(tiny, monkeypatch, error):
    def fail(stream):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(pool, "receive", fail)
        with pytest.raises(error):
            tiny.workers(1).predict_columns(["abc"])
    assert tiny._pool.closed
    assert len(tiny.workers(1).predict_columns(NAMES)) == len(NAMES)


def test_names_that_cannot_be_sent_leave_the_processes_as_they_are(tiny):
    workers = tiny.workers(1)
    with pytest.raises(TypeError):
        workers.predict_columns(["abc", 7])
    assert len(workers.predict_columns(NAMES)) == len(NAMES)


def test_a_process_is_not_used_again_after_an_error_that_it_reports(tiny):
    workers = tiny.workers(2)
    with pytest.raises(WorkerError, match="has no levels of labels"):
        workers.predict_columns(NAMES, AnswerOptions(level="region"))
    assert workers.closed


def test_threads_that_wait_for_a_process_fail_too_when_it_ends(tiny):
    workers, errors = tiny.workers(1), []
    os.kill(workers._processes[0].pid, signal.SIGSTOP)

    def ask():
        try:
            workers.predict_columns(NAMES)
        except WorkerError as error:
            errors.append(str(error))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    workers._processes[0].kill()
    for thread in threads:
        thread.join(60)
    assert len(errors) == 4 and all("ended before it had answered" in error for error in errors)


def test_what_a_process_prints_is_not_part_of_its_answers(tiny, monkeypatch, capfd):
    noise = "print('hello'); import os; os.system('echo hello')\n"
    start = pool.START.replace(
        MAIN,
        f"from elman.prediction import worker\nreal = worker.unpack_names\n"
        f"def noisy(packed):\n    {noise}    return real(packed)\nworker.unpack_names = noisy\n{MAIN}",
    )
    monkeypatch.setattr(pool, "START", start)
    assert same(tiny.predict_columns(NAMES, processes=2), tiny.predict_columns(NAMES))
    assert capfd.readouterr().out == ""


# The current folder

MARK = "import pathlib\npathlib.Path(__file__).with_name('imported').touch()\n"
ASK = """
import sys
import elman
from elman.prediction.predictor import Predictor
predictor = elman.load("languages")
alone = predictor.predict_columns(["Nakamura"], processes=2)[0]  # this process imports what it needs
predictor.close()
import os
os.chdir(sys.argv[1])
if sys.argv[2] == "interactive":
    sys.path.insert(0, "")
elif sys.argv[2] == "script":
    sys.path.insert(0, os.getcwd())
elif sys.argv[2] == "relative":
    sys.path.insert(0, ".")
    os.environ["PYTHONPATH"] = os.pathsep.join([".", *sys.path])
else:
    os.environ["PYTHONPATH"] = os.pathsep.join(["", *sys.path, ""])
print(predictor.predict_columns(["Nakamura"] * 3, processes=2)[0] == alone)
predictor.close()
"""


@pytest.fixture
def hostile(tmp_path):
    """A folder with files of the names of modules; each leaves a file `imported` if it is run."""
    folder = tmp_path / "hostile"
    folder.mkdir()
    for name in ("numpy", "json", "elman", "sitecustomize", "usercustomize", "signal", "anyascii", "typing"):
        (folder / f"{name}.py").write_text(MARK)
    return folder


@pytest.mark.parametrize("way", ["interactive", "script", "relative", "empty entry"])
def test_a_process_never_imports_from_the_current_folder(python_process, hostile, way):
    assert python_process(ASK, hostile, way) == "True\n"
    assert not (hostile / "imported").exists()


def test_a_process_gets_the_elman_of_its_parent_even_from_the_current_folder(tmp_path):
    (tmp_path / "elman").symlink_to(Path(pool.__file__).parents[1])
    (tmp_path / "numpy.py").write_text(MARK)
    code = (
        "import sys; sys.path.remove(''); import numpy; sys.path.insert(0, ''); import elman\n"
        "predictor = elman.load('languages')\n"
        "print(elman.__file__, len(predictor.predict_columns(['Nakamura'] * 3, processes=2)))\n"
        "predictor.close()"
    )
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == (f"{tmp_path}/elman/__init__.py 3\n", "")
    assert not (tmp_path / "imported").exists()


def test_folders_that_the_user_names_in_full_stay_on_the_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", str(tmp_path), "lib", "/opt/lib"])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", "lib", "/opt/own"]))
    assert pool.import_path() == ["/opt/own", "/opt/lib"]
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert pool.import_path() == [str(tmp_path), "/opt/lib"]


def test_a_current_folder_that_was_removed_is_no_obstacle(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert pool.import_path()
