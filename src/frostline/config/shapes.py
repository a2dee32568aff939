"""The blocks of a model without its weights and, for most models, without importing torch.

Three sources are tried in this order:

1. Files in models/encoders/shapes hold the blocks of each pinned encoder, without and with each adapter
   (`python tests/support/shapes.py` writes them). `PARAMETER_COUNTS` has the parameters of each pooler and head.
2. The cache folder holds the blocks of models that were built before. The key covers all that shapes depend on: the
   configs of the parts, the encoder's config.json, our code and the versions of the libraries. Models of a hub and
   parts of users are not cached, as their code and files may change.
3. Otherwise the model is built on the meta device, which imports torch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from importlib import metadata
from itertools import groupby
from pathlib import Path
from typing import Any

from frostline.data.downloads.package_cache import cache_folder
from frostline.freezing.plan import Block, Kind, Parameter
from frostline.models.encoders.verified import checkpoint_key, read_verified
from frostline.models.source_runs import with_original_parts
from frostline.results.atomic_files import read_json, write_json
from frostline.results.home_paths import expand_home
from frostline.results.identity import without_modules
from frostline.types import Config

PACKAGE = Path(__file__).resolve().parents[1]
FOLDER = PACKAGE / "models" / "encoders" / "shapes"
FIRST_LAYER = "encoder.layer.0"  # written once, as all layers have the same parameters
ROLES = ("encoder", "adapter", "pooler", "head")

Sizes = Mapping[str, int]  # width and layers of the encoder, and the number of classes
Counts = dict[str, int]  # parameter name -> number of values


def encoder_layers(encoder: Mapping[str, Any]) -> int | None:
    """Return the number of layers of a pinned encoder or of a local folder; None where only the model shows it."""
    name = str(encoder.get("name"))
    with suppress(OSError, ValueError, KeyError, IndexError):
        if encoder.get("pin") is not None:
            first = (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()[0]
            return int(json.loads(first)["layers"])
        layers = read_json(expand_home(name, "encoder.name") / "config.json")["num_hidden_layers"]
        return layers if isinstance(layers, int) else None
    return None


def encoder_width(encoder: Mapping[str, Any]) -> int | None:
    """Return the width of a pinned encoder, or of a local folder that was loaded before; None for any other."""
    with suppress(OSError, ValueError, KeyError, IndexError):
        if encoder.get("pin") is not None:
            first = (FOLDER / f"{encoder['name']}.jsonl").read_text(encoding="utf-8").splitlines()[0]
            return int(json.loads(first)["width"])
        if (measured := read_verified(checkpoint_key(encoder))) is not None:
            return int(measured["width"])
    return None


def _no_parameters(part: Config, sizes: Sizes) -> Counts:
    return {}


def _attention(part: Config, sizes: Sizes) -> Counts:
    return {"query": sizes["width"]}


def _layer_mix(part: Config, sizes: Sizes) -> Counts:
    return {"weights": sizes["layers"] + 1, "scale": 1}


def _label_similarity(part: Config, sizes: Sizes) -> Counts:
    return {"weight": sizes["classes"] * sizes["width"]}


def _linear(part: Config, sizes: Sizes) -> Counts:
    return {"out.weight": sizes["classes"] * sizes["width"], "out.bias": sizes["classes"]}


def _mlp(part: Config, sizes: Sizes) -> Counts:
    hidden = part["hidden"] or sizes["width"]
    return {
        "hidden.weight": hidden * sizes["width"],
        "hidden.bias": hidden,
        **_linear(part, {**sizes, "width": hidden}),
    }


def _cosine(part: Config, sizes: Sizes) -> Counts:
    scale = {"scale": 1} if part["learned"] else {}
    return {"weight": sizes["classes"] * sizes["width"], **scale}


PARAMETER_COUNTS: dict[str, Callable[[Config, Sizes], Counts]] = {  # parts that are missing here are built
    "frostline.models.poolers.attention.Attention": _attention,
    "frostline.models.poolers.cls.Cls": _no_parameters,
    "frostline.models.poolers.last.Last": _no_parameters,
    "frostline.models.poolers.layer_mix.LayerMix": _layer_mix,
    "frostline.models.poolers.max.Max": _no_parameters,
    "frostline.models.poolers.mean.Mean": _no_parameters,
    "frostline.models.poolers.weighted_last.WeightedLast": _no_parameters,
    "frostline.models.heads.cosine.Cosine": _cosine,
    "frostline.models.heads.knn.Knn": _no_parameters,
    "frostline.models.heads.label_similarity.LabelSimilarity": _label_similarity,
    "frostline.models.heads.linear.Linear": _linear,
    "frostline.models.heads.logistic.Logistic": _no_parameters,
    "frostline.models.heads.mlp.Mlp": _mlp,
    "frostline.models.heads.prototype.Prototype": _no_parameters,
}


def blocks_of(config: Config, classes: Sequence[str]) -> list[Block]:
    """Return the blocks of encoder, adapter, pooler and head for these classes."""
    config = with_original_parts(config)
    if (blocks := shipped_blocks(config, len(classes))) is not None:
        return blocks
    file = _cache_file(config, classes)
    if file is None:
        return _build_blocks(config, classes)
    with suppress(OSError, ValueError):  # the file is missing or truncated
        return [from_json(entry) for entry in read_json(file)]
    blocks = _build_blocks(config, classes)
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, [to_json(block) for block in blocks])
    return blocks


def shipped_blocks(config: Config, classes: int) -> list[Block] | None:
    """Return the blocks as the shipped files have them, or None if one of the parts is not among them."""
    file = FOLDER / f"{config['encoder'].get('name')}.jsonl"
    if config["encoder"].get("pin") is None or not file.is_file() or _tasks(config):
        return None
    encoder, *variants = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    if (encoder["encoder"], encoder["versions"]) != (shape_config(config["encoder"], "untrained"), versions()):
        return None
    adapter = shape_config(config["adapter"], "recommended")
    entries = next((variant["blocks"] for variant in variants if variant["adapter"] == adapter), None)
    sizes = {"width": encoder["width"], "layers": encoder["layers"], "classes": classes}
    pooler, head = part_block("pooler", config["pooler"], sizes), part_block("head", config["head"], sizes)
    if entries is None or pooler is None or head is None:
        return None
    return [*map(from_json, _repeat_layers(entries, encoder["layers"])), pooler, head]


def _tasks(config: Config) -> Sequence[str]:
    """Return the tasks of a config, each of which has a head; none for a data set by itself."""
    return (config.get("dataset") or {}).get("tasks") or ()


def part_block(kind: Kind, part: Config, sizes: Sizes) -> Block | None:
    """Return the block of a pooler or head, or None if only building it shows its parameters."""
    count_parameters = PARAMETER_COUNTS.get(part["_target_"])
    if count_parameters is None:
        return None
    try:
        counts = count_parameters(part, sizes)
    except KeyError:  # the config leaves an argument to its default in the code
        return None
    return Block(kind, kind, tuple(Parameter(f"{kind}.{name}", count) for name, count in counts.items()))


def shape_config(part: Config, ignored: str) -> Config:
    """Return a part's config without a key that changes no shape; the class is named without its module."""
    return dict(without_modules({name: value for name, value in part.items() if name != ignored}))


