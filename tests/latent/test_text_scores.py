"""Scores of pictures by texts: what they are made of, and what is said where CLIP cannot be had.

The model is as it is drawn, as its weights are a download: these tests cannot tell whether it knows a smile.
"""

import sys

import numpy as np
import pytest
import torch
from PIL import Image

from adatune.errors import FeaturesUnavailable
from adatune.latent import text_scores
from adatune.latent.text_scores import text_scorer

CPU = torch.device("cpu")


@pytest.fixture
def untrained(monkeypatch):
    monkeypatch.setattr(text_scores, "WEIGHTS", None)
    monkeypatch.setattr(text_scores, "MODEL", "ViT-S-32-alt")  # a third of the size
    torch.manual_seed(0)


def pictures(count):
    random = np.random.default_rng(0)
    return [Image.fromarray(random.integers(0, 256, (40, 32, 3), np.uint8)) for _ in range(count)]


def test_a_score_is_the_difference_of_two_cosines_whichever_pictures_are_beside_it(untrained):
    import open_clip

    score = text_scorer("a smiling face", "a face", CPU)
    shown = pictures(3)
    scores = score(shown)
    torch.manual_seed(0)
    model, _, prepare = open_clip.create_model_and_transforms("ViT-S-32-alt")
    with torch.no_grad():
        tokens = open_clip.get_tokenizer("ViT-S-32-alt")(["a smiling face", "a face"])
        texts = model.eval().encode_text(tokens)
        seen = model.encode_image(prepare(shown[2])[None])
        cosines = torch.nn.functional.cosine_similarity(texts, seen)
    assert scores[2] == pytest.approx(float(cosines[0] - cosines[1]), abs=1e-5)
    assert score(shown[2:]) == pytest.approx(scores[2:], abs=1e-5)
    assert len(set(scores)) == 3


def test_the_package_that_is_missing_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "open_clip", None)
    with pytest.raises(FeaturesUnavailable, match=r"not installed: pip install 'adatune\[text\]'"):
        text_scorer("a", "b", CPU)


def test_weights_that_cannot_be_downloaded_end_in_one_error(monkeypatch, tmp_path, caplog):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(FeaturesUnavailable, match=r"weights of CLIP cannot be had: .* when you are online"):
        text_scorer("a", "b", CPU)
    assert not caplog.records
