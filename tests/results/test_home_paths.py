"""Paths that begin with ~."""

from __future__ import annotations

import contextlib
import pwd
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostline import cli
from frostline.config.jobs import jobs_of_command
from frostline.errors import UserError
from frostline.results.home_paths import expand_home
from frostline.training.loggers.wandb_server import has_key

NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789_-", min_size=1, max_size=12).map("nobody-".__add__)
NOBODY, STORAGE = "~nobody-here/x", "hydra.sweeper.storage"


def test_a_home_folder_is_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert expand_home("~/a/b.csv", "key") == Path("/home/me/a/b.csv")
    assert expand_home("a/~/b.csv", "key") == Path("a/~/b.csv")
    user = pwd.getpwuid(0)
    assert expand_home(f"~{user.pw_name}/a", "key") == Path(user.pw_dir) / "a"


@given(NAMES, st.sampled_from(["", "/x.csv", "/a/b"]))
def test_a_path_in_the_home_of_nobody_is_refused(name: str, rest: str) -> None:
    with contextlib.suppress(KeyError):
        pwd.getpwnam(name)
        return
    with pytest.raises(UserError, match=f"^config has 1 problem:\n  a.key: '~{name}{rest}' begins with ~{name}, and"):
        expand_home(f"~{name}{rest}", "a.key")


@pytest.mark.parametrize(
    ("key", "overrides"),
    [
        ("dataset.train", ["dataset=table"]),
        ("dataset.val", ["dataset=table", "dataset.train=a.csv"]),
        ("dataset.name", ["dataset=hub"]),
        ("encoder.name", ["encoder=hub"]),
        ("encoder.name", ["encoder=hub", "head=verbalizer", "head.words={a:b}"]),
        ("cache.dir", []),
        ("paths.runs", []),
        ("freezing.file", ["freezing=rules"]),
    ],
)
def test_every_key_with_a_path_names_itself(
    key: str, overrides: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as caught:
        jobs_of_command([*overrides, f"{key}='{NOBODY}'", "seed=-1"])
    problems = {problem.key: problem.what for problem in caught.value.problems}
    assert f"'{NOBODY}' begins with ~nobody-here" in problems[key]
    assert "seed" in problems  # all problems at once


def test_the_folder_of_one_run_is_not_taken_literally(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"hydra\.run\.dir: '~/x' begins with ~, which Hydra does not expand"):
        jobs_of_command(["hydra.run.dir='~/x'"])


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (["cache", "ls", "--dir", NOBODY], "--dir"),
        (["status", NOBODY], "status"),
        (["diff", NOBODY, NOBODY], NOBODY),
        (["predict", NOBODY, "a.csv"], NOBODY),
        (["predict", "run", "a.csv", "--into", NOBODY], "--into"),
        (["-m", "hydra/sweeper=listed", f"hydra.sweeper.file='{NOBODY}'"], "hydra.sweeper.file"),
        (
            ["-m", "hydra/sweeper=optuna", f"hydra.sweeper.storage='{NOBODY}'", "seed=choice(1,2)"],
            "hydra.sweeper.storage",
        ),
    ],
)
def test_subcommands_and_sweepers_name_the_argument(
    words: list[str], key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert ended.value.code == 2
    assert f"  {key}: '{NOBODY}' begins with ~nobody-here, and there is no home folder" in capsys.readouterr().err


@pytest.mark.parametrize("variable", ["FROSTLINE_CACHE", "FROSTLINE_STORE"])
def test_variables_name_themselves(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from frostline.data.downloads.package_cache import store_folder

    monkeypatch.delenv("FROSTLINE_STORE", raising=False)
    monkeypatch.setenv(variable, NOBODY)
    with pytest.raises(UserError, match=f"{variable}: '{NOBODY}' begins with"):
        store_folder()


def test_a_netrc_file_in_no_home_folder_holds_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETRC", NOBODY)
    for name in ("WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    assert not has_key("https://api.wandb.ai")
