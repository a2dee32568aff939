"""Commands to a smart home, labelled with their intent: sentences sampled from the templates of Home Assistant."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from frostline.data.corpus import Labelled, RawData
from frostline.data.datasets.templates import Grammar, Pick
from frostline.data.downloads.package_cache import Pin, folder, is_cached
from frostline.data.splits import normalised, random_key

PIN = Pin(
    package="home-assistant-intents",
    version="2026.10.27",
    file="home_assistant_intents-2026.10.27-py3-none-any.whl",
    sha256="256eb1e4fc6e6f4943d0ba4e089c9639d74d0e9d62ccddeb7148bc168de55e40",
    bytes=775094,
)
INSIDE = "home_assistant_intents/data"
KEEP = ("en.json",)
MAX_SENTENCES = 6  # of a template
TEST_EVERY, VAL_EVERY = 5, 10  # templates of an intent for one in that split
OPEN_LISTS = {  # lists that are different in each home, or that accept any words; these values are Frostline's
    "area": "kitchen|living room|bedroom|bathroom|garage|office|hallway|dining room|attic|nursery|guest room|garden",
    "floor": "ground floor|first floor|second floor|upstairs|downstairs|basement|top floor",
    "name": "desk lamp|ceiling fan|coffee maker|front door|tv|thermostat|bedside light|garage door|heater|robot|speaker"
    "|blinds|back window|water pump|christmas tree|shopping list|air purifier|sprinkler|porch light|door lock",
    "message": "dinner is ready|we leave in ten minutes|the taxi is here|please come down|it is time for bed",
    "timer_name": "pizza|egg|laundry|tea|pasta|homework|workout|oven|nap|cake",
    "timer_command": "turn off the lights|open the blinds|lock the door|start the fan|close the garage door|play music",
    "search_query": "the beatles|some jazz|abbey road|bohemian rhapsody|the news|classical music|a true crime podcast",
    "shopping_list_item": "milk|eggs|bread|apples|toilet paper|coffee|olive oil|rice|batteries|tomatoes",
    "todo_list_item": "call the dentist|water the plants|pay the rent|wash the car|renew passport|book a flight",
    "zone": "work|school|home|the gym|the office|the supermarket",
}


class HaIntents:
    """Sample sentences of Home Assistant's English intents.

    All sentences of a template are in the same split, because they resemble each other. One template in five of each
    intent, at least one, is in the test set, and one in ten in the validation set; intents with a single template are
    left out. At most 6 sentences of a template are sampled, the same on every machine.
    """

    multi_label = False

    def downloads(self) -> list[str]:
        return [] if is_cached(PIN, INSIDE, keep=KEEP) else [PIN.describe()]

    def load(self) -> RawData:
        file = folder(PIN, INSIDE, keep=KEEP) / "en.json"
        content = json.loads(file.read_text(encoding="utf-8"))
        grammar = Grammar(content["expansion_rules"], _values(content["lists"]))
        splits: dict[str, list[tuple[str, str, str]]] = {"train": [], "val": [], "test": []}
        for intent, definition in content["intents"].items():
            templates = {normalised(line): line for block in definition["data"] for line in block["sentences"]}
            for template, split in _split_templates(list(templates.values())).items():
                splits[split] += [(text, intent, template) for text in grammar.sentences(template, MAX_SENTENCES)]
        train, val, test = (Labelled(*zip(*rows, strict=True)) for rows in splits.values())
        return RawData(train, val, test)


def _split_templates(templates: list[str]) -> dict[str, str]:
    """Return the split of each template by a hash of the template; nothing for a single template."""
    count = len(templates)
    if count < 2:
        return {}
    test, val = max(1, count // TEST_EVERY), max(1, count // VAL_EVERY) if count > 2 else 0
    names = ["test"] * test + ["val"] * val + ["train"] * (count - test - val)
    return dict(zip(sorted(templates, key=lambda template: random_key(template, "part")), names, strict=True))


def _values(lists: Mapping[str, Any]) -> dict[str, Callable[[Pick], str]]:
    """Return a function for each list that samples one of its values: listed ones, a range, or those of OPEN_LISTS."""
    samplers: dict[str, Callable[[Pick], str]] = {}
    for name, definition in lists.items():
        if "values" in definition:
            samplers[name] = partial(_sample_value, [_text(value) for value in definition["values"]])
        elif "range" in definition:
            samplers[name] = partial(_sample_number, definition["range"])
    return samplers | {name: partial(_sample_value, words.split("|")) for name, words in OPEN_LISTS.items()}


def _text(value: Any) -> str:
    return str(value["in"] if isinstance(value, dict) else value)


def _sample_value(values: list[str], pick: Pick) -> str:
    return values[pick(len(values))]


def _sample_number(bounds: Mapping[str, Any], pick: Pick) -> str:
    numbers = range(int(bounds["from"]), int(bounds["to"]) + 1, int(bounds.get("step", 1)))
    return str(numbers[pick(len(numbers))])
