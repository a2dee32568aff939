"""The habits of the house that a test can hold; `lint-imports` holds its floors."""

from __future__ import annotations

import ast
import json
import re
import statistics
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HOUSE = Path(__file__).resolve().parents[1]
PACKAGE = HOUSE / "src" / "frostline"
FILES = sorted(PACKAGE.rglob("*.py"))
GROUND = [PACKAGE / f"{name}.py" for name in ("errors", "types", "console", "seeding")]
GROUND += [PACKAGE / "data" / "downloads" / "package_cache.py"]
GROUND += sorted((PACKAGE / "results").glob("*.py"))
GROUND += [PACKAGE / "cache" / f"{name}.py" for name in ("entry", "locks", "store", "checksums")]
PROJECT = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
HEAVY = {"torch", "lightning", "transformers", "hydra", "omegaconf", "wandb", "pandas", "numpy", "datasets"}
SOURCES = sorted((HOUSE / "src").rglob("*.py"))
TESTS = sorted((HOUSE / "tests").rglob("test_*.py"))
DOTTED = r"\b(?:frostline|hydra_plugins)(?:\.\w+)+"
Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
# Names that an interface, and not we, gives to functions: where (files below src), and by which interface
PROTOCOLS = {
    "forward": [r"frostline/(models|training|export/(modelling|formats))/"],  # torch.nn.Module
    "main": [r"frostline/(cli|commands/\w+)\.py"],  # the entry of the command and of each subcommand
    "load": [r"frostline/data/"],  # DatasetSource
    "downloads": [r"frostline/data/"],  # DatasetSource
    "problems": [r"frostline/data/datasets/", r"hydra_plugins/", r"frostline/export/formats/"],  # checks of a part
    "write": [r"frostline/export/formats/"],  # the formats of an export
    "state_dict": [r"frostline/"],  # torch and Lightning
    "load_state_dict": [r"frostline/"],  # torch and Lightning
    "attach": [r"frostline/models/"],  # Adapter
    "fit": [r"frostline/models/"],  # FittedHead
    "begin": [r"frostline/training/regularizers/"],  # Regularizer
    "setup": [r"hydra_plugins/"],  # Hydra's Launcher and Sweeper
    "launch": [r"hydra_plugins/"],  # Hydra's Launcher
    "select": [r"frostline/sweeps/fused/optimizers"],  # StackedOptimizer
    "update": [r"frostline/training/(multi_label_)?metrics"],  # torchmetrics.Metric
    "compute": [r"frostline/training/(multi_label_)?metrics"],  # torchmetrics.Metric
    "tokenize": [r"frostline/models/"],  # PromptHead
    "tokenize_and_count": [r"frostline/models/"],  # CountingTokenizer
    "token_nll": [r"frostline/models/(heads|interfaces)"],  # RecordedHead
    "run": [r"frostline/api/"],  # the functions of the package are called like its subcommands
    "plan": [r"frostline/api/"],
    "append_rows": [r"frostline/export/"],  # RowWriter
    "classes": [r"frostline/export/"],  # TextModel
    "thresholds": [r"frostline/export/"],  # TextModel
    "predict_window": [r"frostline/export/"],  # TextModel
    "on_validation_end": [r"frostline/training/"],  # lightning.Callback
}
CATCH_ALLS = {"util", "utils", "helper", "helpers", "common", "misc"}
FORBIDDEN = re.compile(r"\bA?GPL|(?<!Lesser )General Public License|non-?commercial|\bNC\b", re.IGNORECASE)


def below(file: Path) -> str:
    return file.relative_to(PACKAGE).as_posix()


def libraries(nodes: Iterable[ast.AST]) -> set[str]:
    """What is imported by these nodes, each by the first word of its name."""
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {name.split(".")[0] for name in names}


def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def importers(*names: str) -> set[str]:
    """Files that import a library, within their functions too."""
    return {below(file) for file in FILES if libraries(ast.walk(tree(file))) & set(names)}


def test_hydra_and_omegaconf_stop_in_compose_and_launch() -> None:
    found = importers("hydra", "omegaconf")
    assert {file for file in found if not file.startswith("config/")} == {"sweeps/execute.py"}


def test_the_private_modules_of_hydra_are_used_in_one_file() -> None:
    files = [file for file in (HOUSE / "src").rglob("*.py") if "hydra._internal" in file.read_text(encoding="utf-8")]
    assert files == [PACKAGE / "config" / "hydra_internals.py"]


def test_wandb_stops_in_its_logger() -> None:
    assert importers("wandb") == {"training/loggers/wandb_logger.py"}


def test_the_ground_floor_needs_the_standard_library_alone_to_be_imported() -> None:
    assert set().union(*(libraries(tree(file).body) for file in GROUND)) <= sys.stdlib_module_names | {"frostline"}


def test_the_ground_floor_loads_nothing_heavy() -> None:
    names = [f"frostline.{below(file)[:-3]}".replace("/", ".").removesuffix(".__init__") for file in GROUND]
    code = f"import json, sys, {', '.join(names)}; print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(json.loads(done.stdout))


