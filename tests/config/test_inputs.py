"""One changed byte of anything that a run follows from is another run; a file that is only touched is not."""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline import session
from frostline.config import local_paths
from frostline.config.checks.source import capabilities
from frostline.config.fusable import shared_inputs
from frostline.config.inputs import describe_input, local_inputs, raise_if_changed, with_inputs
from frostline.errors import UserError
from frostline.results.file_digest import SMALL
from frostline.results.identity import describe_job, run_id

Config = dict[str, Any]
TABLE = {"_target_": "frostline.data.datasets.table.Table", "train": "my.csv", "val": None, "test": None}
HUB = {"_target_": "frostline.data.datasets.hub.Hub", "name": "texts", "train": "train", "test": "test"}
ENCODER = {"_target_": "frostline.models.encoders.pretrained.Pretrained", "name": "model", "pin": None}
HEAD = {"_target_": "frostline.models.heads.linear.Linear", "dropout": 0.0}
MODULES = ("lab/__init__.py", "lab/heads.py", "lab/scale.py", "lab/deep/__init__.py", "lab/deep/core.py", "alone.py")
SOURCES = {
    "lab/heads.py": b"from . import scale\nfrom .deep.core import width\ndef f():\n    import alone\n",
    "lab/scale.py": b"import os, torch\nfrom frostline.errors import Problem\n",
}

# kind -> the config, and the files that the run follows from
KINDS: dict[str, tuple[Config, tuple[str, ...]]] = {
    "train": ({"dataset": TABLE}, ("my.csv",)),
    "parts": ({"dataset": TABLE | {"val": "a/v.tsv", "test": "t.jsonl"}}, ("my.csv", "a/v.tsv", "t.jsonl")),
    "shift": ({"dataset": HEAD | {"shifted": {"mine": TABLE | {"train": "s.parquet"}}}}, ("s.parquet",)),
    "hub": ({"dataset": HUB}, ("texts/train.csv", "texts/data/test.csv", "texts/README.md")),
    "encoder": ({"encoder": ENCODER}, ("model/config.json", "model/model.safetensors", "model/tokenizer.json")),
    "adapter": ({"encoder": ENCODER}, ("model/adapter_config.json", "base/model.safetensors")),
    "code": ({"head": {"_target_": "lab.heads.Mine", "scale": 2.0}}, MODULES),
    "own file": ({"dataset": {"_target_": "lab.heads.Mine", "files": ["x.txt", "folder"]}}, ("x.txt", "folder/y.bin")),
    "converter": ({"encoder": ENCODER | {"pin": {"convert": "lab.heads.convert"}}}, MODULES[1:3]),
}


@contextmanager
def working_in(folder: str) -> Iterator[None]:
    """Work in a folder whose modules can be imported and have not been."""
    before, path, cwd = dict(sys.modules), list(sys.path), Path.cwd()
    os.chdir(folder)
    sys.path.append(folder)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        os.chdir(cwd)
        sys.path[:] = path
        for name in set(sys.modules) - set(before):
            del sys.modules[name]


def write(kind: str, large: bool = False) -> list[Path]:
    """Write all files of a kind, and return them."""
    files = [*KINDS[kind][1], *(MODULES if "lab." in str(KINDS[kind][0]) else ())]
    for name in dict.fromkeys(files):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        content = SOURCES.get(name, b"") if name.endswith(".py") else b"some content"
        Path(name).write_bytes(content + b"#" * 8 + (b"#" * SMALL if large else b""))
    if kind == "adapter":
        Path("model/adapter_config.json").write_bytes(b'{"base_model_name_or_path": "base", "r": 1}')
    return [Path(name) for name in KINDS[kind][1]]


def identity(config: Config) -> str:
    return run_id(with_inputs(config))


