"""The model card of a trained model: what its record says, as the README of an exported folder."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from frostline.export.score_intervals import bootstrap_interval, read_text_scores
from frostline.export.siblings import Siblings, find_siblings
from frostline.models.trained import TrainedModel
from frostline.results.atomic_files import read_json
from frostline.results.metric_names import CLASS_F1

SHOWN_TIES, SHOWN_CLASSES = 5, 50
MAIN = "f1_macro"
SCORE_NAMES = {
    "accuracy": "accuracy",
    "f1_macro": "macro F1",
    "f1_micro": "micro F1",
    "ece": "calibration error (ECE)",
    "loss": "loss (nats)",
}
LIBRARIES = {
    "transformers": "transformers",
    "peft": "peft",
    "sentence-transformers": "sentence-transformers",
    "onnx": "onnx",
}


def model_card(trained: TrainedModel, format: str) -> str:
    """Return the README.md of an exported folder, with the front matter that the Hugging Face hub reads.

    All that it says is in the record of the run. format: that of the folder, such as transformers.
    """
    environment = read_json(trained.folder.environment)
    siblings = find_siblings(trained.folder.path, f"test/{MAIN}")
    sections = [
        ("", _introduction(trained)),
        ("Scores", _score_table(trained, siblings)),
        ("Further test sets", _further_test_sets(trained)),
        ("Scores of the classes", _classes(trained)),
        ("Data", _data(trained, environment)),
        ("Limits", _limits(trained, environment)),
        ("Training", _training(trained, environment)),
        ("Cost", _cost(trained)),
        ("Reproduction", _reproduction(trained, environment)),
    ]
    filled = [(title, "\n".join(lines)) for title, lines in sections]
    body = "\n".join(f"## {title}\n\n{text}\n" if title else f"{text}\n" for title, text in filled if text)
    return f"---\n{_front_matter(trained, format)}---\n\n# {trained.folder.path.resolve().name}\n\n{body}"


def _front_matter(trained: TrainedModel, format: str) -> str:
    metrics = trained.result["metrics"]
    scores = [
        {"type": kind, "name": SCORE_NAMES[name], "value": metrics[f"test/{name}"]}
        for name, kind in (("accuracy", "accuracy"), (MAIN, "f1"))
        if f"test/{name}" in metrics
    ]
    dataset = str(trained.result["choices"].get("dataset"))
    entries: dict[str, Any] = {
        "pipeline_tag": "text-classification",
        "library_name": LIBRARIES.get(format, format),
        "tags": ["frostline", "text-classification"],
    }
    if trained.config["encoder"].get("pin") is None and (name := trained.config["encoder"].get("name")):
        entries["base_model"] = name
    task = {"type": "text-classification", "name": "Text classification"}
    result = {"task": task, "dataset": {"type": dataset, "name": dataset}, "metrics": scores}
    entries["model-index"] = [{"name": trained.folder.path.resolve().name, "results": [result]}]
    text: str = yaml.safe_dump(entries, sort_keys=False, allow_unicode=True)
    return text


def _introduction(trained: TrainedModel) -> Iterator[str]:
    kind = "any number of the" if trained.multi_label else "one of the"
    pairs = "a pair of texts" if isinstance(trained.config["dataset"].get("text_column"), list) else "a text"
    shown = ", ".join(f"`{name}`" for name in trained.classes[:SHOWN_CLASSES])
    more = len(trained.classes) - SHOWN_CLASSES
    further = f" and {more} more" if more > 0 else ""
    yield f"Predicts {kind} {len(trained.classes)} classes of {pairs}: {shown}{further}."
    choices = trained.result["choices"]
    names = [f"{group} `{choices[group]}`" for group in ("encoder", "pooler", "head", "adapter") if group in choices]
    yield f"\nTrained with Frostline: {', '.join(names)}, freezing strategy `{choices.get('freezing')}`."


def _score_table(trained: TrainedModel, siblings: Siblings | None) -> Iterator[str]:
    metrics = trained.result["metrics"]
    scores = read_text_scores(trained.folder.predictions, "test", trained.classes, trained.thresholds)
    texts = f"{len(scores.true):,} texts of the test set"
    yield f"On the {texts}; intervals are 95% bootstrap intervals over these texts.\n"
    yield "| score | value | interval |"
    yield "| --- | --: | --- |"
    for name, title in SCORE_NAMES.items():
        if f"test/{name}" in metrics:
            has_interval = name in ("accuracy", MAIN)
            low, high = bootstrap_interval(scores, name) if has_interval else (0.0, 0.0)
            yield f"| {title} | {metrics[f'test/{name}']:.4f} | {f'{low:.4f} to {high:.4f}' if has_interval else ''} |"
    if siblings is not None:
        yield from _seeds(siblings)


def _seeds(siblings: Siblings) -> Iterator[str]:
    seeds = siblings.seeds
    if seeds.n > 1 and seeds.mean is not None and seeds.std is not None:
        yield f"\nOver {seeds.n} seeds, macro F1 has the mean {seeds.mean:.4f}, standard deviation {seeds.std:.4f}"
        if seeds.low is not None and seeds.high is not None:
            yield f"(95% interval of the mean, by Student's t: {seeds.low:.4f} to {seeds.high:.4f})."
        else:
            yield "(too few seeds for an interval)."
    if not siblings.others:
        return
    best = "has the highest mean" if siblings.is_best else "does not have the highest mean"
    yield f"\nOf {len(siblings.others) + 1} settings on these texts in the same folder, this one {best}."
    tested = [other for other in siblings.ties if other.p is not None]
    untested = [other for other in siblings.others if other.p is None]
    if tested:
        shown = "; ".join(f"{o.differences} (mean {o.mean:.4f}, p={o.p:.3f})" for o in tested[:SHOWN_TIES])
        yield f"{len(tested)} of them tie with it (paired sign-flip test over seeds, Holm's correction): {shown}."
    if untested:
        yield f"{len(untested)} of them have too few common seeds for a test (the smallest p needs 6)."


def _further_test_sets(trained: TrainedModel) -> Iterator[str]:
    metrics = dict(trained.result["metrics"])
    for record in trained.folder.read_evaluations().values():
        metrics |= record["metrics"]
    names = list(dict.fromkeys(name.partition("/")[0] for name in metrics if name.startswith("test_")))
    if not names:
        return
    titles = [name for name in SCORE_NAMES if any(f"{each}/{name}" in metrics for each in names)]
    yield f"| test set | {' | '.join(SCORE_NAMES[title] for title in titles)} |"
    yield f"| --- |{' --: |' * len(titles)}"
    for name in names:
        cells = [f"{metrics[key]:.4f}" if (key := f"{name}/{title}") in metrics else "" for title in titles]
        yield f"| {name.removeprefix('test_')} | {' | '.join(cells)} |"


def _classes(trained: TrainedModel) -> Iterator[str]:
    prefix = f"test/{CLASS_F1}"
    f1 = {name.removeprefix(prefix): v for name, v in trained.result["metrics"].items() if name.startswith(prefix)}
    if not f1:
        return
    scores = read_text_scores(trained.folder.predictions, "test", trained.classes, trained.thresholds)
    limits = trained.thresholds
    yield f"| class | F1 | test texts |{' threshold |' if limits else ''}"
    yield f"| --- | --: | --: |{' --: |' if limits else ''}"
    for number, (name, texts) in enumerate(zip(trained.classes, scores.true.sum(axis=0), strict=True)):
        threshold = f" {limits[number]:.4f} |" if limits else ""
        yield f"| {_cell(name)} | {f1[name]:.4f} | {int(texts):,} |{threshold}"


def _data(trained: TrainedModel, environment: Mapping[str, Any]) -> Iterator[str]:
    data = environment["data"]
    counts = ", ".join(f"{count:,} of {part}" for part, count in data["texts"].items())
    yield f"- Data set `{trained.result['choices'].get('dataset')}`: {counts} texts"
    yield f"- Fingerprint of texts, labels and splits: `{data['fingerprint']}`"
    yield f"- Fingerprint of the encoder before training: `{environment['encoder']['fingerprint']}`"
    for name, shift in data.get("shifts", {}).items():
        yield f"- Test set `{name}`: {shift['texts']:,} texts, fingerprint `{shift['fingerprint']}`"
    if data.get("noised"):
        yield f"- {data['noised']:,} training labels were replaced by wrong ones (`dataset.label_noise`)"
    yield from (f"- {note['message'][:1].upper()}{note['message'][1:]}" for note in data.get("notes", ()))


def _limits(trained: TrainedModel, environment: Mapping[str, Any]) -> Iterator[str]:
    yield f"- Texts are truncated to {trained.max_length} tokens."
    for part, counts in environment.get("tokens", {}).items():
        if counts["truncated"]:
            share = counts["truncated"] / counts["texts"]
            left_out = counts["cut"] / counts["tokens"]
            yield f"- {share:.1%} of the texts of {part} were truncated, which left out {left_out:.1%} of their tokens."
    if not any(counts["truncated"] for counts in environment.get("tokens", {}).values()):
        yield "- No text of the data set was longer." if environment.get("tokens") else "- It is not recorded how many."
    ece = trained.result["metrics"].get("test/ece")
    if ece is not None:
        yield f"- On the test set the confidence differs from the accuracy by {ece:.3f} on average (ECE, 15 bins)."
    if not trained.folder.read_evaluations() and not environment["data"].get("shifts"):
        yield "- It was not scored on texts of another domain."


def _training(trained: TrainedModel, environment: Mapping[str, Any]) -> Iterator[str]:
    best, soup = trained.result["best"], trained.result.get("soup")
    if best["epoch"] is not None and not soup:
        monitor = f" by `{best['monitor']}`" if best["monitor"] else ""
        yield f"The weights are those of epoch {best['epoch']}, which was selected{monitor}.\n"
    if trained.folder.plan.exists():
        yield f"```\n{trained.folder.plan.read_text(encoding='utf-8').rstrip()}\n```\n"
    if soup:
        yield f"The weights are the mean of those of {len(soup['used'])} runs: {', '.join(soup['used'])}.\n"
    optimizer = {key: value for key, value in trained.config["optimizer"].items() if not key.startswith("_")}
    settings = [f"seed {trained.config['seed']}", f"batches of {trained.config['dataset']['batch_size']} texts"]
    settings += [f"optimizer {trained.result['choices'].get('optimizer')} {json.dumps(optimizer)}"]
    yield f"{'; '.join(settings)}; precision {environment.get('precision')}, on {environment.get('device')}."


def _cost(trained: TrainedModel) -> Iterator[str]:
    cost, parameters = trained.result["cost"], trained.result["parameters"]
    yield f"- {parameters['total']:,} parameters, of which {parameters['ever_trainable']:,} were trained"
    if "seconds" in cost:
        yield f"- {cost['seconds']:,.0f} seconds, {cost.get('steps', 0):,} optimizer steps"
    if "peak_memory_bytes" in cost:
        yield f"- Peak memory of {cost['peak_memory_bytes'] / 2**20:,.0f} MiB"


def _reproduction(trained: TrainedModel, environment: Mapping[str, Any]) -> Iterator[str]:
    if "soup" in trained.result:
        yield f"```\n{environment['command']}\n```\n\nmakes the mean of the runs again.\n"
    else:
        command = shlex.join(["frostline", *(trained.result.get("overrides") or [])])
        yield f"```\n{command}\n```\n"
        yield "repeats the run, and `frostline reproduce` compares a repetition with the record.\n"
    git, packages = environment.get("git") or {}, environment.get("packages") or {}
    names = [f"{name} {packages[name]}" for name in ("frostline", "torch", "transformers", "peft") if name in packages]
    commit = f", commit `{git['commit']}`" if git.get("commit") else ""
    yield f"Run `{trained.result['id']}` with Python {environment.get('python')}, {', '.join(names)}{commit}."


def _cell(name: str) -> str:
    """Return a class name as a cell of a table."""
    return name.replace("|", "\\|").replace("\n", " ")
