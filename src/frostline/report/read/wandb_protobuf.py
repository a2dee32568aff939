"""W&B's records as its files hold them: of its schema no more than a report needs.

W&B itself is not imported: its logger alone knows it, and a report is read where there is none.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

SCHEMA = """
Record summary 3 Items
Record config 5 Items
Record run 17 Run
Record exit 18 Exit
Run config 4 Items
Items update 1 Item many
Item key 1 text
Item nested_key 2 text many
Item value_json 16 text
Exit exit_code 1 number
"""  # message, field, its number in wandb_internal.proto, what it holds
PACKAGE = "frostline_wandb"
Field = descriptor_pb2.FieldDescriptorProto
KINDS = {"text": Field.TYPE_STRING, "number": Field.TYPE_INT32}


def _record_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="frostline/wandb.proto", package=PACKAGE, syntax="proto3")
    messages: dict[str, Any] = {}
    for line in SCHEMA.split("\n")[1:-1]:
        message, name, number, holds, *many = line.split()
        if message not in messages:
            messages[message] = file.message_type.add(name=message)
        label = Field.LABEL_REPEATED if many else Field.LABEL_OPTIONAL
        kind = {"type": KINDS[holds]} if holds in KINDS else {"type_name": f".{PACKAGE}.{holds}"}
        messages[message].field.add(name=name, number=int(number), label=label, **kind)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.Record"))


Record = _record_class()
