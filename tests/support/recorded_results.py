"""Record the results of small runs, and compare two recordings bit by bit.

    python tests/support/recorded_results.py record FOLDER [NAME ...]
    python tests/support/recorded_results.py compare BEFORE AFTER [NAME ...]

`record` trains every run of RUNS, or those named, with the command `python -m frostline`, and writes metrics, curves,
weights and predictions to FOLDER/results.json. Runs that the file already contains are not trained again. The command
uses the package that Python imports, so PYTHONPATH=CLONE/src records another version of the source; the script itself
imports nothing of the package. Downloads go to FROSTLINE_CACHE.

`compare` takes two such folders, prints for every run whether it is equal or which values differ, and exits with
status 1 if any value differs or is missing.

The bits depend on the processor and on the versions of the libraries: make both recordings on one machine and in one
environment. A recording takes about 15 minutes on two cores.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import random
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from safetensors import deserialize

SMALL = (
    "logger=csv trainer.accelerator=cpu trainer.max_epochs=2 dataset.batch_size=16 dataset.max_length=32"
    " dataset.max_train=96 dataset.max_val=48 dataset.max_test=48"
)
WORDS = "head.words='{negative: terrible, neutral: okay, positive: great}'"
CAUSAL = "encoder=hub encoder.name=causal encoder.objective=causal"
RUNS = {  # name -> command line; all but `readme` have SMALL too
    "readme": "-m freezing=direct,frozen,full",
    "full": "freezing=full loss=focal",
    "frozen": "freezing=frozen head=mlp",
    "direct": "freezing=direct head=label_similarity",
    "top_k": "freezing=top_k pooler=attention",
    "bottom_k": "freezing=bottom_k dataset.label_noise=0.1 loss.label_smoothing=0.1",
    "lp_ft": "freezing=lp_ft freezing.probe_epochs=1 head=cosine",
    "gradual": "freezing=gradual trainer.max_epochs=5 pooler=max",
    "discriminative": "freezing=discriminative averaging=swa",
    "bitfit": "freezing=bitfit pooler=cls scheduler=cosine",
    "layer_norm": "freezing=layer_norm optimizer=sgd scheduler=constant",
    "surgical": "freezing=surgical freezing.first=1 head=mlp",
    "embeddings_frozen": "freezing=embeddings_frozen freezing.layer_decay=0.9 scheduler=slanted_triangular",
    "plateau": "freezing=plateau freezing.min_delta=1000 trainer.max_epochs=5",
    "autofreeze": "freezing=autofreeze trainer.max_epochs=4",
    "auto_rgn": "freezing=auto_rgn pooler=attention",
    "chain_thaw": "freezing=chain_thaw trainer.max_epochs=5 pooler=layer_mix",
    "logistic": "freezing=frozen head=logistic head.C=10 cache.mode=off",
    "knn": "freezing=frozen head=knn pooler=max",
    "prototype": "freezing=frozen head=prototype head.standardize=true pooler=cls",
    "verbalizer": f"freezing=full head=verbalizer {WORDS}",
    "likelihood": f"freezing=direct head=likelihood head.examples=1 head.calibrate=true {CAUSAL}"
    " dataset.max_length=256",
    "causal": f"freezing=lp_ft freezing.probe_epochs=1 pooler=weighted_last {CAUSAL}",
    "lora": "adapter=lora freezing=lp_ft freezing.probe_epochs=1",
    "dora": "adapter=dora freezing=full",
    "ia3": "adapter=ia3 freezing=full pooler=attention",
    "prefix": "adapter=prefix freezing=full",
    "prompt": "adapter=prompt freezing=full pooler=max",
    "supcon": "loss=supcon freezing=top_k",
    "contrastive": "loss=contrastive head=logistic freezing=full",
    "mixout": "regularizer=mixout freezing=full",
    "rdrop": "regularizer=rdrop freezing=full head=mlp",
    "l2_sp": "regularizer=l2_sp freezing=discriminative",
    "ema": "averaging=ema freezing=full",
    "wise_ft": "averaging=wise_ft freezing=full dataset.shifts=[vader_tweets]",
    "shifts": "freezing=frozen dataset.shots=16 dataset.shifts=[vader_nyt,vader_tweets] dataset.max_train=null",
    "several_labels": "dataset=table dataset.train=tags.jsonl freezing=lp_ft freezing.probe_epochs=1",
    "intents": "dataset=ha_intents freezing=full loss.class_weights=balanced dataset.max_train=192",
    "accumulation": "freezing=full trainer.accumulate_grad_batches=4",
    "ddp": "trainer=ddp trainer.devices=2 freezing=full head=mlp",
    "ddp_phases": "trainer=ddp trainer.devices=2 freezing=gradual trainer.max_epochs=4 adapter=lora",
    "fsdp2": "trainer=fsdp2 trainer.devices=2 freezing=full",
    "fsdp2_phases": "trainer=fsdp2 trainer.devices=2 freezing=lp_ft freezing.probe_epochs=1 pooler=attention",
    "fused": "-m hydra/launcher=fused freezing=frozen head=linear,mlp seed=1,2",
    "fused_solved": "-m hydra/launcher=fused freezing=frozen head=logistic,prototype,linear",
    "joblib": "-m hydra/launcher=joblib hydra.launcher.n_jobs=2 freezing=full,bitfit,frozen",
    "search": "-m hydra/sweeper=optuna hydra.sweeper.n_trials=3 freezing=frozen"
    " 'optimizer.lr=tag(log,interval(1e-4,1e-1))'",
    "killed": "freezing=gradual averaging=ema trainer.max_epochs=5 trainer.checkpoint_seconds=0",
    "killed_fused": "-m hydra/launcher=fused freezing=frozen head=linear,mlp trainer.max_epochs=20"
    " trainer.checkpoint_seconds=0",
    "killed_ddp": "trainer=ddp trainer.devices=2 freezing=lp_ft freezing.probe_epochs=2 trainer.max_epochs=4"
    " trainer.checkpoint_seconds=0",
}
# These are killed with SIGKILL after the first epoch and continued by the same command.
KILLED = ("killed", "killed_fused", "killed_ddp")
OLDER_KEYS = {"trainer.accumulate_grad_batches": "trainer.accumulate", "loss.label_smoothing": "loss.smoothing"}
FIXED = {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "WANDB_MODE": "disabled"}
Result = dict[str, dict[str, str]]  # kind of value -> name of the value -> its bits


def record(folder: Path, names: Sequence[str]) -> int:
    """Add the runs that folder/results.json does not contain yet; return 1 if a run fails."""
    file, failed = folder / "results.json", False
    folder.mkdir(parents=True, exist_ok=True)
    results = json.loads(file.read_text()) if file.exists() else {}
    for name in names or RUNS:
        if any(run_of(key) == name for key in results):
            continue
        start = time.monotonic()
        try:
            results |= train(name)
        except RuntimeError as error:
            failed = True
            print(f"{name}: failed\n{error}", flush=True)
            continue
        file.write_text(json.dumps(results, indent=1) + "\n")
        print(f"{name}: {time.monotonic() - start:.0f} s", flush=True)
    return int(failed)


def compare(before: Path, after: Path, names: Sequence[str]) -> int:
    """Print for every run whether its values are equal; return 1 if a value differs or is missing."""
    old, new = (json.loads((folder / "results.json").read_text()) for folder in (before, after))
    keys = [key for key in old | new if not names or run_of(key) in names]
    differing = {key: list(differences(old.get(key), new.get(key))) for key in keys}
    for key, lines in differing.items():
        print(f"{key}: {'; '.join(lines) or 'equal'}")
    print(f"{list(differing.values()).count([])} of {len(keys)} results are equal")
    return int(not keys or any(differing.values()))


def differences(old: Result | None, new: Result | None) -> Iterator[str]:
    """Yield the first three values of each kind that differ."""
    if old is None or new is None:
        yield f"missing {'after' if new is None else 'before'}"
        return
    for kind in old:
        values = [(name, old[kind].get(name), new[kind].get(name)) for name in old[kind] | new[kind]]
        yield from [f"{kind} {name}: {left} != {right}" for name, left, right in values if left != right][:3]


def run_of(key: str) -> str:
    """Return the name in RUNS of a result, whose key has the overrides of the job too in a sweep."""
    return key.partition(":")[0]


def train(name: str) -> dict[str, Result]:
    """Train one run or sweep in an empty folder; return its results.

    Raises:
        RuntimeError: if the command fails, or ends before it can be killed.
    """
    words = [present(word) for word in shlex.split(RUNS[name] if name == "readme" else f"{SMALL} {RUNS[name]}")]
    with tempfile.TemporaryDirectory() as path:
        folder = Path(path)
        write_inputs(folder, words)
        if name in KILLED:
            kill_after_an_epoch(words, folder)
        process = start(words, folder)
        if process.wait() != 0:
            output = (folder / "output.txt").read_text()[-3000:]
            raise RuntimeError(f"frostline {shlex.join(words)}: status {process.returncode}\n{output}")
        results = {}
        for file in sorted(folder.glob("runs/**/result.json")):
            swept = [word for word in json.loads(file.read_text())["overrides"] if word not in words]
            results[": ".join([name, *([" ".join(swept)] if swept else [])])] = result(file.parent)
    return results


def result(folder: Path) -> Result:
    """Return what a complete run folder contains, as strings that are equal if and only if the bits are."""
    metrics = json.loads((folder / "result.json").read_text())["metrics"]
    with (folder / "metrics.csv").open(newline="") as file:
        curves = {f"{row['name']} at step {row['step']}": row["value"] for row in csv.DictReader(file)}
    tensors = dict(pair for file in folder.glob("checkpoints/*.safetensors") for pair in deserialize(file.read_bytes()))
    table = pq.read_table(folder / "predictions.parquet")
    return {
        "metric": {name: repr(value) for name, value in metrics.items()},
        "curve": curves,
        "weight": {name: digest(repr((t["dtype"], t["shape"], bytes(t["data"])))) for name, t in tensors.items()},
        "prediction": {name: digest(repr(table[name].to_pylist())) for name in table.column_names},
    }


def digest(text: str) -> str:
    """Return the first 80 bits of a SHA-256 sum."""
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def start(words: Sequence[str], folder: Path) -> subprocess.Popen[bytes]:
    """Start `python -m frostline` in `folder`, with a cache of frozen states there; it prints to output.txt."""
    variables = FIXED | {"FROSTLINE_STORE": str(folder / "states")}
    with (folder / "output.txt").open("ab") as output:
        command = [sys.executable, "-m", "frostline", *words]
        return subprocess.Popen(
            command, cwd=folder, env=os.environ | variables, stdout=output, stderr=subprocess.STDOUT
        )


def kill_after_an_epoch(words: Sequence[str], folder: Path) -> None:
    """Start a run, and kill it with SIGKILL as soon as the scores of its first epoch are written."""
    process = start(words, folder)
    while process.poll() is None and not has_scores(folder):
        time.sleep(0.01)
    process.kill()
    process.wait()
    time.sleep(2)  # ranks end by themselves when the process that started them is gone
    if any(folder.glob("runs/**/result.json")) or not any(folder.glob("runs/**/checkpoints/*")):
        raise RuntimeError("the run was not killed between its first epoch and its end")


def has_scores(folder: Path) -> bool:
    """Return whether the metrics.csv of a run below `folder` has a line below its header."""
    return any(len(file.read_text().split()) > 1 for file in folder.glob("runs/**/metrics.csv"))


@cache
def present(word: str) -> str:
    """Return an override with the older name of its key if the recorded version does not know the newer name."""
    key, _, value = word.partition("=")
    if key not in OLDER_KEYS:
        return word
    check = [sys.executable, "-m", "frostline", "check", word]
    known = subprocess.run(check, capture_output=True, check=False).returncode == 0
    return word if known else f"{OLDER_KEYS[key]}={value}"


def write_inputs(folder: Path, words: Sequence[str]) -> None:
    """Write the texts and the language model that these overrides name."""
    if "dataset.train=tags.jsonl" in words:
        (folder / "tags.jsonl").write_text("\n".join(map(json.dumps, labelled_texts())))
    if "encoder.name=causal" in words:
        save_causal_model(folder / "causal")


def labelled_texts(count: int = 160) -> Iterator[dict[str, Any]]:
    """Yield texts of five words, each with the one or two topics that its words belong to."""
    topics = {"animals": ["cat", "dog", "horse"], "food": ["bread", "soup", "apple"], "travel": ["train", "ship"]}
    generator = random.Random(0)
    for _ in range(count):
        labels = generator.sample(sorted(topics), generator.randint(1, 2))
        text = [generator.choice(topics[generator.choice(labels)]) for _ in range(5)]
        yield {"text": " ".join(text), "label": [label for label in sorted(labels) if set(topics[label]) & set(text)]}


def save_causal_model(folder: Path) -> None:
    """Save a Llama of two layers with random weights, whose tokens are the bytes of a text."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    tokens = ["<pad>", "<s>", "</s>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    size: Any = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
    torch.manual_seed(0)
    LlamaForCausalLM(LlamaConfig(**size, vocab_size=len(tokens), pad_token_id=0)).save_pretrained(folder)


def main() -> int:
    """Run the command that the arguments name, and return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for command, folders in (("record", ["folder"]), ("compare", ["before", "after"])):
        subparser = commands.add_parser(command)
        for folder in folders:
            subparser.add_argument(folder, type=Path)
        subparser.add_argument("names", nargs="*", metavar="NAME")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(RUNS):
        parser.error(f"unknown runs: {', '.join(sorted(unknown))}")
    if arguments.command == "record":
        return record(arguments.folder, arguments.names)
    return compare(arguments.before, arguments.after, arguments.names)


if __name__ == "__main__":
    sys.exit(main())
