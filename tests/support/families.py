"""Small random encoders of many families, as `Pretrained` holds them."""

from __future__ import annotations

from collections.abc import Callable

import torch
import transformers
from torch import Tensor, nn
from transformers import PretrainedConfig

LAYERS = 3
WORDS = {"vocab_size": 60, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
SMALL = WORDS | {
    "hidden_size": 16,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 32,
}
DEBERTA_V3 = SMALL | {
    "relative_attention": True,
    "pos_att_type": ["p2c", "c2p"],
    "position_buckets": 8,
    "norm_rel_ebd": "layer_norm",
    "conv_kernel_size": 3,
}
FAMILIES: dict[str, Callable[[], PretrainedConfig]] = {
    "BERT": lambda: transformers.BertConfig(**SMALL),
    "RoBERTa": lambda: transformers.RobertaConfig(**SMALL),
    "DistilBERT": lambda: transformers.DistilBertConfig(
        **WORDS, dim=16, n_layers=LAYERS, n_heads=2, hidden_dim=24, max_position_embeddings=32
    ),
    "DeBERTa-v2": lambda: transformers.DebertaV2Config(**DEBERTA_V3),
    "ModernBERT": lambda: transformers.ModernBertConfig(**SMALL, cls_token_id=1, sep_token_id=2),
    "Llama": lambda: transformers.LlamaConfig(**SMALL),
    "GPT-2": lambda: transformers.GPT2Config(**WORDS, n_embd=16, n_layer=LAYERS, n_head=2, n_positions=32),
    "T5": lambda: transformers.T5Config(
        **WORDS, d_model=16, d_kv=8, d_ff=24, num_layers=LAYERS, num_heads=2, is_encoder_decoder=False
    ),
    "Qwen2": lambda: transformers.Qwen2Config(**SMALL, num_key_value_heads=1),
    "ALBERT": lambda: transformers.AlbertConfig(**SMALL, embedding_size=8),
    "OPT": lambda: transformers.OPTConfig(
        **WORDS, hidden_size=16, num_hidden_layers=LAYERS, num_attention_heads=2, ffn_dim=24, word_embed_proj_dim=8
    ),
    "XLNet": lambda: transformers.XLNetConfig(**WORDS, d_model=16, n_layer=LAYERS, n_head=2, d_inner=24),
}


class Encoder(nn.Module):
    """A family's model as `Pretrained` holds it."""

    def __init__(self, config: PretrainedConfig) -> None:
        super().__init__()
        t5 = config.model_type == "t5"
        kind = transformers.T5EncoderModel if t5 else type(transformers.AutoModel.from_config(config))
        try:
            self.model = kind(config, add_pooling_layer=False)
        except TypeError:
            self.model = kind(config)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        states: Tensor = self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return states


def encoder_of(family: str) -> Encoder:
    torch.manual_seed(1)
    return Encoder(FAMILIES[family]()).eval().to(torch.get_default_device())
