"""Count the source files that one run enters on three trips through the package.

    python tests/support/trips.py                       # this checkout
    python tests/support/trips.py ../before/src src     # two checkouts, side by side
    python tests/support/trips.py --files               # with the names of the files

A real command runs in a child process with a profile function (`sys.setprofile`) in every thread. Two counts are
printed of each trip:

- entered: files of which Python calls a function or method during the trip. Each counts once. Calls that are made while
  a module is imported do not count, neither do methods that `dataclasses` generates, which belong to no file. Threads
  count, other processes do not: the command starts none.
- passed through: those of them that call into another file of the package, directly or through a library such as
  Lightning. A reader who follows the trip has to open these; the others are its ends, which a name can stand for.

The command is one run with a frozen encoder on a csv data set of 120 short texts. The trips are parts of it:

- command line to checked jobs: from the entry of `cli.main` to the return of the function that checks all jobs.
- config to result.json: the function that does a run, given its resolved config and its folder.
- csv to prediction: all that happens to a text of the csv on its way to predictions.parquet, which is four functions:
  the one that reads and splits the data set, the one that tokenizes a split, the one that scores the test set with the
  trained model, and the one that writes the predictions. Training is a trip of its own and does not count here.
"""

from __future__ import annotations

import argparse
import csv
import inspect
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

COMMAND = ["freezing=frozen", "logger=csv", "dataset=table", "dataset.train=train.csv", "trainer.max_epochs=2"]
TOPICS = {"sport": "the team won the match", "food": "the soup was too salty", "travel": "the train left at noon"}

# trip -> steps, each the names that the function has had: the module below the package, a colon, the function
TRIPS: dict[str, list[tuple[str, ...]]] = {
    "command line to checked jobs": [("cli:main",)],
    "config to result.json": [("train:run", "training.run:run")],
    "csv to prediction": [
        ("compose.corpora:load_corpus", "data.build:load_corpus"),
        ("data.tokens:read", "data.tokens:tokenize_split"),
        ("fit:Fit._evaluate", "training.fit:Fit._evaluate", "training.fit:evaluate_split"),
        ("predictions:write", "training.callbacks.predictions:write_predictions"),
    ],
}
ENDS = {
    "command line to checked jobs": ("compose.command:checked", "config.jobs:checked", "config.jobs:checked_jobs")
}  # before its step returns

KINDS = ("entered", "passed through")

Trips = dict[str, dict[str, list[str]]]  # trip -> kind -> the first function called of each file


class Recorder:
    """A profile function that notes which files of the package are entered while a trip goes on."""

    def __init__(self, package: Path) -> None:
        self.package = package
        self.entered: dict[str, dict[str, str]] = {trip: {} for trip in TRIPS}  # file -> the first function called
        self.passed: dict[str, set[str]] = {trip: set() for trip in TRIPS}
        self.steps: set[str] = set()  # all that were passed
        self._depth = dict.fromkeys(TRIPS, 0)
        self._ended: set[str] = set()
        self._files: dict[str, str | None] = {}
        self._begins = {name: trip for trip, steps in TRIPS.items() for names in steps for name in names}
        self._ends = {name: trip for trip, names in ENDS.items() for name in names}

    def __call__(self, frame: FrameType, event: str, arg: Any) -> None:
        if event not in ("call", "return") or (names := self._name(frame.f_code)) is None:
            return
        file, function = names
        trip = self._begins.get(function)
        if trip and event == "call":
            self.steps.add(function)
            self._depth[trip] += 1
        if event == "call":
            self._enter(file, function, frame)
        if trip and event == "return":
            self._depth[trip] -= 1
        if event == "return" and (ended := self._ends.get(function)):
            self.steps.add(function)
            self._ended.add(ended)

    def _enter(self, file: str, function: str, frame: FrameType) -> None:
        caller = self._caller(frame)
        for trip, depth in self._depth.items():
            if depth == 0 or trip in self._ended:
                continue
            entered, passed = self.entered[trip], self.passed[trip]
            onward = caller if caller != file and caller in entered and caller not in passed else None
            if (file in entered and onward is None) or self._is_import(frame):
                continue
            entered.setdefault(file, function)
            if onward is not None:
                passed.add(onward)

    def _caller(self, frame: FrameType) -> str | None:
        """Return the file of the nearest calling function of the package, past all libraries between."""
        outer = frame.f_back
        while outer is not None:
            if (names := self._name(outer.f_code)) is not None:
                return names[0]
            outer = outer.f_back
        return None

    def _name(self, code: CodeType) -> tuple[str, str] | None:
        """Return the file below the package and the function's name; None for all other code and for imports."""
        if code.co_filename not in self._files:
            path = Path(code.co_filename)
            inside = path.is_relative_to(self.package)
            self._files[code.co_filename] = path.relative_to(self.package).as_posix() if inside else None
        file = self._files[code.co_filename]
        if file is None or not is_function(code):
            return None
        return file, f"{file.removesuffix('.py').replace('/', '.')}:{code.co_qualname}"

    def _is_import(self, frame: FrameType | None) -> bool:
        """Return whether the call is made while a module of the package is imported."""
        while frame is not None:
            if frame.f_code.co_filename.startswith(f"{self.package}{os.sep}") and not is_function(frame.f_code):
                return True
            frame = frame.f_back
        return False


