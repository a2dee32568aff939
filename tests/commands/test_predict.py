"""`frostline predict`: files of all formats and standard input, against the library and the readers of data sets.

It is of frostline.commands.predict, frostline.export.predict_file, frostline.export.predictor_group,
frostline.export.prediction_file and frostline.export.text_columns.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from command_line import Command, in_process
from frostline.export.load import load_model
from frostline.export.prediction_file import SeparatedWriter
from frostline.export.predictor import Predictor
from peak_memory import peak_mib

frostline = in_process
SMALL = ("dataset=table", "dataset.train=texts.csv", "trainer.max_epochs=1", "trainer.min_steps=null")
TOPICS = {"sport": "the team won match {}", "food": "soup {} was too salty", "travel": "train {} left at noon"}
NEW = ["the soup", "a train, late", 'they said "won"', "two\nlines", "soup " * 200, "Zug für 3 €"]


def write_texts(folder: Path) -> None:
    """Write texts.csv with three classes, and tags.csv, in which a text can have two."""
    rows = [(topic, text.format(number)) for number in range(40) for topic, text in TOPICS.items()]
    (folder / "texts.csv").write_text("label,text\n" + "".join(f"{topic},{text}\n" for topic, text in rows))
    tags = "".join(f"{int(topic != 'food')},{int(topic != 'sport')},{text}\n" for topic, text in rows)
    (folder / "tags.csv").write_text("near,far,text\n" + tags)


def train(folder: Path, *overrides: str) -> Path:
    """Do a run in a folder and return the folder of the run."""
    from frostline.config.jobs import jobs_of_command
    from frostline.training.run import run

    write_texts(folder)
    with contextlib.chdir(folder):
        (job,) = jobs_of_command(["logger=csv", "cache.mode=off", *SMALL, *overrides])
        run(job.config, job.choices, job.overrides, job.folder)
        return job.folder.absolute()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("runs"), "freezing=frozen")


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def expected(folder: Path, texts: list[Any]) -> tuple[list[Any], np.ndarray]:
    predictor = Predictor(load_model(folder))
    return predictor.predict(texts), predictor.predict_proba(texts)


def check(rows: list[dict[str, Any]], folder: Path, texts: list[Any], prefix: str = "") -> None:
    classes, probabilities = expected(folder, texts)
    assert [row[f"{prefix}predicted"] for row in rows] == classes
    names = [f"{prefix}p({name})" for name in load_model(folder).classes]
    written = np.array([[float(row[name]) for name in names] for row in rows], np.float32)
    np.testing.assert_allclose(written, probabilities, atol=1e-6)


def written_as(suffix: str, rows: list[dict[str, Any]]) -> Path:
    path = Path(f"new{suffix}")
    if suffix == ".parquet":
        parquet.write_table(pa.Table.from_pylist(rows), path)
    elif suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        separator = "\t" if suffix == ".tsv" else ","
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), delimiter=separator, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_rows_and_columns_stay_and_predictions_follow(frostline: Command, run: Path, suffix: str) -> None:
    rows = [{"id": f"00{number}", "text": text, "note": ""} for number, text in enumerate(NEW)]
    said = frostline("predict", str(run), str(written_as(suffix, rows)))
    assert said.status == 0, said.err
    found = rows_of(said.out)
    assert list(found[0]) == ["id", "text", "note", "predicted", "p(food)", "p(sport)", "p(travel)"]
    assert [{name: row[name] for name in rows[0]} for row in found] == rows
    check(found, run, NEW)
    assert "1 of 6 texts are truncated" in said.err


@pytest.mark.parametrize("suffix", [".tsv", ".jsonl", ".parquet"])
def test_predictions_go_into_a_file_of_any_format(frostline: Command, run: Path, suffix: str) -> None:
    rows = [{"n": number, "text": text} for number, text in enumerate(NEW[:3])]
    said = frostline("predict", str(run), str(written_as(".parquet", rows)), "--into", f"out{suffix}")
    assert (said.status, said.out) == (0, ""), said.err
    out = Path(f"out{suffix}")
    if suffix == ".parquet":
        table = parquet.read_table(out)
        assert table.schema.field("n").type == pa.int64()
        found = table.to_pylist()
    elif suffix == ".jsonl":
        found = [json.loads(line) for line in out.read_text().splitlines()]
    else:
        found = list(csv.DictReader(out.read_text().splitlines(), delimiter="\t", quoting=csv.QUOTE_MINIMAL))
    assert [(int(row["n"]), row["text"]) for row in found] == [(row["n"], row["text"]) for row in rows]
    check(found, run, NEW[:3])
    again = frostline("predict", str(run), "new.parquet", "--into", f"out{suffix}")
    assert (again.status, "exists already" in again.err) == (2, True)


def test_several_labels_are_lists(frostline: Command, tmp_path: Path) -> None:
    folder = train(tmp_path, "dataset.train=tags.csv", "dataset.label_column=[near,far]", "freezing=frozen")
    said = frostline("predict", str(folder), str(written_as(".csv", [{"text": text} for text in NEW])))
    found = rows_of(said.out)
    check([row | {"predicted": json.loads(row["predicted"])} for row in found], folder, NEW)


def test_runs_with_one_encoder_share_its_pass(
    frostline: Command, tmp_path: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, full = (train(tmp_path, *more) for more in (["freezing=frozen", "head=mlp"], ["freezing=full"]))
    passes: list[int] = []
    pooled = Predictor.pooled
    monkeypatch.setattr(Predictor, "pooled", lambda self, *rest: passes.append(1) or pooled(self, *rest))
    written_as(".csv", [{"text": text} for text in NEW])
    said = frostline("predict", str(run), str(other), str(full), "new.csv", "--vectors", "vectors.parquet")
    assert said.status == 0, said.err
    assert len(passes) == 2  # one of the encoder of two runs, and one of the trained encoder
    found = rows_of(said.out)
    for folder in (run, other, full):
        check(found, folder, NEW, f"{folder.name}/")
    table = parquet.read_table("vectors.parquet")
    assert table.column_names == ["row", f"{run.name}/vector", f"{full.name}/vector"]
    vectors = np.array(table[f"{full.name}/vector"].to_pylist())
    np.testing.assert_allclose(vectors, Predictor(load_model(full)).encode(NEW), atol=1e-5)


def test_rows_without_a_text_have_no_prediction(frostline: Command, run: Path) -> None:
    rows = [{"n": number, "text": text} for number, text in enumerate(["soup", "", " ", "train"])]
    said = frostline("predict", str(run), str(written_as(".csv", rows)), "--vectors", "v.parquet")
    found = rows_of(said.out)
    assert [bool(row["predicted"]) for row in found] == [True, False, False, True]
    check([found[0], found[3]], run, ["soup", "train"])
    assert "2 of 4 rows have no text and no prediction (the first is row 2)" in said.err
    assert [row is None for row in parquet.read_table("v.parquet")["vector"].to_pylist()] == [False, True, True, False]


def test_all_mistakes_of_a_command_are_named(frostline: Command, run: Path) -> None:
    said = frostline("predict", "nowhere", str(run.parent), "x.csv", "--into", "out.xls", "--column", "a,b,c")
    assert said.status == 2
    assert len(said.problems()) == 4, said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("name\nsoup\n", "has no column 'text'"),
        ("text,predicted\nsoup,food\n", "has a column 'predicted'"),
        ("text,n\n1,2\n3,4\n", "contains numbers"),
        ('text,n\n"soup,2\n', "cannot be parsed"),
        ("text,n\nsoup,2,3\n", "expected 2 cells in line 2, saw 3"),
        ("", "is empty"),
    ],
)
def test_files_that_cannot_be_read(frostline: Command, run: Path, content: str, reason: str) -> None:
    Path("new.csv").write_text(content)
    said = frostline("predict", str(run), "new.csv", "--into", "out.csv")
    assert said.status == 2
    assert reason in said.err
    assert not Path("out.csv").exists()


def process(run: Path, *words: str, **options: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "frostline", "predict", str(run), *words]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def test_lines_of_a_pipe_are_answered_one_by_one(run: Path) -> None:
    with process(run, "-") as predicting:
        assert predicting.stdin is not None and predicting.stdout is not None
        answers = [predicting.stdout.readline()]
        for text in ("the soup", "a train, late"):
            predicting.stdin.write(f"{text}\n".encode())
            predicting.stdin.flush()
            answers.append(predicting.stdout.readline())  # without the end of the input
        predicting.stdin.close()
        assert predicting.wait() == 0
    check(rows_of(b"".join(answers).decode()), run, ["the soup", "a train, late"])


def link_target(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:  # closed meanwhile
        return ""


def test_a_killed_process_leaves_no_file(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    with process(run, "-", "--into", str(folder / "out.csv")) as predicting:
        assert predicting.stdin is not None
        predicting.stdin.write(b"soup\n" * 10)
        predicting.stdin.flush()
        descriptors, deadline = Path(f"/proc/{predicting.pid}/fd"), time.monotonic() + 60
        while not any(str(folder) in target for target in map(link_target, descriptors.iterdir())):  # it is writing
            assert time.monotonic() < deadline
            time.sleep(0.1)
        predicting.send_signal(signal.SIGKILL)
        predicting.wait()
    assert list(folder.iterdir()) == []


def test_a_full_disk_is_an_error_and_leaves_no_file(
    frostline: Command, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written_as(".csv", [{"text": text} for text in NEW])

    def full(*args: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(SeparatedWriter, "append_rows", full)
    said = frostline("predict", str(run), "new.csv", "--into", "out.csv")
    assert (said.status, "No space left on device" in said.err) == (1, True)
    assert not list(Path().glob("*out.csv*"))


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_texts(run: Path) -> None:
    peaks = {}
    for count in (10_000, 100_000):
        rows = (f"{n},soup {n % 977} was {'very ' * (n % 11)}salty\n" for n in range(count))
        Path("many.csv").write_text("n,text\n" + "".join(rows))
        words = [sys.executable, "-m", "frostline", "predict", str(run), "many.csv", "--into", f"out{count}.csv"]
        peaks[count] = peak_mib(words)
        with Path(f"out{count}.csv").open(newline="") as file:
            assert [row["n"] for row in csv.DictReader(file)] == [str(n) for n in range(count)]
    assert peaks[100_000] <= peaks[10_000] + 50, peaks  # MiB
