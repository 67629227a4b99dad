"""What a model makes of pictures, for the page: translations, and damage that is undone.

It knows models by their types only: `Translator`, whose learner `Translates`, and `Restores`.
"""

from typing import Any

import numpy as np
import torch

from nolabel.data.dataset import Dataset
from nolabel.methods._restores import Restores
from nolabel.methods._translator import Translator
from nolabel.randomness import Draws
from nolabel.report.content import Pictures
from nolabel.report.decoded import PICTURES, resting
from nolabel.report.looks import network_values, pixels


@torch.no_grad()
def before_after(model: Translator | Restores, data: Dataset, *, seed: int) -> Pictures:
    """Some pictures, drawn at random, over what becomes of them."""
    learner: Any = model.learner_  # type: ignore[union-attr]
    part = data.subset(np.random.default_rng(seed).permutation(len(data))[:PICTURES])
    x = network_values(part).to(next(learner.parameters()).device)
    with resting(learner):
        if isinstance(model, Translator):
            versions = [("given", x), ("made of it", learner.translate(x))]
        else:
            damaged = learner.damage(x, Draws(seed, 0))
            restored = learner.rebuilt(damaged.seen, damaged.known).clamp(0, 1)
            versions = [("original", damaged.clean), ("damaged", damaged.seen), ("restored", restored)]
    return Pictures("Drawn at random", [str(name) for name in part.ids], [(name, pixels(y)) for name, y in versions])
