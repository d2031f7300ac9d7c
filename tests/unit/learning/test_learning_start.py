"""How a campaign begins, and what it refuses before it does."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from small_campaign import write_campaign

from limlff.cli.main import main
from limlff.errors import InputError
from limlff.folder_lock import locked
from limlff.learning.campaign_folder import LEDGER
from limlff.learning.learn import learn


def test_words_of_the_command(tmp_path, capsys):
    assert main(["learn", "--status", str(tmp_path)]) == 2
    assert "no such ledger" in capsys.readouterr().err
    assert main(["learn"]) == 2
    assert "--status DIR" in capsys.readouterr().err
    path = write_campaign(tmp_path)
    assert main(["learn", str(path), "--out", str(tmp_path / "out"), "--set", "seed=x"]) == 2
    (tmp_path / "out").mkdir()
    (tmp_path / "out/ledger.sqlite").write_text("")
    assert main(["learn", str(path), "--out", str(tmp_path / "out")]) == 2
    assert "holds a campaign already" in capsys.readouterr().err


def test_labels_of_a_campaign_that_began_meanwhile_are_not_removed(tmp_path, monkeypatch):
    """Another process has used the folder between the first look at it and the lock."""
    ledger = tmp_path / "out" / LEDGER

    @contextmanager
    def locked_late(folder):
        with locked(folder):
            ledger.write_text("its labels")
            yield

    monkeypatch.setattr("limlff.learning.learn.locked", locked_late)
    with pytest.raises(InputError, match="holds a campaign already"):
        learn(write_campaign(tmp_path / "in"), tmp_path / "out", progress=False)
    assert ledger.read_text() == "its labels"
