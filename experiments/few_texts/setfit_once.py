"""Train SetFit's own package once: read texts and labels from a JSON file, write class probabilities to another.

python setfit_once.py INPUT OUTPUT    # in the environment of setfit.txt, as setfit_package.py calls it
"""

import json
import sys
from pathlib import Path

from datasets import Dataset
from setfit import SetFitModel, Trainer, TrainingArguments

task = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
model = SetFitModel.from_pretrained(task["model"])
model.model_body.max_seq_length = task["max_length"]
arguments = TrainingArguments(
    output_dir="checkpoints",
    batch_size=16,
    num_epochs=1,
    num_iterations=task["pairs"],
    seed=task["seed"],
    report_to=[],
    save_strategy="no",
)
Trainer(model=model, args=arguments, train_dataset=Dataset.from_dict(task["train"])).train()
probabilities = {name: model.predict_proba(task[name]["text"]).tolist() for name in ("val", "test")}
trainable = sum(p.numel() for p in model.model_body.parameters()) + model.model_head.coef_.size
Path(sys.argv[2]).write_text(json.dumps(probabilities | {"trainable": trainable}), encoding="utf-8")
