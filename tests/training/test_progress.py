"""Progress: a bar on a terminal, one output in a notebook, plain lines elsewhere."""

import io
import sys
from types import SimpleNamespace

import pytest
from rich.console import Console

from elman.markup import TRAINING, VALIDATION
from elman.reports import EpochResult, StepResult
from elman.training.history import History
from elman.training.progress import (
    BarDisplay,
    LineDisplay,
    NoDisplay,
    NotebookDisplay,
    choose_display,
    watch,
)

EPOCHS = [EpochResult(k, 1 / k, 0.5, 1 + 1 / k, 0.4, 0.01, 0.1, k < 3) for k in (1, 2, 3)]


class Handle(list):
    """What IPython's display returns: it is told each time that something changed."""

    def update(self, shown):
        self.append(shown._repr_html_())


class Notebook:
    """Stands in for IPython in a notebook."""

    def __init__(self):
        self.handles = []
        self.display = SimpleNamespace(display=self.show)

    def get_ipython(self):
        return SimpleNamespace(kernel=object())

    def show(self, shown, *, display_id):
        assert display_id is True
        self.handles.append(Handle([shown._repr_html_()]))
        return self.handles[-1]


def train(on_step):
    for epoch in EPOCHS:
        on_step(StepResult(epoch.epoch, 1, 1, 0.5, 0.5, 0.01))
        yield epoch


def test_lines_are_plain(capsys):
    watch(train, LineDisplay(), epochs=3, steps=1)
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 3
    assert not {"\r", "\x1b"} & set(err)


def test_a_bar_leaves_the_lines_of_the_epochs():
    stream = io.StringIO()
    watch(train, BarDisplay(Console(file=stream, force_terminal=True, width=100)), epochs=3, steps=1)
    assert all(f"epoch   {k}  loss" in stream.getvalue() for k in (1, 2, 3))


def test_many_epochs_have_few_lines(capsys):
    many = [EpochResult(k, 1.0, None, 1.0, None, 0.01, 0.1, False) for k in range(1, 201)]
    watch(lambda on_step: iter(many), LineDisplay(), epochs=200, steps=1)
    assert [int(line.split()[1]) for line in capsys.readouterr().err.splitlines()] == [1, *range(20, 201, 20)]


def test_a_notebook_has_one_output_that_is_redrawn(monkeypatch, capsys):
    notebook = Notebook()
    monkeypatch.setitem(sys.modules, "IPython", notebook)
    display = choose_display()
    assert isinstance(display, NotebookDisplay)
    display.say("<b>30 lines read")
    watch(train, display, epochs=3, steps=1)
    (handle,) = notebook.handles
    assert len(handle) >= 4
    assert "&lt;b&gt;30 lines read" in handle[-1] and "<b>30" not in handle[-1]
    assert "<polyline" in handle[-1] and "best: 2" in handle[-1]
    assert repr(display).splitlines()[0] == "<b>30 lines read" and len(repr(display).splitlines()) == 4
    assert capsys.readouterr() == ("", "")


def test_ipython_on_a_terminal_is_no_notebook(monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: SimpleNamespace()))
    assert isinstance(choose_display(), LineDisplay)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert isinstance(choose_display(), BarDisplay)
    assert type(choose_display(quiet=True)) is NoDisplay


def test_a_display_is_closed_whatever_happens():
    class Counting(NoDisplay):
        closed = 0

        def close(self):
            self.closed += 1

    def fail(on_step):
        raise KeyboardInterrupt
        yield

    display = Counting()
    with pytest.raises(KeyboardInterrupt):
        watch(fail, display, epochs=1, steps=1)
    assert display.closed == 1


def test_a_history_shows_curves_and_its_best_epoch():
    history = History(EPOCHS)
    page = history._repr_html_()
    assert history.kept_epoch == 2 and "best: 2" in page and page.count("<svg") == 2 and TRAINING in page
    assert "no epoch" in History()._repr_html_()


def test_numbers_have_no_curve_of_accuracy():
    assert History([EpochResult(1, 1.0, None, 1.0, None, 0.01, 0.1, True)])._repr_html_().count("<svg") == 1


def test_what_was_learned_by_heart_has_one_curve_that_ends_at_the_score():
    page = History(EPOCHS, by_heart=True)._repr_html_()
    assert TRAINING not in page and VALIDATION in page and "learned by heart" in page and "validation" not in page
    notebook = NotebookDisplay(Notebook().show)
    watch(train, notebook, epochs=3, steps=1, by_heart=True)
    assert "learned by heart" in notebook._repr_html_() and "validation" not in repr(notebook)
