"""A language model's tail is its own, whatever its family: from the encoder's states it tells what the whole tells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import nn

from families import FAMILIES
from frostline.errors import UserError
from frostline.models.blocks import find_blocks
from frostline.models.encoders.language_model_head import CLASSES, build_language_model_head

MASKED = ["BERT", "RoBERTa", "DistilBERT", "DeBERTa-v2", "ModernBERT", "ALBERT"]
CAUSAL = ["Llama", "GPT-2", "Qwen2", "OPT"]
KINDS = [("masked", family) for family in MASKED] + [("causal", family) for family in CAUSAL]
SOURCE: dict[str, Any] = {"revision": None, "local_files_only": True}
IDS = torch.tensor([[5, 9, 31, 8, 7], [44, 3, 12, 6, 59]])


@pytest.fixture(autouse=True, scope="module")
def quiet() -> None:
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()


def saved(objective: Any, family: str, folder: Path, tied: bool = True) -> nn.Module:
    """A whole language model of the family, drawn at random, every parameter of it, and saved."""
    torch.manual_seed(1)
    config = FAMILIES[family]()
    config.tie_word_embeddings = tied
    whole: nn.Module = CLASSES[objective].from_config(config)
    with torch.no_grad():
        for parameter in whole.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    whole.save_pretrained(folder)  # type: ignore[operator]
    return whole.eval()


@pytest.mark.parametrize(("objective", "family"), KINDS)
def test_from_the_encoder_s_states_the_tail_tells_what_the_whole_model_tells(
    objective: Any, family: str, tmp_path: Path
) -> None:
    whole = saved(objective, family, tmp_path)
    base = transformers.AutoModel.from_pretrained(tmp_path, dtype=torch.float32).eval()
    made = build_language_model_head(objective, base.config, base, str(tmp_path), SOURCE).eval()
    with torch.no_grad():
        states = base(input_ids=IDS).last_hidden_state
        torch.testing.assert_close(made(states), whole(input_ids=IDS).logits)
        torch.testing.assert_close(made(states[:, 2:3]), whole(input_ids=IDS).logits[:, 2:3])


@pytest.mark.parametrize(("objective", "family"), KINDS)
def test_the_tail_shares_with_the_encoder_what_the_model_ties_and_holds_no_second_copy(
    objective: Any, family: str, tmp_path: Path
) -> None:
    whole = saved(objective, family, tmp_path)
    base = transformers.AutoModel.from_pretrained(tmp_path, dtype=torch.float32)
    made = build_language_model_head(objective, base.config, base, str(tmp_path), SOURCE)
    assert any(p is base.get_input_embeddings().weight for p in made.parameters())
    both = nn.ModuleList([base, made])
    extra = sum(p.numel() for n, p in base.named_parameters() if "pooler" in n)
    assert sum(p.numel() for p in both.parameters()) - extra == sum(p.numel() for p in whole.parameters())


@pytest.mark.parametrize(("objective", "family"), KINDS)
def test_from_shapes_alone_the_blocks_are_the_same(objective: Any, family: str, tmp_path: Path) -> None:
    saved(objective, family, tmp_path)
    base = transformers.AutoModel.from_pretrained(tmp_path, dtype=torch.float32)
    made = build_language_model_head(objective, base.config, base, str(tmp_path), SOURCE)
    with torch.device("meta"):
        outline = transformers.AutoModel.from_config(base.config)
    shapes = build_language_model_head(objective, base.config, outline, None, SOURCE, meta=True)
    found, planned = (find_blocks(*parts) for parts in ((base, nn.Identity(), made), (outline, nn.Identity(), shapes)))
    assert [block.plan_block for block in found] == [block.plan_block for block in planned]
    assert all(p.is_meta for block in planned for p in block.parameters.values())


def test_what_is_not_tied_in_the_model_is_not_tied_here(tmp_path: Path) -> None:
    whole = saved("causal", "Llama", tmp_path, tied=False)
    base = transformers.AutoModel.from_pretrained(tmp_path).eval()
    made = build_language_model_head("causal", base.config, base, str(tmp_path), SOURCE).eval()
    assert made.model.lm_head.weight is not base.embed_tokens.weight  # type: ignore[union-attr]
    with torch.no_grad():
        torch.testing.assert_close(made(base(input_ids=IDS).last_hidden_state), whole(input_ids=IDS).logits)


def test_a_checkpoint_without_the_head_is_refused(tmp_path: Path) -> None:
    base = transformers.AutoModel.from_config(FAMILIES["BERT"]())
    base.save_pretrained(tmp_path)
    with pytest.raises(UserError, match=r"encoder\.objective: the checkpoint has no language-model head: it lacks '"):
        build_language_model_head("masked", base.config, base, str(tmp_path), SOURCE)


def test_an_architecture_without_such_a_head_is_refused() -> None:
    config = FAMILIES["T5"]()
    with pytest.raises(UserError, match=r"encoder\.objective: 'causal', but transformers has no such head for t5; "):
        build_language_model_head("causal", config, nn.Identity(), None, SOURCE)
