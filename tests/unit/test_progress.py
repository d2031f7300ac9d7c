"""Progress in a file: a line at each tenth or minute, however often something happens."""

from __future__ import annotations

import io
import sys

import pytest

from limlff import progress
from limlff.progress import Progress


def show(total: int, every: int, **options) -> None:
    with Progress(total, **options) as shown:
        for done in range(every, total + 1, every):
            shown.advance_to(done, lambda: "fine")


@pytest.mark.parametrize(("total", "every"), [(100_000, 50), (100, 1), (90, 7)])
def test_a_file_gets_a_line_at_each_tenth(capsys, total, every):
    show(total, every)
    lines = capsys.readouterr().err.splitlines()
    assert 9 <= len(lines) <= 10
    assert all(f" of {total} steps (" in line and line.endswith("fine") for line in lines)
    assert "(10 %)" in lines[0] or total == 90


def test_a_long_run_gets_a_line_each_minute(capsys, monkeypatch):
    now = iter(range(0, 100_000, 7))  # a step takes seven seconds
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(now)))
    with Progress(1_000_000) as shown:
        for done in range(1, 101):
            shown.advance_to(done)
    lines = capsys.readouterr().err.splitlines()
    assert 8 <= len(lines) <= 12 and "left" in lines[0]


def test_the_time_of_compilation_does_not_count_for_what_is_left(capsys, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with Progress(30) as shown:
        for done in range(1, 31):
            now[0] += 75.0 if done == 1 else 2.0  # the first step compiles
            shown.advance_to(done)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "1 of 30 steps (3 %)"
    assert lines[1] == "3 of 30 steps (10 %), 54 s left"


def test_a_resumed_run_counts_from_where_it_was(capsys):
    with Progress(100, done=55) as shown:
        shown.advance_to(60)
    assert capsys.readouterr().err.startswith("60 of 100 steps (60 %)")


def test_nothing_is_shown_if_not_wanted_and_a_bar_on_a_terminal(capsys, monkeypatch):
    show(100, 1, shown=False)
    assert capsys.readouterr() == ("", "")
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", terminal)
    with Progress(20) as shown:
        shown.advance_to(20, lambda: "fine")
        shown.say("a line of its own")
    assert "20/20" in terminal.getvalue() and "\r" in terminal.getvalue()


def test_a_total_that_is_corrected_on_the_way_ends_with_all_of_it(capsys):
    with Progress(20) as shown:
        for done, total in ((10, 20), (20, 22), (21, 21)):
            shown.expect(total)
            shown.advance_to(done)
    lines = capsys.readouterr().err.splitlines()
    assert "21 of 21 steps (100 %)" in lines[-1]
