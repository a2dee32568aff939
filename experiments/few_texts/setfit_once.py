"""One run of SetFit's own package: texts and labels from a json, chances of each class into another.

python setfit_once.py GIVEN FOUND    # in the environment of setfit.txt, as setfit_package.py calls it
"""

import json
import sys
from pathlib import Path

from datasets import Dataset
from setfit import SetFitModel, Trainer, TrainingArguments

told = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
model = SetFitModel.from_pretrained(told["model"])
model.model_body.max_seq_length = told["max_length"]
arguments = TrainingArguments(
    output_dir="checkpoints",
    batch_size=16,
    num_epochs=1,
    num_iterations=told["pairs"],
    seed=told["seed"],
    report_to=[],
    save_strategy="no",
)
Trainer(model=model, args=arguments, train_dataset=Dataset.from_dict(told["train"])).train()
found = {name: model.predict_proba(told[name]["text"]).tolist() for name in ("val", "test")}
learned = sum(p.numel() for p in model.model_body.parameters()) + model.model_head.coef_.size
Path(sys.argv[2]).write_text(json.dumps(found | {"learned": learned}), encoding="utf-8")