def versions() -> dict[str, str]:
    """Return the major versions of the libraries that name the parameters."""
    return {name: metadata.version(name).partition(".")[0] for name in ("transformers", "peft")}


def _repeat_layers(entries: list[Any], layers: int) -> Iterator[Any]:
    for is_layer, group in groupby(entries, key=lambda entry: str(entry[0]).startswith(FIRST_LAYER)):
        text = json.dumps(list(group))
        for index in range(layers if is_layer else 1):
            yield from json.loads(text.replace(FIRST_LAYER, f"encoder.layer.{index}"))


def to_json(block: Block) -> list[Any]:
    """Return a block as it is written to a file."""
    return [block.name, block.kind, [[p.name, p.size] for p in block.parameters]]


def from_json(entry: list[Any]) -> Block:
    """Return the block that `to_json` wrote."""
    name, kind, parameters = entry
    return Block(name, kind, tuple(Parameter(*parameter) for parameter in parameters))


def _build_blocks(config: Config, classes: Sequence[str]) -> list[Block]:
    from frostline.models.build import build_model

    return [block.plan_block for block in build_model(config, classes, weights=False)[0]]


def _cache_file(config: Config, classes: Sequence[str]) -> Path | None:
    """Return where the blocks of this model are cached, or None if they must not be."""
    parts, encoder = {role: config[role] for role in ROLES}, config["encoder"]
    architecture = expand_home(str(encoder.get("name")), "encoder.name") / "config.json"
    if not all(part["_target_"].startswith("frostline.") for part in parts.values()):
        return None
    if encoder.get("pin") is None and not architecture.is_file():
        return None
    text = architecture.read_text(encoding="utf-8") if encoder.get("pin") is None else None
    libraries = [metadata.version(name) for name in ("torch", "transformers", "peft")]
    key = json.dumps([parts, list(classes), _tasks(config), text, libraries, _code_digest()], sort_keys=True)
    return cache_folder() / "shapes" / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.json"


def _code_digest() -> str:
    files = sorted(PACKAGE.rglob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
