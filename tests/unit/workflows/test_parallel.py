"""Processes side by side: results, news, failures, death and interruption."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from limlff.errors import InputError, LimlffError, OutOfTime
from limlff.workflows.parallel import run_in_processes


def square(number, tell):
    tell("started", number)
    return number * number, os.getpid()


def cores(number, tell):
    return os.sched_getaffinity(0)


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


def be_killed(number, tell):
    os.kill(os.getpid(), signal.SIGKILL)


def be_quick_or_die(number, tell):
    if number:
        time.sleep(1.0)
        os.kill(os.getpid(), signal.SIGKILL)


def go_on_for_ever(number, folder, tell):
    """Without a look at anybody, as compiled code does."""
    tell("begins", number)
    (Path(folder) / str(os.getpid())).touch()
    while True:
        time.sleep(0.01)


def send_much(number, folder, tell):
    """More than a pipe holds, to nobody."""
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(2.0)
    return "x" * 10_000_000


def test_results_come_in_order_and_from_other_processes():
    heard = []
    results = run_in_processes(
        square, [(n,) for n in range(3)], 2, lambda *news: heard.append(news)
    )
    assert [value for value, _ in results] == [0, 1, 4]
    assert os.getpid() not in {pid for _, pid in results}
    assert sorted(heard) == [("started", 0), ("started", 1), ("started", 2)]


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="no choice of cores here")
def test_a_run_alone_may_use_any_core():
    """Pinned to the first, it would wait for whatever else is at work there."""
    [alone] = run_in_processes(cores, [(0,)], 1, lambda *news: None)
    assert alone == os.sched_getaffinity(0)


def test_what_one_raises_is_raised_here_and_stops_the_others():
    begin = time.monotonic()
    with pytest.raises(InputError, match="number is 1"):
        run_in_processes(refuse, [(0,), (1,)], 2, lambda *news: None)
    assert time.monotonic() - begin < 30


def test_a_mistake_of_the_code_keeps_its_traceback():
    with pytest.raises(RuntimeError, match="a mistake of the code"):
        run_in_processes(stumble, [(0,)], 1, lambda *news: None)


def test_a_function_that_no_process_can_import_is_named():
    with pytest.raises(Exception, match="lambda"):
        run_in_processes(lambda tell: None, [()], 1, lambda *news: None)


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


def test_an_idle_process_does_not_hold_up_the_end_when_another_dies():
    begin = time.monotonic()
    with pytest.raises(OutOfTime, match="was ended by SIGKILL"):
        run_in_processes(be_quick_or_die, [(0,), (1,)], 2, lambda *news: None)
    assert time.monotonic() - begin < 30


def test_processes_take_one_task_after_the_other():
    """Jax is imported and programs are compiled once for each process, not for each task."""
    results = run_in_processes(square, [(n,) for n in range(6)], 2, lambda *news: None)
    assert [value for value, _ in results] == [0, 1, 4, 9, 16, 25]
    assert len({process for _, process in results}) <= 2


@pytest.mark.parametrize(
    ("function", "words"),
    [(be_killed, "was ended by SIGKILL"), (die, "code 3")],
)
def test_end_of_a_process_leaves_a_study_that_can_be_gone_on_with(function, words):
    with pytest.raises(OutOfTime, match=words) as caught:
        run_in_processes(function, [(0,)], 1, lambda *news: None)
    assert caught.value.exit_code == 4
    assert "\n" not in str(caught.value)


def is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks Linux for processes")
@pytest.mark.parametrize("function", ["go_on_for_ever", "send_much"])
def test_processes_end_with_the_one_that_started_them(tmp_path, function):
    """Killed by SIGKILL, which it cannot tell them of: they neither compute on nor wait for it."""
    code = (
        "import sys\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "import test_parallel\n"
        "from limlff.workflows.parallel import run_in_processes\n"
        "if __name__ == '__main__':\n"
        f"    tasks = [(number, {str(tmp_path)!r}) for number in range(2)]\n"
        f"    run_in_processes(test_parallel.{function}, tasks, 2, lambda *news: None)\n"
    )
    script = tmp_path / "script.py"
    script.write_text(code)
    parent = subprocess.Popen([sys.executable, str(script)])

    def children() -> list[int]:
        return [int(path.name) for path in tmp_path.iterdir() if path.name.isdigit()]

    deadline = time.monotonic() + 60
    while len(children()) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [is_running(child) for child in children()] == [True, True]
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 5
    while any(map(is_running, children())) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(map(is_running, children()))
