"""`frostline export`: write the model of a run as a folder that other libraries load."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from frostline.errors import Problem, UserError, did_you_mean
from frostline.options import OptionParser
from frostline.results.compare.inputs import complete_runs
from frostline.results.folder import RunFolder
from frostline.results.home_paths import expand_home

FORMATS = ("auto", "transformers", "peft", "sentence-transformers", "onnx")
PARSER = OptionParser(
    "export",
    "Write the model of a complete run to a new folder, which other libraries load.",
    """\
RUN: the folder of a complete run. TO: the new folder, by default FORMAT in the folder export of the run.

  transformers           for AutoModelForSequenceClassification and pipeline("text-classification"). A modelling file in
                         the folder, for which they need trust_remote_code=True, is written if no class of transformers
                         has this pooler and head. LoRA, DoRA and (IA)3 are merged into the weights.
  peft                   adapter and head for PeftModel, and the model below them in its folder base
  sentence-transformers  encoder and pooler for SentenceTransformer; --with-head adds a head of linear layers
  onnx                   a graph from input_ids and attention_mask to logits
  auto                   transformers, also for a run with an adapter

The folder contains the tokenizer with the maximum length of the run, and the names and thresholds of the classes. It
gets its name when it was loaded again and gave the tokens and the outputs of the model of the run.

With --soup or --ensemble, several runs with one architecture and data set become one model in the new folder TO, which
has the files of a run. It is scored on the validation and test sets, and compared with the best single run.
""",
    usage="RUN [TO] [--format FORMAT] [--with-head] | RUN RUN [RUN ...] TO --soup|--ensemble",
)
PARSER.add_argument("paths", nargs="*", metavar="RUN", help="the folder of a complete run, and the new folder")
PARSER.add_argument("--format", default="auto", metavar="FORMAT", help=f"one of {', '.join(FORMATS)}; auto by default")
PARSER.add_argument(
    "--with-head", action="store_true", help="of sentence-transformers: also the head, as Dense modules"
)
PARSER.add_argument("--soup", action="store_true", help="the mean of the weights of several runs (arXiv:2203.05482)")
PARSER.add_argument("--ensemble", action="store_true", help="the mean of the probabilities of several runs")


def main(argv: list[str]) -> int:
    """Write the folder.

    Raises:
        UserError: the run is not complete, the format cannot hold its model, or the folder cannot be written.
    """
    options, problems = PARSER.parse_all(argv)
    if options.soup or options.ensemble:
        return _combine(options, problems)
    if not 1 <= len(options.paths) <= 2:
        what = "names no run" if not options.paths else f"names {len(options.paths)} folders"
        problems.append(Problem("export", what, "give frostline export RUN [TO]"))
    if options.format not in FORMATS:
        what = f"no format is called {options.format}"
        problems.append(Problem("--format", what, did_you_mean(options.format, FORMATS)))
    if options.with_head and options.format != "sentence-transformers":
        what = "only sentence-transformers can leave the head out"
        problems.append(Problem("--with-head", what, "leave it out, or add --format sentence-transformers"))
    if problems:
        raise UserError(problems, "command")
    run = RunFolder(Path(options.paths[0]))
    kind = "transformers" if options.format == "auto" else options.format
    target = Path(options.paths[1]) if len(options.paths) > 1 else run.path / "export" / kind
    from frostline.export.export import export_model
    from frostline.export.load import load_model

    print(f"{target}: {export_model(load_model(run.path), target, kind, options.with_head)}")
    return 0


def _combine(options: Namespace, problems: list[Problem]) -> int:
    """Write the soup or the ensemble of several runs."""
    *runs, target = options.paths or [""]
    if options.soup and options.ensemble:
        problems.append(Problem("--soup", "is given beside --ensemble", "leave out one of them"))
    if options.format != "auto" or options.with_head:
        what = "is for a single run"
        problems.append(Problem("--format", what, "leave it out, and export the new folder afterwards"))
    if len(runs) < 2:
        what = "needs two runs and a new folder"
        problems.append(Problem("export", what, "give frostline export RUN RUN TO --soup"))
    folders = complete_runs(runs, problems)
    from frostline.export.ensemble import make_ensemble
    from frostline.export.soup import make_soup

    make = make_soup if options.soup else make_ensemble
    print(f"{target}: {make([run.path for run in folders], expand_home(target, target))}")
    return 0