@settings(max_examples=80, deadline=None)
@given(data=st.data(), kind=st.sampled_from(sorted(KINDS)), large=st.booleans(), set_back=st.booleans())
def test_one_changed_byte_is_another_run_and_a_touch_is_not(
    data: st.DataObject, kind: str, large: bool, set_back: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder, working_in(folder), pytest.MonkeyPatch.context() as patch:
        patch.setenv("FROSTLINE_CACHE", f"{folder}/cache")
        config, files = KINDS[kind][0], write(kind, large)
        first = identity(config)
        file = data.draw(st.sampled_from(files))
        os.utime(file, ns=(0, data.draw(st.integers(0, 10**18))))
        assert identity(config) == first
        content, before = file.read_bytes(), file.stat()
        start = max(content.rfind(b"\n") + 1, len(content) - 8) if kind != "adapter" else len(content) - 2
        at = data.draw(st.integers(start, len(content) - 1)) if kind != "adapter" else start
        byte = data.draw(st.sampled_from([value for value in b"0123456789" if value != content[at]]))
        file.write_bytes(content[:at] + bytes([byte]) + content[at + 1 :])
        if set_back:
            os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert identity(config) != first
        file.write_bytes(content)
        assert identity(config) == first


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("FROSTLINE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(session.current(), "imported", {})
    with working_in(str(tmp_path)):
        yield


@pytest.mark.usefixtures("here")
def test_a_run_without_local_files_has_the_id_that_it_had(job: Callable[..., Any]) -> None:
    for folder in ("bert_tiny", "vader_movies", "linear", "train", "test"):  # names that no built-in part reads
        Path(folder).mkdir()
        Path(folder, "file").touch()
    assert "inputs" not in job().config
    hub = {"dataset": HUB | {"name": "owner/name"}, "encoder": ENCODER | {"name": "owner/model"}, "head": HEAD}
    assert (with_inputs(hub), identity(hub)) == (hub, run_id(hub))


@pytest.mark.usefixtures("here")
def test_files_of_the_same_name_in_two_folders_are_two_runs(tmp_path: Path) -> None:
    ids = []
    for name, content in (("one", "1"), ("two", "2"), ("three", "1")):
        (tmp_path / name).mkdir()
        os.chdir(tmp_path / name)
        Path("my.csv").write_text(content)
        ids.append(identity({"dataset": TABLE}))
    assert (len(set(ids)), ids[0]) == (2, ids[2])


@pytest.mark.usefixtures("here")
def test_what_is_read_is_named_by_its_key() -> None:
    config = KINDS["parts"][0] | KINDS["code"][0]
    write("parts"), write("code")
    found = local_inputs(config)
    assert sorted(found) == ["dataset.test", "dataset.train", "dataset.val", "head._target_"]
    assert describe_input(config, "dataset.val") == "'a/v.tsv'"
    assert describe_input(config, "head._target_") == "module lab.heads, or one that it imports,"
    assert describe_input(KINDS["own file"][0], "dataset.files.1") == "'folder'"
    assert describe_job(with_inputs(config), {}, [])["without_inputs"] == run_id(config)


@pytest.mark.usefixtures("here")
def test_a_user_s_part_may_say_which_of_its_arguments_are_files() -> None:
    write("own file")
    part: Config = {"_target_": "lab.heads.Mine", "kind": "folder", "files": "x.txt"}
    assert sorted(local_inputs({"dataset": part})) == ["dataset._target_", "dataset.files", "dataset.kind"]
    Path("lab/heads.py").write_text('class Mine:\n    local_files = ("files",)\n')
    capabilities.cache_clear()
    assert sorted(local_inputs({"dataset": part})) == ["dataset._target_", "dataset.files"]


@pytest.mark.usefixtures("here")
@settings(max_examples=60, deadline=None)
@given(value=st.one_of(st.text(), st.sampled_from(["", ".", "..", "/", "~", "~nobody/x", "x" * 5000, "\0", "???"])))
def test_any_text_may_stand_in_a_config(value: str) -> None:
    for part in ({"_target_": value}, {"_target_": "lab.heads.Mine", "text": value}, TABLE | {"train": value}):
        assert set(local_inputs({"dataset": part})) <= {"dataset._target_"}


@pytest.mark.usefixtures("here")
def test_a_run_ends_if_what_it_has_read_is_not_what_its_id_stands_for() -> None:
    (file,) = write("train")
    config = with_inputs(KINDS["train"][0])
    raise_if_changed(config)
    os.utime(file, ns=(1, 1))
    raise_if_changed(config)
    file.write_text("text,label\n")
    with pytest.raises(UserError, match=r"dataset\.train: 'my\.csv' has changed since the run began"):
        raise_if_changed(config)


@pytest.mark.usefixtures("here")
def test_a_module_that_has_changed_since_its_import_is_refused() -> None:
    write("code")
    Path("lab/heads.py").write_text("value = 1\n")
    first = identity(KINDS["code"][0])
    assert importlib.import_module("lab.heads").value == 1
    assert identity(KINDS["code"][0]) == first
    Path("lab/heads.py").write_text("value = 2\n")
    with pytest.raises(UserError, match=r"head\._target_: .* has changed since this process imported it"):
        local_inputs(KINDS["code"][0])


@pytest.mark.usefixtures("here")
def test_python_compiles_a_module_again_whose_size_and_time_are_those_of_the_old_one() -> None:
    write("code")
    file = Path("lab/heads.py")
    for value in (1, 2):
        file.write_text(f"value = {value}\n")
        os.utime(file, ns=(10**18, 10**18))
        local_inputs(KINDS["code"][0])
        assert importlib.import_module("lab.heads").value == value
        for name in [name for name in sys.modules if name.partition(".")[0] == "lab"]:
            del sys.modules[name]


@pytest.mark.usefixtures("here")
def test_runs_on_other_content_are_not_trained_together(job: Callable[..., Any]) -> None:
    write("train")
    config = job().config | KINDS["train"][0]
    config["dataset"] = config["dataset"] | {"max_length": 8}
    first = shared_inputs(with_inputs(config))
    Path("my.csv").write_text("edited")
    assert shared_inputs(with_inputs(config)) != first


@pytest.mark.usefixtures("here")
def test_a_file_that_cannot_be_read_is_a_problem_of_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(file: Path, memo: Path) -> str:
        raise PermissionError(13, "Permission denied")

    write("train")
    monkeypatch.setattr(local_paths, "file_digest", refuse)
    with pytest.raises(UserError, match=r"dataset\.train: 'my\.csv' cannot be read \(Permission denied\)"):
        with_inputs(KINDS["train"][0])
