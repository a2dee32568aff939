"""An estimate of how many texts a run will truncate, from a sample of its texts, without torch and transformers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from frostline.config.checks.dataset import make_dataset
from frostline.data.corpus import Text
from frostline.data.downloads.package_cache import Pin, folder, is_cached
from frostline.models.encoders.conversions.cache import conversion_folder
from frostline.models.source_runs import with_original_parts
from frostline.results.home_paths import expand_home
from frostline.types import Config

SAMPLE = 1000  # texts that are tokenized
MAX_COMBINATIONS = 8  # of texts, encoder, head and length, so that a large sweep is checked quickly
WITHOUT_EFFECT = (  # keys of the data set that leave the texts and their number of tokens as they are
    "batch_size", "fold", "folds", "label_noise", "max_test", "max_train", "max_val", "noise_seed", "shifted", "shifts",
    "shots", "shots_seed", "split_seed", "test_share", "val_share",
)  # fmt: skip
OURS, HUB = "frostline.data.datasets.", "frostline.data.datasets.hub.Hub"


def truncation_lines(configs: Sequence[Config], texts: Sequence[Sequence[Text] | None]) -> list[str]:
    """Return a line for each combination of texts, encoder, head and length that truncates texts, where that is known.

    texts: those of each config, if they have been read already. Otherwise they are read if they are on disk.
    """
    known: dict[str, str | None] = {}
    for index, config in enumerate(configs):
        key = _key(config)
        if key not in known and len(known) < MAX_COMBINATIONS:
            known[key] = _truncation_line(config, texts[index])
    lines = [line for line in known.values() if line is not None]
    return list(dict.fromkeys(lines))


def _key(config: Config) -> str:
    head = {name: config["head"].get(name) for name in ("template", "examples")}
    dataset = {name: value for name, value in config["dataset"].items() if name not in WITHOUT_EFFECT}
    return json.dumps([config["encoder"], head, dataset], sort_keys=True, default=str)


def _truncation_line(config: Config, texts: Sequence[Text] | None) -> str | None:
    config = with_original_parts(config)
    tokenizer = _load_tokenizer(config["encoder"])
    sample = _sample(_read_texts(config["dataset"]) if texts is None else texts) if tokenizer is not None else []
    if not sample:
        return None
    lengths = _prompt_lengths(tokenizer, sample, config["head"])
    most = int(config["dataset"]["max_length"])
    share = sum(length > most for length in lengths) / len(sample)
    if not share:
        return None
    shown = f"{share:.0%}" if share >= 0.01 else "less than 1%"
    return f"about {shown} of the texts are longer than dataset.max_length={most} (estimate from {len(sample):,} texts)"


def _sample(texts: Sequence[Text]) -> list[Text]:
    """Return at most SAMPLE texts at equal distances."""
    step = max(1, -(-len(texts) // SAMPLE))
    return list(texts[::step])


def _prompt_lengths(tokenizer: Any, texts: Sequence[Text], head: Config) -> list[int]:
    """Return the number of tokens of each text with special tokens, template and demonstrations."""
    tokenizer.encode_special_tokens = True
    pairs = [text if isinstance(text, str) else tuple(text) for text in texts]
    lengths = [len(encoding.ids) for encoding in tokenizer.encode_batch(pairs)]
    template = head.get("template")
    if not isinstance(template, str):
        return lengths
    words = len(tokenizer.encode(template.replace("{text}", "").replace("{mask}", "x"), add_special_tokens=False).ids)
    demonstrations = int(head.get("examples") or 0) * (sum(lengths) / len(lengths) + words)
    return [length + words + round(demonstrations) for length in lengths]


def _load_tokenizer(encoder: Config) -> Any:
    """Return the fast tokenizer of an encoder whose files are on disk, else None."""
    path = _encoder_folder(encoder)
    if path is None or not (path / "tokenizer.json").is_file():
        return None
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path / "tokenizer.json"))
    except Exception:  # the run reports a broken file
        return None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _encoder_folder(encoder: Config) -> Path | None:
    """Return the folder with the files of an encoder; None if they are not on disk, or in the cache of the hub."""
    pin = encoder.get("pin")
    if not isinstance(pin, dict):
        return expand_home(str(encoder.get("name")), "encoder.name")
    entry, leave_out = Pin.of(pin), ("heads.pt",)  # as locate_checkpoint does
    if not is_cached(entry, pin["folder"], leave_out):
        return None
    source = folder(entry, pin["folder"], leave_out)
    return conversion_folder(source, pin["convert"], pin["architecture"]) if pin.get("convert") else source


def _read_texts(dataset: Config) -> Sequence[Text]:
    """Return training texts if they are on disk and can be read at once; else none."""
    target = dataset["_target_"]
    try:
        if target.startswith(OURS) and target != HUB and not (source := make_dataset(dataset)).downloads():
            texts: Sequence[Text] = source.load().train.texts
            return texts
    except Exception:  # the check of the data set reports what is wrong
        return []
    return []
