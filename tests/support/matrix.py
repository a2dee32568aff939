"""Every combination of freezing, adapter, head and pooler, on real weights and a handful of real texts.

    python tests/matrix.py [SHARE]

Each either trains its steps or is refused by `check` before anything is loaded. The test takes combinations in which
every pair stands; this command takes all there are, or of SHARE `2/4` the second of four parts, and counts them.
"""

from __future__ import annotations

import csv
import itertools
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import chdir, redirect_stderr, redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path

import yaml

from frostline.config import jobs as command
from frostline.config import search_path as search
from frostline.config.checks.source import capabilities
from frostline.errors import UserError
from frostline.models.interfaces import Capability
from frostline.training.run import run
from parts import SOLVED, choices

GROUPS = ("freezing", "adapter", "head", "pooler")
SIZES = ["dataset.batch_size=4", "dataset.max_length=24", "trainer.limit_batches=2", "trainer.min_steps=null"]
SIZES += ["trainer=cpu", "logger=csv"]
PHASES = "freezing.phases=[{name: a, epochs: 1, rules: [['*', 1.0]]}, {name: b, rules: [['*', 0.5]]}]"
NEEDS = {"rules": [PHASES], "schedule": [PHASES], "lp_ft": ["freezing.probe_epochs=2"]}
TEXTS = 24
USUAL = {"freezing": "full", "adapter": "none", "head": "linear", "pooler": "mean"}
Combination = tuple[str, ...]


def everything() -> list[Combination]:
    return list(itertools.product(*(choices(group) for group in GROUPS)))


def usual() -> list[Combination]:
    """Each choice among those that go with most; a head that is solved stands on a frozen encoder."""
    names = [(group, name) for group in GROUPS for name in choices(group)]
    chosen = [
        USUAL | {group: name} | ({"freezing": "frozen"} if (group, name) in SOLVED else {}) for group, name in names
    ]
    return sorted({tuple(one[group] for group in GROUPS) for one in chosen})


def covering(seed: int = 1) -> list[Combination]:
    """Combinations in which every pair of choices of two groups stands at least once."""
    wanted = {pair for one in everything() for pair in _pairs(one)}
    dice, found = random.Random(seed), list[Combination]()
    while wanted:
        tries = [_through(dice.choice(sorted(wanted)), dice) for _ in range(30)]
        found.append(max(tries, key=lambda one: len(wanted & set(_pairs(one)))))
        wanted -= set(_pairs(found[-1]))
    return found


def _pairs(one: Combination) -> Iterator[tuple[tuple[int, str], tuple[int, str]]]:
    return itertools.combinations(enumerate(one), 2)


def _through(pair: Sequence[tuple[int, str]], dice: random.Random) -> Combination:
    return tuple(dict(pair).get(i, dice.choice(choices(group))) for i, group in enumerate(GROUPS))


def prepare(folder: Path) -> None:
    """The files that combinations need in the present folder: a few real texts, and a small causal model."""
    from frostline.data.build import load_corpus

    [job] = command.jobs_of_command(["dataset=vader_movies", f"dataset.max_train={2 * TEXTS}"])
    corpus = load_corpus(job.config["dataset"])
    named = [corpus.classes[int(str(label))] for label in corpus.train.labels]
    rows = [row for row in zip(corpus.train.texts, named, strict=True) if row[1] != "neutral"]  # too rare to be split
    lines = ["text\tlabel", *(f"{text}\t{label}" for text, label in rows[:TEXTS])]
    (folder / "few.tsv").write_text("\n".join(lines) + "\n")
    _causal(folder / "causal")


def _causal(folder: Path) -> None:
    """A Llama of two small random layers that reads with bert_tiny's tokenizer."""
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    from frostline.models.encoders.auto_model import locate_checkpoint

    [job] = command.jobs_of_command([])
    tokenizer = AutoTokenizer.from_pretrained(locate_checkpoint("bert_tiny", job.config["encoder"]["pin"]))
    size = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
    LlamaForCausalLM(LlamaConfig(**size, vocab_size=len(tokenizer), pad_token_id=0)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def words(one: Combination) -> list[str]:
    chosen = dict(zip(GROUPS, one, strict=True))
    causal = ["encoder=hub", "encoder.name=causal", "encoder.objective=causal"]
    encoder = causal if chosen["head"] == "likelihood" else ["encoder=bert_tiny"]
    needs = [word for choice in one for word in NEEDS.get(choice, [])]
    choice = [f"{group}={name}" for group, name in chosen.items()]
    return [*encoder, "dataset=table", "dataset.train=few.tsv", *SIZES, *choice, *needs]


def outcome(one: Combination) -> str:
    """`refused`, or `N steps`; anything else that happens is raised."""
    try:
        [job] = command.jobs_of_command([*words(one), f"study={'-'.join(one)}"])
    except UserError:
        return "refused"
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        run(job.config, job.choices, job.overrides, job.folder)
    with (job.folder / "metrics.csv").open(newline="") as file:
        steps = [int(row["step"]) for row in csv.DictReader(file) if row["name"] == "train/loss"]
    return f"{max(steps, default=0)} steps"


@cache
def solved(head: str) -> bool:
    """Whether a head is fitted to vectors, without steps."""
    file = search.conf_folder() / "head" / f"{head}.yaml"
    return Capability.FIT in capabilities(yaml.safe_load(file.read_text())["_target_"])


def verdict(one: Combination) -> str:
    """`refused`, `trains`, or what does not hold of a combination."""
    try:
        found = outcome(one)
    except Exception as error:
        return f"{' '.join(one)}: {type(error).__name__}: {error}"
    if found == "refused":
        return found
    still = one[0] == "direct" or solved(one[2])
    return "trains" if (found == "0 steps") == still else f"{' '.join(one)}: {found}"


def main(share: str = "1/1") -> None:
    part, parts = map(int, share.split("/"))
    combinations = everything()[part - 1 :: parts]
    began, counts = time.monotonic(), Counter[str]()
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        prepare(Path(folder))
        for number, one in enumerate(combinations, 1):
            found = verdict(one)
            right = found in ("refused", "trains")
            counts[found if right else "wrong"] += 1
            if not right or number % 100 == 0:
                print(number, dict(counts) if right else found, round(time.monotonic() - began), "s", flush=True)
    print(f"{len(combinations)} combinations in {time.monotonic() - began:.0f} s: {dict(counts)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
