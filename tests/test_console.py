"""Messages and progress go to standard error, and a quiet session prints nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from frostline import console, session


@pytest.fixture(autouse=True)
def new_session() -> Iterator[None]:
    session.begin()
    yield
    session.begin()


def test_a_message_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    console.log("a message")
    assert capsys.readouterr() == ("", "a message\n")


def test_a_quiet_session_prints_neither_messages_nor_progress(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "SECONDS_BETWEEN_LINES", -1.0)
    session.current().quiet = True
    console.log("a message")
    with console.Progress("encoding", total=3) as bar:
        bar.update(3)
    assert capsys.readouterr() == ("", "")


def test_progress_without_a_terminal_is_a_line_from_time_to_time(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    with console.Progress("encoding", total=2000) as bar:
        for seconds, texts in ((1, 10), (12, 1000), (15, 10), (30, 500)):
            now[0] = 100.0 + seconds
            bar.update(texts)
    assert bar.done == 1520
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["encoding: 1,010 of 2,000 texts, 12 s", "encoding: 1,520 of 2,000 texts, 30 s"]
