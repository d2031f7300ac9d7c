"""Processes side by side: results, news, failures, death and interruption."""

import os
import signal
import threading
import time

import pytest

from limlff.errors import InputError, LimlffError, OutOfTime
from limlff.workflows.parallel import run_in_processes


def square(number, tell):
    tell("started", number)
    return number * number, os.getpid()


def refuse(number, tell):
    if number == 1:
        raise InputError("number is 1; it must not be")
    while True:  # until it is told to stop
        tell("waiting", number)
        time.sleep(0.02)


def stumble(number, tell):
    raise KeyError("a mistake of the code")


def die(number, tell):
    os._exit(3)


def test_results_come_in_order_and_from_other_processes():
    heard = []
    results = run_in_processes(
        square, [(n,) for n in range(3)], 2, lambda *news: heard.append(news)
    )
    assert [value for value, _ in results] == [0, 1, 4]
    assert os.getpid() not in {pid for _, pid in results}
    assert sorted(heard) == [("started", 0), ("started", 1), ("started", 2)]


def test_what_one_raises_is_raised_here_and_stops_the_others():
    begin = time.monotonic()
    with pytest.raises(InputError, match="number is 1"):
        run_in_processes(refuse, [(0,), (1,)], 2, lambda *news: None)
    assert time.monotonic() - begin < 30


def test_a_mistake_of_the_code_keeps_its_traceback():
    with pytest.raises(RuntimeError, match="a mistake of the code"):
        run_in_processes(stumble, [(0,)], 1, lambda *news: None)


def test_a_process_that_dies_is_noticed():
    with pytest.raises(LimlffError, match="code 3"):
        run_in_processes(die, [(0,)], 1, lambda *news: None)


def test_sigterm_ends_all_processes_and_the_handler_is_put_back():
    before = signal.getsignal(signal.SIGTERM)
    heard = threading.Event()
    killer = threading.Thread(
        target=lambda: heard.wait(60) and os.kill(os.getpid(), signal.SIGTERM), daemon=True
    )
    killer.start()
    with pytest.raises(OutOfTime, match="interrupted"):
        run_in_processes(refuse, [(0,), (2,)], 2, lambda *news: heard.set())
    assert signal.getsignal(signal.SIGTERM) is before
