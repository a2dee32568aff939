"""`frostline check` and `plan` estimate, before anything is loaded, which share of the texts a run will truncate.

Tests frostline.config.checks.truncation.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from command_line import Command, in_process
from frostline.config.checks import table_texts
from frostline.data.files import first_rows
from frostline.instantiate import make
from parts import config

frostline = in_process
MOST = 20


def write(file: str, pairs: bool = False, count: int = 80) -> pd.DataFrame:
    words = [" ".join(["word"] * (1 + n // 2)) + f" {n}" for n in range(count)]
    frame = pd.DataFrame({"text": words, "other": words[::-1], "label": ["a", "b"] * (count // 2)})
    match Path(file).suffix:
        case ".csv":
            frame.to_csv(file, index=False)
        case ".tsv":
            frame.to_csv(file, index=False, sep="\t")
        case ".jsonl":
            Path(file).write_text("".join(json.dumps(row) + "\n" for row in frame.to_dict("records")))
        case ".parquet":
            frame.to_parquet(file)
    return frame


def share(frame: pd.DataFrame, columns: list[str]) -> str:
    """Return the share of texts that the encoder of a run would truncate."""
    texts: list[Any] = (
        list(frame[columns].itertuples(index=False, name=None)) if len(columns) == 2 else list(frame["text"])
    )
    counts = make(config("encoder", "bert_tiny")).tokenize_and_count(texts, MOST)
    return f"{sum(cut > 0 for cut in counts.cut) / len(texts):.0%}"


@pytest.mark.parametrize("file", ["my.csv", "my.tsv", "my.jsonl", "my.parquet"])
@pytest.mark.parametrize("pairs", [False, True])
def test_the_estimate_of_a_small_file_is_the_share_of_a_run(frostline: Command, file: str, pairs: bool) -> None:
    frame, columns = write(file), ["text", "other"] if pairs else ["text"]
    words = ["dataset=table", f"dataset.train={file}", f"dataset.max_length={MOST}", "logger=csv"]
    words += ["dataset.text_column=[text,other]"] if pairs else []
    expected = f"  about {share(frame, columns)} of the texts are longer than dataset.max_length={MOST}"
    expected += " (estimate from 80 texts)"
    assert frostline("check", "-m", *words, "seed=1,2").out.splitlines()[3:] == [expected]


def test_of_a_large_file_the_first_rows_are_read(monkeypatch: pytest.MonkeyPatch, frostline: Command) -> None:
    monkeypatch.setattr(table_texts, "LARGE_BYTES", 100)
    monkeypatch.setattr(first_rows, "ROWS", 10)
    for file in ("my.csv", "my.jsonl", "my.parquet"):
        write(file)
        tenth_row = [*re.finditer(b"\n", Path(file).read_bytes())][11 if file == "my.csv" else 10 :]
        monkeypatch.setattr(first_rows, "BYTES", tenth_row[0].start() if tenth_row else 0)
        out = frostline("check", "dataset=table", f"dataset.train={file}", "dataset.max_length=5").out
        assert "(estimate from 10 texts)" in out, file


def test_a_large_file_that_is_cut_within_a_cell_has_no_estimate(
    monkeypatch: pytest.MonkeyPatch, frostline: Command
) -> None:
    monkeypatch.setattr(table_texts, "LARGE_BYTES", 100)
    monkeypatch.setattr(first_rows, "BYTES", 60)
    lines = [f'"{"a b c " * 5}\n{"d e f " * 5}{n}",{"ab"[n % 2]}' for n in range(40)]
    Path("my.csv").write_text("\n".join(["text,label", *lines]))
    out = frostline("check", "dataset=table", "dataset.train=my.csv", "dataset.max_length=5")
    assert (out.status, len(out.out.splitlines())) == (0, 2), out.err


def test_texts_are_read_as_a_run_reads_them(frostline: Command) -> None:
    """Quotation marks in a tsv are characters, NA is a text, and the separator is that of the header."""
    rows = [
        f"{text};{'ab'[n % 2]}" for n, text in enumerate(["NA", "null", *(f"so long a text {n}" for n in range(38))])
    ]
    Path("my.csv").write_text("\n".join(["text;label", *rows]))
    out = frostline("check", "dataset=table", "dataset.train=my.csv", "dataset.max_length=4").out
    assert "data: my.csv is separated by semicolons, as its header shows" in out
    assert "about 95% of the texts are longer than dataset.max_length=4 (estimate from 40 texts)" in out


def test_templates_and_demonstrations_count(frostline: Command) -> None:
    write("my.csv")
    words = ["dataset=table", "dataset.train=my.csv", "dataset.max_length=60", "head=verbalizer", "freezing=direct"]
    words += ["head.words={a: good, b: bad}"]
    assert "truncat" not in frostline("check", *words).out and "longer" not in frostline("check", *words).out
    template = f"head.template='{'so ' * 30}{{text}} is {{mask}}'"
    longer = frostline("check", *words, template)
    assert longer.status == 0, longer.err
    assert "of the texts are longer than dataset.max_length=60" in longer.out


def test_plan_prints_it_too(frostline: Command) -> None:
    frame = write("my.csv", count=400)
    out = frostline("plan", "dataset=table", "dataset.train=my.csv", f"dataset.max_length={MOST}").err
    (line,) = [line for line in out.splitlines() if line.startswith("about ")]
    assert abs(int(line.split()[1].rstrip("%")) - int(share(frame, ["text"]).rstrip("%"))) <= 5


def test_check_needs_neither_torch_nor_transformers_for_it() -> None:
    write("my.csv")
    program = (
        "import sys; from frostline.cli import main\n"
        f"main(['check', 'dataset=table', 'dataset.train=my.csv', 'dataset.max_length={MOST}'])\n"
        "print(sorted({'torch', 'transformers', 'tokenizers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "['tokenizers']", done.stderr