def test_source_files_are_small() -> None:
    lines = {below(file): len(file.read_text(encoding="utf-8").splitlines()) for file in FILES}
    assert statistics.median(lines.values()) <= 120
    assert {file: count for file, count in lines.items() if count > 250} == {}


def test_a_folder_can_be_taken_in_at_a_glance() -> None:
    """There are at most 25 files directly in a folder; at the root of the package at most 14 folders and 12 files."""
    counts = Counter(file.parent for file in FILES)
    assert {folder: count for folder, count in counts.items() if count > 25} == {}
    root = next(file.parent for file in FILES if below(file) == "cli.py")
    folders = [folder for folder in root.iterdir() if folder.is_dir() and folder.name != "__pycache__"]
    assert len(folders) <= 14 and counts[root] <= 12


def test_every_file_has_a_subject() -> None:
    """A file that gathers what fits nowhere is a file without one."""
    found = [file for part in ("src", "tests") for file in (HOUSE / part).rglob("*.py")]
    assert [file for file in found if CATCH_ALLS & set(file.stem.split("_")) | CATCH_ALLS & {file.parent.name}] == []


def is_described(file: Path) -> bool:
    """By its docstring, or by that of the class or function that it is there for."""
    module = tree(file)
    public = [n for n in module.body if isinstance(n, ast.FunctionDef | ast.ClassDef) and not n.name.startswith("_")]
    return bool(ast.get_docstring(module) or (public and ast.get_docstring(public[0])))


def test_every_module_says_what_it_is() -> None:
    assert [below(file) for file in FILES if not is_described(file) and file.stem != "__main__"] == []


def test_the_checkers_look_away_only_for_a_reason() -> None:
    away = re.compile(r"# (type: ignore|noqa)")
    good = re.compile(r"# (type: ignore\[[\w-]+(, ?[\w-]+)*\]|noqa: [A-Z]+\d+)  # \w")
    lines = [(below(file), line) for file in FILES for line in file.read_text(encoding="utf-8").splitlines()]
    assert [(file, line) for file, line in lines if away.search(line) and not good.search(line)] == []


# Names


def definitions() -> Iterator[tuple[str, str, bool]]:
    """Yield file, name and whether it is a class, of each class, method and module-level function of src."""
    for file in SOURCES:
        for node in _definitions_in(tree(file).body):
            yield file.relative_to(HOUSE / "src").as_posix(), node.name, isinstance(node, ast.ClassDef)


def _definitions_in(body: Iterable[ast.stmt]) -> Iterator[Definition]:
    for node in body:
        if isinstance(node, Definition):
            yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _definitions_in(child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt))


def test_no_class_name_is_defined_twice() -> None:
    counts = Counter(name for _, name, is_class in definitions() if is_class)
    assert [name for name, count in counts.items() if count > 1] == []


def test_no_function_name_has_more_than_three_definitions_outside_a_protocol() -> None:
    counts = Counter(
        name
        for file, name, is_class in definitions()
        if not is_class
        and not (name.startswith("__") and name.endswith("__"))
        and not any(re.match(pattern, file) for pattern in PROTOCOLS.get(name, ()))
    )
    assert {name: count for name, count in counts.items() if count > 3} == {}


@pytest.mark.parametrize(("name", "pattern"), [(name, pattern) for name in PROTOCOLS for pattern in PROTOCOLS[name]])
def test_each_exception_for_a_protocol_is_needed(name: str, pattern: str) -> None:
    files = [file for file, other, is_class in definitions() if other == name and not is_class]
    assert any(re.match(pattern, file) for file in files)
    assert len(files) > 3


# Which test is of which file


def named_modules(file: Path) -> set[str]:
    """Return the modules of the package that a test file imports from, or that its docstring names."""
    module = tree(file)
    names = set(re.findall(DOTTED, ast.get_docstring(module) or ""))
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def module_name(file: Path) -> str:
    return ".".join(file.relative_to(HOUSE / "src").with_suffix("").parts).removesuffix(".__init__")


def test_every_file_above_60_lines_is_named_by_a_test() -> None:
    """A test names a module if it imports from it, or if its docstring names it, as where it runs a command."""
    named = set().union(*map(named_modules, TESTS))
    large = [file for file in SOURCES if len(file.read_text(encoding="utf-8").splitlines()) > 60]
    assert [module_name(file) for file in large if module_name(file) not in named] == []


def test_docstrings_of_tests_name_modules_that_exist() -> None:
    modules = {module_name(file) for file in SOURCES} | {module_name(file.parent / "__init__.py") for file in SOURCES}
    named = {(file.name, name) for file in TESTS for name in re.findall(DOTTED, ast.get_docstring(tree(file)) or "")}
    assert [pair for pair in sorted(named) if pair[1] not in modules] == []


# What others made


def requirements(*extras: str) -> list[Requirement]:
    lines = PROJECT["dependencies"] + [line for name in extras for line in PROJECT["optional-dependencies"][name]]
    return [Requirement(line) for line in lines]


