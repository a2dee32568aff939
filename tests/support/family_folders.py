"""Tiny random checkpoints of many families, each with a tokenizer, as folders that `encoder=hub` reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tokenizers
import torch
import transformers as hf

LAYERS, WIDTH, POSITIONS = 3, 16, 64
WORDS = [f"w{number}" for number in range(40)]
SPECIAL = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"]
IDS = {"vocab_size": 48, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
SMALL = IDS | {
    "hidden_size": WIDTH,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": POSITIONS,
}
GROUPED = SMALL | {"num_key_value_heads": 1, "head_dim": 8}
BART = IDS | {
    "d_model": WIDTH,
    "encoder_layers": LAYERS,
    "decoder_layers": 2,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 24,
    "decoder_ffn_dim": 24,
    "decoder_start_token_id": 0,
}
T5 = IDS | {"d_model": WIDTH, "d_kv": 8, "d_ff": 24, "num_layers": LAYERS, "num_decoder_layers": 2, "num_heads": 2}
T5 |= {"decoder_start_token_id": 0}
GPT = IDS | {"n_embd": WIDTH, "n_layer": LAYERS, "n_head": 2, "n_positions": POSITIONS}
LIMITED = BART | {"max_position_embeddings": POSITIONS}
RELATIVE = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"]}
DEBERTA_V3 = RELATIVE | {"position_buckets": 8, "norm_rel_ebd": "layer_norm", "position_biased_input": False}
MPT = {"d_model": WIDTH, "n_layers": LAYERS, "n_heads": 2, "max_seq_len": POSITIONS}
XLM = {"n_words": 48, "emb_dim": WIDTH, "n_layers": LAYERS, "n_heads": 2, "max_position_embeddings": POSITIONS}
XLM |= {"pad_index": 0, "bos_index": 1, "eos_index": 2}
IMAGES = {"hidden_size": WIDTH, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 24}
IMAGES |= {"image_size": 8, "patch_size": 4}


@dataclass(frozen=True)
class Family:
    """How a checkpoint of a family is made: its config, the class that is saved, and what its tokenizer adds.

    form: "bert" adds [CLS] and [SEP], "end" adds [SEP], "xlnet" adds [SEP] and [CLS] with token type 2, "funnel" [CLS]
    with type 2 and [SEP], "plain" adds nothing, "bytes" splits into bytes, "characters" into code points.
    """

    config: Callable[[], Any]
    model: str = "AutoModel"
    form: str = "bert"


def _family(name: str, model: str = "AutoModel", form: str = "bert", **values: Any) -> Family:
    return Family(lambda: getattr(hf, f"{name}Config")(**values), model, form)


def _t5gemma() -> Any:
    return hf.T5GemmaConfig(encoder=dict(GROUPED), decoder=GROUPED | {"num_hidden_layers": 2})


def _clip() -> Any:
    return hf.CLIPConfig(text_config=dict(SMALL), vision_config=dict(IMAGES), projection_dim=WIDTH)


FAMILIES: dict[str, Family] = {
    # encoders
    "BERT": _family("Bert", "BertForMaskedLM", **SMALL),
    "RoBERTa": _family("Roberta", **SMALL),
    "XLM-R": _family("XLMRoberta", "XLMRobertaForSequenceClassification", **SMALL),
    "CamemBERT": _family("Camembert", **SMALL),
    "DistilBERT": _family(
        "DistilBert", **IDS, dim=WIDTH, n_layers=LAYERS, n_heads=2, hidden_dim=24, max_position_embeddings=POSITIONS
    ),
    "ALBERT": _family("Albert", **SMALL, embedding_size=8),
    "ELECTRA": _family("Electra", "ElectraForPreTraining", **SMALL, embedding_size=8),
    "MPNet": _family("MPNet", **SMALL),
    "ModernBERT": _family("ModernBert", **SMALL, cls_token_id=1, sep_token_id=2, local_attention=8),
    "DeBERTa": _family("Deberta", **SMALL, **RELATIVE),
    "DeBERTa-v3": _family("DebertaV2", **SMALL, **DEBERTA_V3),
    "MobileBERT": _family("MobileBert", **SMALL, embedding_size=8, intra_bottleneck_size=8),
    "SqueezeBERT": _family("SqueezeBert", **SMALL, embedding_size=WIDTH, q_groups=1, k_groups=1, v_groups=1),
    "RoFormer": _family("RoFormer", **SMALL),
    "RemBERT": _family("RemBert", **SMALL, input_embedding_size=8, output_embedding_size=8),
    "NomicBERT": _family("NomicBert", **SMALL),
    "ERNIE": _family("Ernie", **SMALL),
    "XLM": _family("XLM", **XLM),
    "FlauBERT": _family("Flaubert", **XLM),
    "Longformer": _family("Longformer", **SMALL, attention_window=8),
    "BigBird": _family("BigBird", **SMALL, block_size=2, num_random_blocks=1),
    "Funnel": _family(
        "Funnel",
        "FunnelModel",
        "funnel",
        **IDS,
        block_sizes=[1, 1, 1],
        block_repeats=[1, 1, 1],
        d_model=WIDTH,
        n_head=2,
        d_head=8,
        d_inner=24,
    ),
    "Nyströmformer": _family("Nystromformer", **SMALL, segment_means_seq_len=4, num_landmarks=4),
    "ConvBERT": _family("ConvBert", **SMALL, head_ratio=1, conv_kernel_size=3),
    "YOSO": _family("Yoso", **SMALL),
    "FNet": _family("FNet", **SMALL),
    "CANINE": _family(
        "Canine",
        **{key: value for key, value in SMALL.items() if key != "vocab_size"} | {"max_position_embeddings": 256},
        local_transformer_stride=16,
        num_hash_functions=2,
        num_hash_buckets=64,
        form="characters",
    ),
    "Reformer": _family(
        "Reformer",
        **IDS,
        hidden_size=WIDTH,
        attention_head_size=8,
        num_attention_heads=2,
        feed_forward_size=24,
        attn_layers=["local", "lsh", "local"],
        axial_pos_shape=[8, 8],
        axial_pos_embds_dim=[8, 8],
        max_position_embeddings=POSITIONS,
        local_attn_chunk_length=4,
        lsh_attn_chunk_length=4,
        num_buckets=2,
    ),
    "XLNet": _family("XLNet", form="xlnet", **IDS, d_model=WIDTH, n_layer=LAYERS, n_head=2, d_inner=24),
    # encoder-decoders
    "T5": _family("T5", "T5ForConditionalGeneration", "end", **T5),
    "T5, encoder only": _family("T5", "T5EncoderModel", "end", **T5),
    "mT5": _family("MT5", "MT5Model", "end", **T5),
    "UMT5": _family("UMT5", "UMT5ForConditionalGeneration", "end", **T5),
    "LongT5": _family("LongT5", "LongT5Model", "end", **T5, local_radius=4),
    "T5Gemma": Family(_t5gemma, "T5GemmaForConditionalGeneration", "end"),
    "BART": _family("Bart", "BartForConditionalGeneration", **LIMITED),
    "mBART": _family("MBart", "MBartForConditionalGeneration", "end", **LIMITED),
    "Pegasus": _family("Pegasus", "PegasusForConditionalGeneration", "end", **LIMITED),
    "Marian": _family("Marian", "MarianMTModel", "end", **LIMITED),
    "M2M100": _family("M2M100", "M2M100ForConditionalGeneration", "end", **LIMITED),
    "LED": _family(
        "LED",
        "LEDForConditionalGeneration",
        **BART,
        max_encoder_position_embeddings=POSITIONS,
        max_decoder_position_embeddings=32,
        attention_window=8,
    ),
    "ProphetNet": _family(
        "ProphetNet",
        "ProphetNetForConditionalGeneration",
        **IDS,
        hidden_size=WIDTH,
        num_encoder_layers=LAYERS,
        num_decoder_layers=2,
        num_encoder_attention_heads=2,
        num_decoder_attention_heads=2,
        encoder_ffn_dim=24,
        decoder_ffn_dim=24,
        max_position_embeddings=POSITIONS,
        decoder_start_token_id=0,
    ),
    # language models
    "GPT-2": _family("GPT2", "GPT2LMHeadModel", "plain", **GPT),
    "GPT-J": _family("GPTJ", "GPTJForCausalLM", "plain", **GPT, rotary_dim=4),
    "GPT-NeoX": _family("GPTNeoX", "GPTNeoXForCausalLM", "plain", **SMALL),
    "OPT": _family(
        "OPT",
        "OPTForCausalLM",
        "plain",
        **IDS,
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=2,
        ffn_dim=24,
        word_embed_proj_dim=8,
        max_position_embeddings=POSITIONS,
    ),
    "Llama": _family("Llama", "LlamaForCausalLM", "plain", **SMALL),
    "Gemma": _family("Gemma", "GemmaForCausalLM", "plain", **GROUPED),
    "Gemma 2": _family("Gemma2", "Gemma2ForCausalLM", "plain", **GROUPED, sliding_window=8),
    "Gemma 3": _family("Gemma3Text", "Gemma3ForCausalLM", "plain", **GROUPED, sliding_window=8),
    "Qwen2": _family("Qwen2", "Qwen2ForCausalLM", "bytes", **SMALL | {"vocab_size": 300}, num_key_value_heads=1),
    "Qwen3": _family("Qwen3", "Qwen3ForCausalLM", "plain", **GROUPED),
    "Mistral": _family("Mistral", "MistralForCausalLM", "plain", **SMALL, num_key_value_heads=1, sliding_window=8),
    "Falcon": _family(
        "Falcon", "FalconForCausalLM", "plain", **IDS, hidden_size=WIDTH, num_hidden_layers=LAYERS,
        num_attention_heads=2, alibi=True,
    ),
    "MPT": _family("Mpt", "MptForCausalLM", "plain", **IDS, **MPT),
    "BLOOM": _family("Bloom", "BloomForCausalLM", "plain", **IDS, hidden_size=WIDTH, n_layer=LAYERS, n_head=2),
    "Mamba": _family(
        "Mamba", "MambaForCausalLM", "plain", **IDS, hidden_size=WIDTH, num_hidden_layers=LAYERS, state_size=4
    ),
    # texts and images
    "CLIP, text tower": _family("CLIPText", "CLIPTextModel", **SMALL),
    "CLIP": Family(_clip, "CLIPModel"),
    "ViT": _family("ViT", **IMAGES),
}  # fmt: skip


def save(family: str, folder: Path) -> Path:
    """Save a checkpoint of the family with random weights and a tokenizer of 40 words, and return its folder."""
    made, config = FAMILIES[family], FAMILIES[family].config()
    torch.manual_seed(1)
    model: Any = getattr(hf, made.model)
    (model.from_config if made.model == "AutoModel" else model)(config).save_pretrained(folder)
    tokenizer(made.form).save_pretrained(folder)
    return folder


def tokenizer(form: str) -> Any:
    """Return a tokenizer of the form."""
    if form == "characters":
        return hf.CanineTokenizer(model_max_length=128)
    if form == "bytes":
        alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
        return hf.Qwen2Tokenizer(vocab={byte: number for number, byte in enumerate(alphabet)}, merges=[])
    vocabulary = {word: number for number, word in enumerate([*SPECIAL, *WORDS])}
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    templates = {
        "bert": ("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1"),
        "end": ("$A [SEP]", "$A [SEP] $B [SEP]"),
        "xlnet": ("$A [SEP] [CLS]:2", "$A [SEP] $B:1 [SEP]:1 [CLS]:2"),
        "funnel": ("[CLS]:2 $A [SEP]", "[CLS]:2 $A [SEP] $B:1 [SEP]:1"),
    }
    if form in templates:
        single, pair = templates[form]
        special = [(word, vocabulary[word]) for word in ("[CLS]", "[SEP]")]
        made.post_processor = tokenizers.processors.TemplateProcessing(single=single, pair=pair, special_tokens=special)
    words = {"pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]", "unk_token": "[UNK]"}
    names = ["input_ids", "attention_mask", *(["token_type_ids"] if form in ("xlnet", "funnel") else [])]
    return hf.PreTrainedTokenizerFast(
        tokenizer_object=made, **words, mask_token="[MASK]", model_input_names=names, model_max_length=POSITIONS
    )
