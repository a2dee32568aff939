"""What people say to a smart home, by what it should do: sentences drawn from the templates of Home Assistant."""

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
SENTENCES = 6  # drawn of each template
TEST, VAL = 5, 10  # one template in so many, of each intent
OPEN = {  # lists that each home fills in its own way, or that take any words; these are ours
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
    """Home Assistant's English intents. A template's sentences stand in one part, as they resemble each other.

    Of each intent one template in five is held out for the test, at least one, and one in ten for validation;
    intents of a single template are left out. At most 6 sentences of a template are drawn, the same on every machine.
    """

    multi_label = False

    def downloads(self) -> list[str]:
        return [] if is_cached(PIN, INSIDE, keep=KEEP) else [PIN.describe()]

    def load(self) -> RawData:
        file = folder(PIN, INSIDE, keep=KEEP) / "en.json"
        content = json.loads(file.read_text(encoding="utf-8"))
        grammar = Grammar(content["expansion_rules"], _values(content["lists"]))
        parts: dict[str, list[tuple[str, str, str]]] = {"train": [], "val": [], "test": []}
        for intent, described in content["intents"].items():
            templates = {normalised(line): line for block in described["data"] for line in block["sentences"]}
            for template, part in _parts(list(templates.values())).items():
                parts[part] += [(text, intent, template) for text in grammar.sentences(template, SENTENCES)]
        train, val, test = (Labelled(*zip(*rows, strict=True)) for rows in parts.values())
        return RawData(train, val, test)


def _parts(templates: list[str]) -> dict[str, str]:
    """Which part each template is for, by lot; none of a single one."""
    count = len(templates)
    if count < 2:
        return {}
    test, val = max(1, count // TEST), max(1, count // VAL) if count > 2 else 0
    names = ["test"] * test + ["val"] * val + ["train"] * (count - test - val)
    return dict(zip(sorted(templates, key=lambda template: random_key(template, "part")), names, strict=True))


def _values(lists: Mapping[str, Any]) -> dict[str, Callable[[Pick], str]]:
    """What draws a value of each list: given ones, numbers of a range, and our own for those that are open."""
    known: dict[str, Callable[[Pick], str]] = {}
    for name, described in lists.items():
        if "values" in described:
            known[name] = partial(_one, [_text(value) for value in described["values"]])
        elif "range" in described:
            known[name] = partial(_number, described["range"])
    return known | {name: partial(_one, words.split("|")) for name, words in OPEN.items()}


def _text(value: Any) -> str:
    return str(value["in"] if isinstance(value, dict) else value)


def _one(values: list[str], pick: Pick) -> str:
    return values[pick(len(values))]


def _number(bounds: Mapping[str, Any], pick: Pick) -> str:
    numbers = range(int(bounds["from"]), int(bounds["to"]) + 1, int(bounds.get("step", 1)))
    return str(numbers[pick(len(numbers))])