def is_function(code: CodeType) -> bool:
    """Return False for the code of a module or of the body of a class."""
    return bool(code.co_flags & inspect.CO_OPTIMIZED)


def record(target: Path) -> None:
    """Run the command in this process and write what was entered as json to `target`."""
    import frostline
    from frostline import cli

    recorder = Recorder(Path(frostline.__file__).parent)
    threading.setprofile(recorder)
    sys.setprofile(recorder)
    try:
        cli.main(COMMAND)
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    steps = [(trip, names) for trip, every in TRIPS.items() for names in every] + list(ENDS.items())
    missing = [f"{trip}: {' or '.join(names)}" for trip, names in steps if not recorder.steps & set(names)]
    trips = {
        trip: {"entered": list(files.values()), "passed through": [files[file] for file in recorder.passed[trip]]}
        for trip, files in recorder.entered.items()
    }
    target.write_text(json.dumps({"trips": trips, "missing": missing}))


def measure(source: Path) -> Trips:
    """Return the files of each trip, with the package in the folder `source`.

    Raises:
        SystemExit: the command failed, or a function that marks a trip has moved and TRIPS does not know where to.
    """
    with tempfile.TemporaryDirectory() as folder:
        write_texts(Path(folder, "train.csv"))
        env = {**os.environ, "PYTHONPATH": str(source.resolve()), "FROSTLINE_STORE": str(Path(folder, "store"))}
        child = [sys.executable, str(Path(__file__).resolve()), "--record", "trips.json"]
        done = subprocess.run(child, cwd=folder, env=env, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{source}: the command failed\n{done.stdout}{done.stderr}")
        recorded: dict[str, Any] = json.loads(Path(folder, "trips.json").read_text())
    if recorded["missing"]:
        raise SystemExit(f"{source}: never called, mend TRIPS or ENDS\n" + "\n".join(recorded["missing"]))
    trips: Trips = recorded["trips"]
    return trips


def write_texts(path: Path) -> None:
    """Write a csv of 120 texts in three classes."""
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "label"])
        rows.writerows([f"{words}, said person {i}", topic] for i in range(40) for topic, words in TOPICS.items())


def main() -> None:
    parser = argparse.ArgumentParser(description="Count the source files that a run enters on three trips.")
    own = Path(__file__).resolve().parents[2] / "src"
    parser.add_argument("sources", nargs="*", type=Path, default=[own], help="folders that hold the package")
    parser.add_argument("--files", action="store_true", help="print the files too")
    parser.add_argument("--record", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.record:
        record(arguments.record)
        return
    measured = [measure(source) for source in arguments.sources]
    print(f"{'files':45}", *(f"{source!s:>16}" for source in arguments.sources))
    for trip in TRIPS:
        for kind in KINDS:
            print(f"{f'{trip}, {kind}':45}", *(f"{len(trips[trip][kind]):16}" for trips in measured))
    for source, trips in zip(arguments.sources, measured, strict=True) if arguments.files else ():
        for trip in TRIPS:
            marked = [
                ("* " if name in trips[trip]["passed through"] else "  ") + name for name in trips[trip]["entered"]
            ]
            print(f"\n{source}: {trip} (*: passed through)", *marked, sep="\n")


if __name__ == "__main__":
    main()