def test_ranges_are_wide() -> None:
    """Exact versions stand in constraints.txt."""
    every = requirements(*PROJECT["optional-dependencies"])
    assert [str(r) for r in every if any(part.operator in ("==", "===", "~=") for part in r.specifier)] == []


FOR_OTHERS = {"accelerate", "gguf"}  # what transformers imports when it reads a gguf file


def test_the_declared_dependencies_are_those_that_the_source_imports() -> None:
    makers = {lib: set(map(canonicalize_name, names)) for lib, names in metadata.packages_distributions().items()}
    imported = set().union(*(libraries(ast.walk(tree(file))) for file in FILES))
    foreign = imported - sys.stdlib_module_names - {"frostline"}
    declared = {canonicalize_name(r.name) for r in requirements()}
    optional = {canonicalize_name(r.name) for r in requirements(*set(PROJECT["optional-dependencies"]) - {"dev"})}
    assert {library for library in foreign if not makers[library] & (declared | optional)} == set()
    assert declared - set().union(*(makers[library] for library in foreign)) == FOR_OTHERS


def with_theirs(
    found: Iterable[Requirement], extras: Iterable[str] = (), seen: frozenset[str] = frozenset()
) -> set[str]:
    """The names of these packages and of all that they need on this machine."""
    names = set(seen)
    for r in found:
        wanted = r.marker is None or any(r.marker.evaluate({"extra": extra}) for extra in ("", *extras))
        if wanted and r.name not in names:
            theirs = map(Requirement, metadata.requires(r.name) or [])
            names |= with_theirs(theirs, r.extras, frozenset(names | {r.name}))
    return names


def licence(package: str) -> list[str]:
    about = metadata.metadata(package)
    given = [about.get("License-Expression"), about.get("License", "").split("\n")[0]]
    given += [kind.rpartition("::")[2] for kind in about.get_all("Classifier") or [] if kind.startswith("License")]
    return [words for words in given if words]


def test_no_package_that_comes_along_is_gpl_or_non_commercial() -> None:
    assert [r.name for r in requirements() if not licence(r.name)] == []
    licences = {name: licence(name) for name in with_theirs(requirements())}
    assert {name: words for name, words in licences.items() if any(map(FORBIDDEN.search, words))} == {}


# What is told to the next engineer


def test_the_desk_runs_what_ci_runs() -> None:
    """Each command of the line in CONTRIBUTING.md, and each hook, is one of .ci/run or of the README it runs."""
    ci = (HOUSE / ".ci" / "run").read_text(encoding="utf-8") + (HOUSE / "README.md").read_text(encoding="utf-8")
    guide = (HOUSE / "CONTRIBUTING.md").read_text(encoding="utf-8")
    line = next(line for line in guide.splitlines() if "ruff check" in line and "&&" in line)
    hooks = re.findall(r"entry: (.+)", (HOUSE / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    commands = [command.strip() for command in line.split("&&")]
    assert set(hooks) <= set(commands)
    assert [command for command in commands if not re.search(rf"(^|/){re.escape(command)}$", ci, re.MULTILINE)] == []


def test_the_guide_quotes_the_code_as_it_is() -> None:
    """Each fenced block that opens with a path holds consecutive lines of that file."""
    guide = (HOUSE / "CONTRIBUTING.md").read_text(encoding="utf-8")
    quotes = re.findall(r"```\w+\n# (\S+)\n(.+?)```", guide, re.DOTALL)
    assert quotes
    assert [path for path, quoted in quotes if quoted not in (HOUSE / path).read_text(encoding="utf-8")] == []


def test_the_files_that_the_guide_says_to_change_exist() -> None:
    """In the table of things to add; of a path with NAME its folder and the common part of its name exist."""
    guide = (HOUSE / "CONTRIBUTING.md").read_text(encoding="utf-8")
    _, _, section = guide.partition("## To add something else")
    paths = re.findall(r"`((?:[\w.-]+/)+[\w.-]+\.(?:py|yaml))`", section.partition("\n## ")[0])
    assert len(paths) > 20
    roots = [HOUSE if path.startswith(("conf/", "src/", "tests/")) else HOUSE / "src" / "frostline" for path in paths]
    found = [any(root.glob(path.replace("NAME", "*"))) for root, path in zip(roots, paths, strict=True)]
    assert [path for path, exists in zip(paths, found, strict=True) if not exists] == []


def test_no_two_files_of_tests_have_one_name() -> None:
    """pytest would take one for the other, and so would the processes that a test starts."""
    names = [file.name for file in Path(__file__).parent.rglob("*.py")]
    assert sorted(names) == sorted(set(names))


def test_home_folders_are_expanded_in_one_place() -> None:
    """`expanduser` fails for a user that the machine does not know, which must be an error that names its key."""
    found = [below(file) for file in FILES if ".expanduser(" in file.read_text(encoding="utf-8")]
    assert found == ["results/home_paths.py"]
