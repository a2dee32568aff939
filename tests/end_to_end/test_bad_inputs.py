"""What a user can get wrong: told with its key, what is wrong and what to do; exit status 2, nothing left behind.

Tests frostline.config.checks.monitors, frostline.config.checks.training_rules, frostline.config.checks.run_folders,
frostline.config.overrides, frostline.config.expand, frostline.data.checks.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from command_line import Command, Said, in_process

frostline = in_process
GRAMMAR = re.compile(r"[^\s:]+: .+; .+")

# the command, then a pattern for each line that must be told
CONFIG = [
    ("head.droput=0.1", r"head\.droput: no such key; did you mean head\.dropout\?"),
    ("head=linaer", r"head: there is no choice 'linaer'; did you mean linear\?"),
    ("encoder=xyz", r"encoder: there is no choice 'xyz'; choose one of: bert_tiny, distilbert_cased, hub, minilm, "),
    ("encodr=minilm", r"encodr: no such key; did you mean encoder\?"),
    ("lr=0.1", r"lr: no such key; did you mean optimizer\.lr\?"),
    ("optimizer.lr=-1", r"optimizer\.lr: -1 is not above 0; give a number above 0"),
    ("optimizer.lr=0", r"optimizer\.lr: 0 is not above 0; "),
    ("optimizer.lr=fast", r"optimizer\.lr: 'fast' is not a number above 0; give a number above 0"),
    ("optimizer.lr=true", r"optimizer\.lr: true is not a number"),
    ("optimizer.weight_decay=-0.1", r"optimizer\.weight_decay: -0\.1 is not at least 0; "),
    ("optimizer.betas=0.9", r"optimizer\.betas: 0\.9 is not a list; "),
    ("optimizer.betas=[a,b]", r"optimizer\.betas: 'a' is not a number; "),
    ("optimizer=sgd optimizer.eps=1", r"optimizer\.eps: no such key; optimizer has: lr, momentum, weight_decay"),
    ("freezing=top_k freezing.k=0", r"freezing\.k: 0 is not at least 1; "),
    ("freezing=top_k freezing.k=1.5", r"freezing\.k: 1\.5 is not an integer at least 1; "),
    ("freezing=top_k freezing.k=two", r"freezing\.k: 'two' is not an integer"),
    ("freezing=top_k freezing.k=null", r"freezing\.k: null is not an integer"),
    ("freezing.k=2", r"freezing\.k: no such key; freezing has: layer_decay, recommended"),
    ("freezing=lp_ft freezing.tune_rate=0", r"freezing\.tune_rate: 0 is not above 0; "),
    ("freezing.layer_decay=0", r"freezing\.layer_decay: 0 is not above 0 and at most 1; "),
    ("freezing.layer_decay=1.1", r"freezing\.layer_decay: 1\.1 is not above 0 and at most 1; "),
    ("freezing.layer_decay=true", r"freezing\.layer_decay: true is not a number above 0 and at most 1 or null; "),
    ("freezing=top_k freezing.layer_decy=0.9", r"freezing\.layer_decy: no such key; did you mean freezing\.layer_d"),
    ("freezing=schedule", r"freezing\.file: is missing; write one with `frostline plan --write FILE`"),
    ("freezing=bottom_k freezing.k=0", r"freezing\.k: 0 is not at least 1; "),
    ("freezing=surgical freezing.first=true", r"freezing\.first: true is not an integer or a text; "),
    ("freezing=surgical freezing.first=null", r"freezing\.first: null is not an integer or a text; "),
    ("freezing=surgical freezing.head=maybe", r"freezing\.head: 'maybe' is not true or false; "),
    ("freezing=gradual freezing.epochs_per_thaw=0", r"freezing\.epochs_per_thaw: 0 is not at least 1; "),
    ("freezing=gradual freezing.factor=0.5", r"freezing\.factor: 0\.5 is not at least 1; "),
    ("freezing=discriminative freezing.factor=0", r"freezing\.factor: 0 is not at least 1; "),
    ("freezing=discriminative freezing.factor=null", r"freezing\.factor: null is not a number at least 1; "),
    ("freezing=chain_thaw freezing.next_rate=0", r"freezing\.next_rate: 0 is not above 0; "),
    # what only the model's shapes can tell
    ("plan freezing=bottom_k freezing.k=3", r"freezing\.k: 3 blocks requested, the encoder has 2; give 1 to 2"),
    ("plan freezing=surgical freezing.first=2", r"freezing\.first: there is no block '2'; give 0 to 1, or emb"),
    ("plan freezing=surgical freezing.first=-1", r"freezing\.first: there is no block '-1'; give 0 to 1, or emb"),
    ("plan freezing=surgical freezing.last=layer.7", r"freezing\.last: there is no block 'layer\.7'; did you mean l"),
    ("plan freezing=surgical freezing.first=embedings", r"freezing\.first: .* 'embedings'; did you mean embeddings\?"),
    ("plan freezing=surgical freezing.first=head", r"freezing\.first: there is no block 'head'; "),
    (
        "plan freezing=surgical freezing.first=1 freezing.last=0",
        r"freezing\.last: '0' is below freezing\.first ",
    ),
    (
        "plan freezing=gradual trainer.max_epochs=3 freezing.epochs_per_thaw=1",
        r"trainer\.max_epochs: 3 epochs cannot hold phases that need 4; ",
    ),
    ("plan freezing=chain_thaw freezing.epochs_per_thaw=4", r"trainer\.max_epochs: 15 epochs cannot .* need 17; "),
    (
        "plan encoder=minilm freezing=gradual freezing.epochs_per_thaw=1 trainer.max_epochs=7",
        r"trainer\.max_epochs: 7 epochs cannot .* need 8; ",
    ),
    ("adapter=lora adapter.r=0", r"adapter\.r: 0 is not at least 1; "),
    ("adapter=lora adapter.alpha=-1", r"adapter\.alpha: -1 is not above 0; "),
    ("adapter=lora adapter.dropout=1", r"adapter\.dropout: 1 is not at least 0 and below 1; "),
    ("adapter=lora adapter.rank=8", r"adapter\.rank: no such key; use adapter=lora adapter\.r=8"),
    ("adapter=lora adapter.target_modules=query", r"adapter\.target_modules: 'query' is not "),
    ("adapter=ia3 adapter.r=4", r"adapter\.r: no such key; adapter has: "),
    ("adapter=lorra", r"adapter: there is no choice 'lorra'; did you mean lora\?"),
    ("~adapter", r"adapter: is missing; choose one: `frostline list adapter`"),
    ("adapter=lora freezing=frozen", r"freezing: trains nothing of the adapter, .*; choose freezing=full, "),
    ("adapter=dora freezing=direct", r"freezing: trains nothing of the adapter, .*; choose freezing=full, "),
    ("adapter=lora freezing=bitfit", r"freezing: chooses among the encoder's parameters, which are always "),
    ("adapter=ia3 freezing=layer_norm", r"freezing: chooses among the encoder's parameters, which are always "),
    ("adapter=lora freezing=embeddings_frozen", r"freezing: chooses among the encoder's parameters, which "),
    ("adapter=lora freezing=surgical freezing.first=embeddings", r"freezing: chooses among the encoder's "),
    ("adapter=prompt adapter.num_virtual_tokens=0", r"adapter\.num_virtual_tokens: 0 is not at least 1; "),
    ("adapter=prompt adapter.init=text", r"adapter\.init: 'text' is not vocab or random; "),
    ("adapter=prefix adapter.projection=0", r"adapter\.projection: 0 is not at least 1; "),
    ("adapter=prompt freezing=top_k", r"freezing: trains nothing of the adapter, .*; choose freezing=full, "),
    ("adapter=prefix freezing=surgical", r"freezing: chooses among the encoder's parameters, which are always "),
    (
        "plan adapter=prompt adapter.num_virtual_tokens=512",
        r"adapter\.num_virtual_tokens: 512 leave no position for a text: the encoder has 512; give 511 or",
    ),
    (
        "plan adapter=prefix encoder=distilbert_cased",
        r"adapter: this encoder's attention takes no keys and values from before a text; choose adapter=lora, ",
    ),
    (
        "plan adapter=lora adapter.target_modules=[quary]",
        r"adapter\.target_modules: 'quary' matches no .*; did you mean query\?",
    ),
    (
        "plan adapter=lora adapter.target_modules=[]",
        r"adapter\.target_modules: there are none; choose among: query, key, value, de",
    ),
    (
        "plan adapter=dora adapter.target_modules=[word_embeddings]",
        r"adapter\.target_modules: 'word_embeddings' matches no linear ",
    ),
    ("plan adapter=ia3 adapter.inputs=[x]", r"adapter\.inputs: 'x' matches no linear layer in .*; choose among: que"),
    (
        "plan adapter=lora freezing=rules freezing.phases=[{rules:[['encoder.embeddings.*',1],['*',1]]}]",
        r"freezing\.rules: 'encoder\.embeddings\.\*' matches only parameters of the encoder itself, .*; give null",
    ),
    (
        "plan adapter=lora freezing=rules freezing.phases=[{rules:[['head.*',1],['*',null]]}]",
        r"freezing: trains nothing of the adapter, ",
    ),
    ("freezing=rules", r"freezing\.file: is missing; write one with `frostline plan --write FILE`"),
    ("freezing=rules freezing.file=no.yaml", r"freezing\.file: 'no\.yaml' cannot be read \(No such file"),
    ("freezing=rules freezing.file=bad.yaml", r"freezing\.file: 'bad\.yaml' is not a yaml file"),
    ("freezing=rules freezing.file=list.yaml", r"freezing\.file: 'list\.yaml' has no list `phases`; "),
    ("head.dropout=1", r"head\.dropout: 1 is not at least 0 and below 1; "),
    ("head.dropout=null", r"head\.dropout: null is not a number"),
    ("head=mlp head.hidden=0", r"head\.hidden: 0 is not at least 1; "),
    ("head=mlp head.hidden=many", r"head\.hidden: 'many' is not an integer at least 1 or null; "),
    ('head=verbalizer head.template="{mask}"', r"head\.template: '{mask}' has no {text}; put {text} where the text be"),
    (
        'head=verbalizer head.template="{text}"',
        r"head\.template: '{text}' has no {mask}; put {mask} where the model is",
    ),
    ('head=verbalizer head.template="{text}{mask}{mask}"', r"head\.template: .* has {mask} 2 times; leave one of them"),
    (
        'head=verbalizer head.template="{text}{mask}{x}"',
        r"head\.template: .* has {x}, which this head cannot fill; it ",
    ),
    ('head=likelihood encoder=smollm2 head.template="It:"', r"head\.template: 'It:' has no {text}; put {text} where "),
    ('head=likelihood encoder=smollm2 head.template="{text}{mask}"', r"head\.template: .* has {mask}, which this head"),
    ("head=verbalizer head.words={negative:[]}", r"head\.words\.negative: \[\] are no words; give a word, or a list"),
    ("head=verbalizer head.words={a:b,c:b}", r"head\.words\.c: 'b' is a word of 'a' too; give each class different"),
    ("head=verbalizer head.words={a:null}", r"head\.words\.a: null are no words; give a word"),
    ("head=verbalizer head.words=good", r"head\.words: 'good' is not a mapping or null; give a mapping or null"),
    ("head=verbalizer head.template=null", r"head\.template: null is not a text; give a text"),
    (
        "head=likelihood",
        r"head: needs a causal language model, and encoder 'bert_tiny' is a masked one; choose head=ver",
    ),
    (
        "head=verbalizer encoder=smollm2",
        r"head: needs a masked .*, and encoder 'smollm2' is a causal one; choose head=li",
    ),
    (
        "head=verbalizer encoder=minilm",
        r"head: needs a masked .* the checkpoint of encoder 'minilm' has no language-model head; ",
    ),
    (
        "head=likelihood encoder=distilbert_cased",
        r"head: needs a causal .* 'distilbert_cased' has no language-model head; ch",
    ),
    (
        "head=verbalizer encoder.objective=null",
        r"head: needs a masked .* 'bert_tiny' has no language-model head; choose encod",
    ),
    (
        "head=likelihood encoder=smollm2 head.calibrate=2",
        r"head\.calibrate: 2 is not true or false; give true or false",
    ),
    ("encoder.objective=next", r"encoder\.objective: 'next' is not masked, causal or null; "),
    ("head=likelihood encoder=smollm2 adapter=prefix", r"adapter: adds virtual tokens before each text, and this head"),
    ("head=verbalizer pooler=attention", r"pooler: is not used by a head that prompts the language model; leave"),
    (
        "plan head=verbalizer head.words={negative:bad,neutral:so}",
        r"head\.words: the class 'positive' has no words; give head\.wo",
    ),
    ("head.width=3", r"head\.width: is set from the encoder; remove it"),
    ("+head.width=3", r"head\.width: is set from the encoder; remove it"),
    ("+head.hiden=3", r"head\.hiden: Linear has no such argument; "),
    (
        "head._target_=frostline.models.heads.linear.Linaer",
        r"head\._target_: .* has no 'Linaer'; did you mean Linear\?",
    ),
    (
        "head._target_=frostline.models.heads.linaer.Linear",
        r"head\._target_: there is no module .*; did you mean frostl",
    ),
    ("head._target_=Linear", r"head\._target_: 'Linear' is not a dotted name; "),
    ("head._target_=mylab.heads.Mine", r"head\._target_: there is no module 'mylab\.heads'; "),
    ("head._target_=null", r"head\._target_: is missing; "),
    ("~head", r"head: is missing; choose one: `frostline list head`"),
    ("~head.nothing", r"head\.nothing: no such key; "),
    ("+head.dropout=0.1", r"head\.dropout: exists already; leave out the plus: head\.dropout=0\.1"),
    ("++optimizer.foo=1", r"optimizer\.foo: adamw has no such argument; "),
    ("+foo=1", r"foo: no such key; "),
    ("+studi=a", r"studi: no such key; did you mean study\?"),
    ("seed=-1", r"seed: -1 is not at least 0; "),
    ("seed=one", r"seed: 'one' is not an integer"),
    ("seed=null", r"seed: null is not an integer"),
    ("seed=${nope}", r"seed: cannot be resolved: .*nope"),
    ("seed=1,2", r"seed: '1,2' is a sweep; add -m "),
    ("study=a/b", r"study: 'a/b' is not a valid folder name; "),
    ("study=..", r"study: '\.\.' is not a valid folder name; "),
    ("study=2024", r"study: 2024 is not a text; "),
    ("rerun=maybe", r"rerun: 'maybe' is not true or false; "),
    ("trainer.devices=2", r"trainer\.strategy: 'auto' with trainer\.devices 2: .*; choose trainer=ddp"),
    ("trainer.devices=0", r"trainer\.devices: 0 is not at least 1; "),
    ("trainer.precision=8", r"trainer\.precision: 8 is not 32-true, bf16-mixed or 16-mixed; "),
    ("trainer.accelerator=tpu", r"trainer\.accelerator: 'tpu' is not auto, cpu or gpu; "),
    ("trainer.max_epochs=-1", r"trainer\.max_epochs: -1 is not at least 0; "),
    ("trainer.monitor=test/accuracy", r"trainer\.monitor: 'test/accuracy' is not a metric of the validation set; "),
    ("trainer.monitor=val/los", r"trainer\.monitor: 'val/los' is not a metric of .*; did you mean val/loss\?"),
    ("trainer.monitor=val/mcc", r"trainer\.monitor: 'val/mcc' is not a metric of .*; give one of: val/loss, val/acc"),
    ("trainer.monitor=val/f1_micro", r"trainer\.monitor: texts of one class each have no 'val/f1_micro'"),
    ("freezing=plateau freezing.monitor=val/los", r"freezing\.monitor: 'val/los' is not .*; did you mean val/loss\?"),
    ("trainer.monitr=val/loss", r"trainer\.monitr: no such key; did you mean trainer\.monitor\?"),
    ("trainer.gradient_clip_val=-1", r"trainer\.gradient_clip_val: -1 is not above 0; "),
    ("scheduler.warmup_ratio=1.5", r"scheduler\.warmup_ratio: 1\.5 is not at least 0 and at most 1; "),
    ("logger.wandb=maybe", r"logger\.wandb: 'maybe' is not auto, online, offline or null; "),
    ("logger.projct=x", r"logger\.projct: no such key; did you mean logger\.project\?"),
    ("+logger.folder=x", r"logger\.folder: is set from the run; remove it"),
    (
        "head=logistic",
        r"head: is fitted to embeddings, not trained, so that no gradient reaches the trainable layers; choose fre",
    ),
    (
        "head=prototype freezing=lp_ft",
        r"head: is fitted to embeddings, not trained, .*; choose freezing=frozen with a ",
    ),
    (
        "head=logistic freezing=frozen pooler=attention",
        r"head: is fitted to embeddings, not trained, so that no gradient ",
    ),
    (
        "head=knn freezing=direct",
        r"freezing: keeps the head as it is initialised, and this head must be fitted to the training texts; ",
    ),
    ("head=logistic loss=contrastive freezing=lp_ft", r"freezing: trains only the head in phase probe, "),
    (
        "loss=contrastive",
        r"head: would never be trained: the loss is computed from embeddings alone; choose a head that is fitted",
    ),
    (
        "loss=contrastive freezing=frozen head=mlp",
        r"head: would never be trained: the loss is computed from embeddings alone; ",
    ),
    (
        "head=logistic loss=contrastive averaging=wise_ft",
        r"averaging: mixes the weights before and after training, and this head ",
    ),
    ("head=logistic freezing=frozen head.C=0", r"head\.C: 0 is not above 0; give a number above 0"),
    ("head=knn freezing=frozen head.k=0", r"head\.k: 0 is not at least 1; "),
    ("head=knn freezing=frozen head.metric=cosin", r"head\.metric: 'cosin' is not cosine or euclidean; give cosine or"),
    ("head=knn freezing=frozen head.weights=distanc", r"head\.weights: 'distanc' is not uniform or distance; "),
    ("head=knn freezing=frozen head.smoothing=0", r"head\.smoothing: 0 is not above 0; "),
    ("head=prototype freezing=frozen head.metric=manhattan", r"head\.metric: 'manhattan' is not euclidean or cosine; "),
    ("head=label_similarity head.temperature=-1", r"head\.temperature: -1 is not above 0; "),
    ("head=label_similarity head.descriptions=spam", r"head\.descriptions: 'spam' is not a mapping or null; "),
    ("head=cosine head.scale=0", r"head\.scale: 0 is not above 0; "),
    ("head=cosine head.learned=1", r"head\.learned: 1 is not true or false; "),
    ("loss.label_smoothing=1", r"loss\.label_smoothing: 1 is not at least 0 and below 1; "),
    ("loss.class_weights=even", r"loss\.class_weights: 'even' is not balanced, a list or null; "),
    ("loss=focal loss.gamma=-1", r"loss\.gamma: -1 is not at least 0; "),
    ("loss=supcon loss.weight=2", r"loss\.weight: 2 is not at least 0 and at most 1; "),
    ("loss=supcon loss.temperature=0", r"loss\.temperature: 0 is not above 0; "),
    ("loss=contrastive head=logistic dataset.batch_size=15", r"dataset\.batch_size: 15 texts are no pairs, .*even num"),
    ("loss=supcon dataset.batch_size=1", r"dataset\.batch_size: 1 text, and this loss compares texts of a batch; "),
    ("loss=supcon dataset.shots=1", r"dataset\.shots: 1 text of each class leaves no two of one class, which "),
    ("recipe=setfit dataset.shots=1", r"dataset\.shots: 1 text of each class leaves no two of one class, which "),
    ("loss=supcon dataset=foldoc", r"loss: pairs texts of one class each, and those of this data set have several; "),
    ("loss=contrastive head=logistic loss.pairs=0", r"loss\.pairs: 0 is not at least 1; "),
    ("recipe=setfitt", r"recipe: there is no choice 'setfitt'; did you mean setfit\?"),
    ("pooler=attn", r"pooler: there is no choice 'attn'; "),
    ("+pooler.layers=3 pooler=layer_mix", r"pooler\.layers: is set from the encoder; remove it"),
    ("paths.runs=3", r"paths\.runs: 3 is not a text; "),
    ("debug=fst", r"debug: there is no choice 'fst'; did you mean fast\?"),
    ("experiment=no/such", r"experiment: there is no choice 'no/such'; "),
    ("experiment=lab/wrong", r"optimizer\.rate: adamw has no such argument; "),
    ("experiment=lab/seeds", r"experiment: there is no choice 'lab/seeds'; did you mean sweep=lab/seeds\?"),
    ("freezing=lora", r"freezing: there is no choice 'lora'; did you mean adapter=lora\?"),
    ("sweep=lab/seeds", r"sweep: 'lab/seeds' is a sweep; add -m to start its jobs"),
    ("check sweep=lab/seeds", r"sweep: 'lab/seeds' is a sweep; add -m to start its jobs"),
    ("-m sweep=lab/seds", r"sweep: there is no choice 'lab/seds'; did you mean lab/seeds\?"),
    ("-m sweep=lab/wrong", r"sweep: there is no choice 'lab/wrong'; did you mean experiment=lab/wrong\?"),
    ("-m sweep=lab/broken", r"sweep: 'lab/broken' cannot be chosen: "),
    (
        "-m sweep=lab/nothing",
        r"sweep: 'lab/nothing' has no values to sweep over, so there is no job; set hydra\.sweeper\.params in it, ",
    ),
    ("-m sweep=lab/seeds,lab/nothing", r"sweep: 'lab/seeds,lab/nothing' is more than one sweep; start one at a time"),
    ("-m sweep=lab/no_arm", r"experiment: 'glob\(no/\*\)' matches nothing, so there is no job; "),
    ("plan -m sweep=lab/seeds seed=range(0,0)", r"seed: 'range\(0,0\)' matches nothing, so there is no job; "),
    ("experiment=lab/broken", r"experiment: 'lab/broken' cannot be chosen: "),
    ("regularizer=mixout regularizer.p=1", r"regularizer\.p: 1 is not above 0 and below 1; "),
    ("regularizer=l2_sp regularizer.alpha=-1", r"regularizer\.alpha: -1 is not above 0; "),
    ("regularizer=rdrop regularizer.alpha=0", r"regularizer\.alpha: 0 is not above 0; "),
    ("regularizer=rdrop regularizer.multi_label=true", r"regularizer\.multi_label: is set from the data; remove it"),
    (
        "regularizer=l2_sp freezing=frozen",
        r"regularizer: keeps the encoder close to its pre-trained weights, and the whole ",
    ),
    (
        "regularizer=mixout freezing=direct",
        r"regularizer: keeps the encoder close to its pre-trained weights, and the whole ",
    ),
    ("regularizer=rdrop freezing=frozen", r"regularizer: compares two passes, which are equal with a frozen encoder "),
    ("averaging=ema averaging.decay=1.5", r"averaging\.decay: 1\.5 is not above 0 and below 1; "),
    ("averaging=ema averaging.start=1", r"averaging\.start: 1 is not at least 0 and below 1; "),
    ("averaging=swa averaging.start=1.5", r"averaging\.start: 1\.5 is not at least 0 and below 1; "),
    ("averaging=swa averaging.start=0.9", r"averaging\.start: 0\.9 of 3 epochs leaves 1 to average; lower it, or set"),
    ("averaging=wise_ft averaging.alpha=2", r"averaging\.alpha: 2 is not at least 0 and at most 1; "),
    ("averaging=wise_ft freezing=direct", r"averaging: all its weights would be equal, as nothing is trained; choose "),
    ("averaging=wise_ft freezing=frozen", r"averaging: all its weights would be equal, as nothing in the encoder "),
    ("averaging=ema freezing=direct", r"averaging: all its weights would be equal, as nothing is trained; choose "),
    ("averaging=wise_ft trainer.monitor=null", r"averaging\.alpha: null, the best on validation, but trainer\.moni"),
    ("scheduler=slanted_triangular scheduler.cut_frac=0", r"scheduler\.cut_frac: 0 is not above 0 and below 1; "),
    ("scheduler=slanted_triangular scheduler.ratio=0.5", r"scheduler\.ratio: 0\.5 is not at least 1; "),
    ("freezing=chain_thaw trainer.max_epochs=1", r"trainer\.max_epochs: 1 epochs cannot hold phases that need 2; set "),
    ("freezing=gradual trainer.max_epochs=1", r"trainer\.max_epochs: 1 epochs cannot hold phases that need 2; set "),
    ("encoder=minilm freezing=top_k freezing.k=7", r"freezing\.k: 7 blocks requested, the encoder has 6; give 1 to 6"),
    ("-m freezing=full,frozen,lp_ft trainer.max_epochs=1", r"trainer\.max_epochs: 1 epochs cannot hold phases that "),
    ("encoder.reinit_top=3", r"encoder\.reinit_top: 3 layers, but the encoder has 2; give 0 to 2"),
    ("encoder.reinit_top=-1", r"encoder\.reinit_top: -1 is not at least 0; "),
    ("plan encoder.reinit_top=3", r"encoder\.reinit_top: 3 layers, but the encoder has 2; give 0 to 2"),
    (
        "encoder=scratch encoder.reinit_top=1",
        r"encoder\.reinit_top: re-initialises layers, and encoder\.untrained initialises ",
    ),
    ("trainer.accumulate_grad_batches=0", r"trainer\.accumulate_grad_batches: 0 is not at least 1; "),
    (
        "trainer.accumulate_grad_batches=33",
        r"trainer\.accumulate_grad_batches: 33 micro-batches of a batch of 32 texts; give 1 to 32, or raise ",
    ),
    (
        "loss=supcon trainer.accumulate_grad_batches=2",
        r"trainer\.accumulate_grad_batches: 2 micro-batches, but this loss compares all texts of a batch; ",
    ),
    ("trainer.patience=0", r"trainer\.patience: 0 is not at least 1; "),
    ("trainer.patience=2 trainer.monitor=null", r"trainer\.patience: needs trainer\.monitor, which is null; "),
    (
        "trainer=fsdp2 trainer.devices=1",
        r"trainer\.devices: 1 process, and fsdp2 shards parameters across ",
    ),
    (
        "trainer=fsdp2 trainer.precision=bf16-mixed",
        r"trainer\.precision: is not known to be correct with fsdp2; give 32",
    ),
    ("trainer=fsdp2 freezing=direct", r"trainer\.strategy: fsdp2, but nothing is trained; choose trainer=ddp"),
    (
        "trainer=fsdp2 freezing=auto_rgn",
        r"freezing: decides by gradients, of which each rank has only a shard with fsdp2; ",
    ),
    ("trainer=fsdp2 averaging=ema", r"averaging: is not known to be correct with fsdp2; choose averaging=none, "),
    (
        "trainer=fsdp2 regularizer=mixout",
        r"regularizer: is not known to be correct with fsdp2; choose regularizer=none",
    ),
    ("encoder=hub", r"encoder\.name: is missing; give encoder\.name="),
    ("dataset=table", r"dataset\.train: is missing; give dataset\.train="),
    ("dataset.batch_size=0", r"dataset\.batch_size: 0 is not at least 1; "),
    ("dataset.max_length=null", r"dataset\.max_length: null is not an integer"),
    ("dataset.val_share=1.5", r"dataset\.val_share: 1\.5 is not above 0 and below 1; "),
    ("dataset.max_train=all", r"dataset\.max_train: 'all' is not an integer at least 1 or null; "),
    ("dataset.domain=films", r"dataset\.domain: 'films' is not movies, tweets, nyt or amazon; "),
    ("dataset.folds=5 dataset.fold=5", r"dataset\.fold: 5 is beyond the 5 folds, which count from 0; give 0 to 4"),
    ("dataset.folds=5", r"dataset\.fold: is missing beside dataset\.folds=5; give 0 to 4, or sweep over all"),
    ("dataset.fold=0", r"dataset\.fold: 0, but dataset\.folds is null; "),
    ("dataset.folds=1 dataset.fold=0", r"dataset\.folds: 1 would hold out all texts at once; "),
    ("dataset.folds=5 dataset.fold=-1", r"dataset\.fold: -1 is not at least 0; "),
    ("dataset.shifts=vader_nyt", r"dataset\.shifts: 'vader_nyt' is not a list or null; give a list or null"),
    (
        "dataset.shifts=[vader_tweet]",
        r"dataset\.shifts: there is no data set 'vader_tweet'; did you mean vader_tweets",
    ),
    ("dataset.shifts=[moon]", r"dataset\.shifts: there is no data set 'moon'; choose one of: "),
    ("dataset.shifts=[3]", r"dataset\.shifts: there is no data set '3'; "),
    ("dataset.shifts=[vader_nyt,vader_nyt]", r"dataset\.shifts: 'vader_nyt' occurs twice; name it once"),
    ("dataset.shifts=[table]", r"dataset\.shifts: table: train is missing; give it in a new yaml in conf/dataset"),
    ("dataset.shots=0", r"dataset\.shots: 0 is not at least 1; "),
    ("dataset.shots=few", r"dataset\.shots: 'few' is not an integer at least 1 or null; "),
    ("dataset.shot=8", r"dataset\.shot: no such key; did you mean dataset\.shots\?"),
    ("dataset.label_noise=1.5", r"dataset\.label_noise: 1\.5 is not at least 0 and at most 1; "),
    ("dataset.label_noise=-0.1", r"dataset\.label_noise: -0\.1 is not at least 0 and at most 1; "),
    ("hydra/launcher=moon", r"hydra/launcher: there is no choice 'moon'; "),
    ("hydra.jobb.name=x", r"hydra\.jobb\.name: no such key; "),
    ("head={a", r"head: 'head=\{a' is not KEY=VALUE in Hydra's grammar; quote "),
    ("=3", r"=3: '=3' is not KEY=VALUE in Hydra's grammar; "),
    ("trian", r"trian: is neither a subcommand nor KEY=VALUE; "),
    ("chek seed=2", r"chek: is neither a subcommand nor KEY=VALUE; did you mean check\?"),
    ("-m --cfg job", r"--cfg: prints the config of one job, but -m runs several; leave out one of them"),
    ("--foo", r"--foo: no such flag; "),
    ("--cfg", r"--cfg: expected one argument; "),
    ("--config-dir nowhere", r"--config-dir: 'nowhere' is not a folder; "),
    ("--cfg job head.droput=1", r"head\.droput: no such key; did you mean head\.dropout\?"),
    ("--config-name nothing", r"nothing: cannot be composed: .*nothing"),
    ("-m head=linear,mlpp", r"head: there is no choice 'mlpp'; did you mean mlp\?"),
    ("-m seed=1,-1", r"seed: -1 is not at least 0; "),
    ("-m seed=range(0,0)", r"seed: 'range\(0,0\)' matches nothing, so there is no job; "),
    ("-m experiment=glob(no/*)", r"experiment: 'glob\(no/\*\)' matches nothing, so there is no job; "),
    ("-m seed=interval(0,1)", r"seed: 'interval\(0,1\)' has infinitely many values; "),
    ("-m hydra.run.dir=a,b", r"hydra\.run\.dir: sweeps over Hydra's config; "),
    ("list encodr", r"encodr: no such group; did you mean encoder\?"),
]


def refused(said: Said) -> list[str]:
    """The problems of a command that was refused as it should be."""
    assert said.status == 2, said
    assert "Traceback" not in said.err
    assert re.match(r"\w+ has \d+ problems?:\n", said.err), said.err
    problems = said.problems()
    assert problems
    for line in problems:
        assert GRAMMAR.fullmatch(line), line
    return problems


@pytest.fixture
def written(tmp_path: Path) -> Path:
    lab = tmp_path / "experiments" / "lab"
    lab.mkdir(parents=True)
    (lab / "wrong.yaml").write_text("# @package _global_\noptimizer: {rate: 1}\n")
    for name, params in {"seeds": "seed: '1,2'", "nothing": "", "no_arm": "experiment: glob(no/*)"}.items():
        (lab / f"{name}.yaml").write_text(f"# @package _global_\nhydra: {{sweeper: {{params: {{{params}}}}}}}\n")
    (lab / "broken.yaml").write_text("# @package _global_\noptimizer: {lr: [\n")
    (tmp_path / "bad.yaml").write_text("phases: [\n")
    (tmp_path / "list.yaml").write_text("- 1\n")
    return tmp_path


@pytest.mark.parametrize(("line", "pattern"), CONFIG, ids=[line for line, _ in CONFIG])
def test_a_mistake_is_told_before_anything_starts(frostline: Command, written: Path, line: str, pattern: str) -> None:
    before = set(written.rglob("*"))
    problems = refused(frostline(*line.split()))
    assert len(problems) == 1, problems
    assert re.match(pattern, problems[0]), problems[0]
    assert set(written.rglob("*")) == before, "a refused command leaves nothing behind"


@pytest.mark.parametrize(
    ("line", "keys"),
    [
        ("head.droput=1 optimizer.lr=-1", {"head.droput", "optimizer.lr"}),
        ("encodr=minilm head=linaer seed=-1", {"encodr", "head", "seed"}),
        ("trian head=linaer a{b=3", {"trian", "head", "a{b"}),
        ("-m seed=range(0,0) optimizer.lr=-1", {"seed", "optimizer.lr"}),
        ("-m seed=1,-1 head=mlpp,linear", {"seed", "head"}),
        ("dataset=table dataset.train=no.csv optimizer.lr=x", {"dataset.train", "optimizer.lr"}),
        ("freezing=rules trainer.monitor=test/loss", {"freezing.file", "trainer.monitor"}),
        ("experiment=lab/wrong study=a/b", {"optimizer.rate", "study"}),
    ],
)
def test_all_mistakes_of_a_command_are_told_together(
    frostline: Command, written: Path, line: str, keys: set[str]
) -> None:
    assert {problem.split(": ")[0] for problem in refused(frostline(*line.split()))} == keys


def test_nothing_is_said_of_a_part_that_is_not_known(frostline: Command) -> None:
    problems = refused(frostline("head=mlpp", "head.hidden=3"))
    assert problems == ["head: there is no choice 'mlpp'; did you mean mlp?"]


GOOD = "text,label\n" + "".join(f"text {i} {label},{label}\n" for i in range(20) for label in ("no", "yes"))
DATA = [
    ("one_class", "text,label\n" + "".join(f"text {i},no\n" for i in range(20)), ""),
    ("no_column", GOOD, "dataset.label_column=stars"),
    ("no_text_column", GOOD, "dataset.text_column=review"),
    ("same_column", GOOD, "dataset.text_column=label"),
    ("three_text_columns", GOOD, "dataset.text_column=[text,label,more]"),
    ("one_text_column_twice", GOOD, "dataset.text_column=[text,text]"),
    ("no_second_text_column", GOOD, "dataset.text_column=[text,hypothesis]"),
    ("pair_with_the_label", GOOD, "dataset.text_column=[text,label]"),
    ("rare_for_folds", GOOD + "a text,rare\n" * 3, "dataset.folds=5 dataset.fold=5"),
    ("empty", "", ""),
    ("header_alone", "text,label\n", ""),
    ("binary", "\x00\x01\x02" * 50, ""),
    ("null_text", GOOD + ",no\n", ""),
    ("null_label", GOOD + "a text,\n", ""),
    ("unknown_test_label", GOOD, "dataset.test=other.csv"),
    ("missing_test", GOOD, "dataset.test=nowhere.csv"),
    ("folder", GOOD, "dataset.train=."),
    ("unknown_kind", GOOD, "dataset.train=data.xls"),
    ("not_json", GOOD, "dataset.train=data.jsonl"),
    ("not_parquet", GOOD, "dataset.train=data.parquet"),
    ("number_for_path", GOOD, "dataset.train=3"),
]


@pytest.mark.parametrize(("content", "more"), [row[1:] for row in DATA], ids=[row[0] for row in DATA])
def test_bad_data_is_told_before_anything_starts(frostline: Command, tmp_path: Path, content: str, more: str) -> None:
    (tmp_path / "data.csv").write_text(content)
    (tmp_path / "other.csv").write_text(GOOD + "a text,perhaps\n")
    for name in ("data.xls", "data.jsonl", "data.parquet"):
        (tmp_path / name).write_text("neither {json\nnor a workbook\n")
    given = [] if "dataset.train=" in more else ["dataset.train=data.csv"]
    for problem in refused(frostline("dataset=table", *given, *more.split())):
        assert problem.startswith("dataset."), problem
    assert not (tmp_path / "runs").exists()


TAGS = "\n".join(json.dumps({"text": f"text {i}", "label": [["no"], ["yes"], ["no", "yes"]][i % 3]}) for i in range(60))
UNSUITED = [
    ("head=knn freezing=frozen head.k=29", r"head\.k: 29 neighbours, but train has 28 texts; give 1 to 28"),
    (
        "head=label_similarity head.descriptions={no: never}",
        r"head\.descriptions: 1 of 2 classes have none, .* 'yes'",
    ),
    (
        "head=label_similarity head.descriptions={no: never, yes: always, yess: ever}",
        r"head\.descriptions: there is no class 'yess'; did you mean yes\?",
    ),
    (
        "head=label_similarity head.descriptions={no: 0, yes: 1}",
        r"head\.descriptions: 'no' is described by 0, which is no text; ",
    ),
    (
        "loss.class_weights=[1,2,3]",
        r"loss\.class_weights: 3 weights for 2 classes; give 2, in the order of ",
    ),
    ("loss=focal loss.class_weights=[1]", r"loss\.class_weights: 1 weights for 2 classes; "),
    ("dataset.train=tags.jsonl loss=supcon", r"loss: supcon pairs texts of one class each, and these have several; "),
    ("dataset.train=tags.jsonl head=prototype freezing=frozen", r"head: prototype has one mean a class, and these "),
    (
        "dataset.train=tags.jsonl loss=contrastive head=logistic",
        r"loss: contrastive pairs texts of one class each, and these have several; ",
    ),
]


@pytest.mark.parametrize(("words", "pattern"), UNSUITED, ids=[words for words, _ in UNSUITED])
def test_what_does_not_suit_the_texts_is_told_before_training(
    frostline: Command, tmp_path: Path, words: str, pattern: str
) -> None:
    (tmp_path / "data.csv").write_text(GOOD)
    (tmp_path / "tags.jsonl").write_text(TAGS)
    given = re.split(r" (?=[a-z_.]+=)", words)
    train = [] if "dataset.train" in words else ["dataset.train=data.csv"]
    problems = refused(frostline("dataset=table", "logger=csv", *train, *given))
    assert re.match(pattern, problems[0]), problems[0]
    assert not list(tmp_path.rglob("result.json")) and not list(tmp_path.rglob("metrics.csv"))


def test_a_folder_that_cannot_be_the_run_s_is_refused(frostline: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for line in ("hydra.run.dir=file", "hydra.run.dir=file/below", "paths.runs=file"):
        assert re.match(r"hydra\.run\.dir: '.*file' is a file; ", *refused(frostline(line)))
    assert re.match(r"hydra\.run\.dir: '/proc.*' cannot be written; ", *refused(frostline("hydra.run.dir=/proc/mine")))
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "content"), [(".job.json", json.dumps({"id": "of-another"})), ("result.json", json.dumps({"id": "old"}))]
)
def test_another_run_s_folder_is_refused(frostline: Command, tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / name).write_text(content)
    assert re.match(r"hydra\.run\.dir: '.*taken' contains ", *refused(frostline("hydra.run.dir=taken")))
    assert [file.name for file in (tmp_path / "taken").iterdir()] == [name]


def test_a_complete_run_is_not_trained_again_in_its_folder(frostline: Command, tmp_path: Path) -> None:
    from frostline.config import jobs as command

    (tmp_path / "done").mkdir()
    [job] = command.jobs_of_command(["hydra.run.dir=done"])
    (tmp_path / "done" / ".job.json").write_text(json.dumps({"id": job.id}))
    (tmp_path / "done" / "result.json").write_text("{}")
    assert frostline("check", "hydra.run.dir=done").status == 0
    problems = refused(frostline("hydra.run.dir=done", "rerun=true"))
    assert re.match(r"rerun: '.*done' contains the finished run; ", *problems)


def test_a_sweep_that_asks_for_a_run_twice(frostline: Command) -> None:
    said = frostline("-m", "seed=1,2", "optimizer.lr=1e-3,0.001")
    assert said.status == 2
    runs = [f"'seed={seed} optimizer.lr=0.001' and 'seed={seed} optimizer.lr=0.001'" for seed in (1, 2)]
    assert said.problems() == [f"--multirun: {two} are the same run; leave one out" for two in runs]
    assert not Path("runs").exists()


def test_two_jobs_cannot_share_a_folder(frostline: Command) -> None:
    said = frostline("-m", "seed=1,2", "hydra.sweep.subdir=same")
    assert re.match(r"hydra\.sweep\.subdir: '.*same' is the folder of two different jobs; ", *refused(said))


def test_a_user_s_own_yaml_is_held_to_the_same(frostline: Command, tmp_path: Path) -> None:
    group = tmp_path / "conf" / "head"
    group.mkdir(parents=True)
    (group / "bare.yaml").write_text("# nothing\ndropout: 0.1\n")
    (group / "torn.yaml").write_text("_target_: [\n")
    own = ["--config-dir", "conf"]
    assert re.match(r"head\._target_: is missing; ", *refused(frostline(*own, "head=bare")))
    assert re.match(r"head: 'torn' cannot be chosen: ", *refused(frostline(*own, "head=torn")))


def test_tensorboard_that_is_not_installed_is_told(frostline: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    assert frostline("check", "logger=tensorboard").status == 0
    for name in ("tensorboard", "tensorboardX"):
        monkeypatch.setitem(sys.modules, name, None)  # what makes its import fail
    said = frostline("check", "logger=tensorboard")
    assert said.status == 2
    assert said.problems()[0].startswith("logger.tensorboard: TensorBoard is not installed; pip install 'frostline[")


def test_debug_shows_the_traceback(frostline: Command) -> None:
    said = frostline("--debug", "seed=-1")
    assert said.status == 2
    assert "Traceback" in said.err
