"""What is special about VQVAE: tokens, a gradient that passes straight through, a codebook that follows, a prior."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from nolabel import VQVAE
from nolabel.data import toys
from nolabel.errors import ArgumentError
from nolabel.methods.vqvae import VQVAELearner
from nolabel.randomness import Draws
from nolabel.training.learner import Step
from nolabel.types import Batch

TABLE = toys.blobs(150, 8)
IMAGES = toys.stripes(80, 8)


def _fit(data: Any = TABLE, **arguments: Any) -> VQVAE:
    given = {
        "codebook_size": 12,
        "token_width": 3,
        "tokens": 4,
        "hidden": (16,),
        "epochs": 10,
        "batch_size": 50,
        "learning_rate": 0.01,
        "random_state": 0,
    }
    return VQVAE(**{**given, **arguments}).fit(data)


def _batch(rows: int = 30) -> Batch:
    return Batch(TABLE.store[:rows], torch.arange(rows))


def test_tokens_are_numbers_of_entries() -> None:
    model = _fit()
    tokens = model.tokenize(TABLE)
    assert tokens.shape == (150, 4)
    assert tokens.dtype == np.int64
    assert tokens.min() >= 0
    assert tokens.max() < 12
    assert len(np.unique(tokens)) > 3, "several entries are in use"
    entries = model.learner_.codebook.entries.numpy()
    assert np.array_equal(model.transform(TABLE), entries[tokens].reshape(150, -1)), "a code is made of entries"


def test_each_token_is_the_nearest_entry() -> None:
    model = _fit()
    with torch.no_grad():
        z_e = model.learner_.tokens.split(model.learner_.encoder(TABLE.store)).numpy().astype(np.float64)
    entries = model.learner_.codebook.entries.numpy().astype(np.float64)
    tokens = model.tokenize(TABLE)
    for row in range(0, 150, 10):
        for place in range(4):
            distances = [np.square(z_e[row, place] - entry).sum() for entry in entries]
            assert distances[tokens[row, place]] <= min(distances) + 1e-5


def test_images_are_cut_where_they_lie() -> None:
    model = _fit(IMAGES, hidden=(8,), net="conv")
    assert model.tokenize(IMAGES).shape == (80, 16), "one halving of 8 x 8 leaves 4 x 4 places"
    assert model.transform(IMAGES).shape == (80, 16 * 3)
    assert model.reconstruct(IMAGES).shape == (80, 8, 8)


def test_the_gradient_passes_straight_through() -> None:
    """What reaches z_e from the reconstruction is what reaches z_q in the decoder; the codebook takes none."""
    learner: VQVAELearner = _fit(commitment=0.0, epochs=2).learner_
    batch = _batch()
    seen: list[Any] = []
    handle = learner.encoder.register_forward_hook(lambda _, __, output: (output.retain_grad(), seen.append(output))[1])
    learner.loss(batch, Step(0, 0.0, Draws(0))).parts["reconstruction"].backward()
    handle.remove()
    z_q = learner.encode(batch.x).detach().requires_grad_()
    (learner.decoder(z_q) - batch.x).square().mean().backward()
    assert z_q.grad is not None
    assert torch.allclose(seen[0].grad, z_q.grad, atol=1e-7)
    assert z_q.grad.abs().max() > 0
    assert not any(name.startswith("codebook") for name, _ in learner.named_parameters())


def test_commitment_pulls_the_encoder_alone() -> None:
    learner: VQVAELearner = _fit(commitment=0.5, epochs=2).learner_
    batch = _batch()
    learner.zero_grad()
    part = learner.loss(batch, Step(0, 0.0, Draws(0))).parts["commitment"]
    part.backward()
    with torch.no_grad():
        z_e = learner.encoder(batch.x)
        z_q = learner.encode(batch.x)
    assert part.item() == pytest.approx(0.5 * (z_e - z_q).square().mean().item(), rel=1e-4)
    moved = {name.split(".")[0] for name, p in learner.named_parameters() if p.grad is not None and p.grad.any()}
    assert moved == {"encoder"}


def test_the_prior_changes_neither_encoder_nor_decoder() -> None:
    learner: VQVAELearner = _fit(epochs=2).learner_
    learner.zero_grad()
    learner.loss(_batch(), Step(0, 0.0, Draws(0))).parts["prior"].backward()
    moved = {name.split(".")[0] for name, p in learner.named_parameters() if p.grad is not None and p.grad.any()}
    assert moved == {"prior"}


def test_the_codebook_follows_by_running_means() -> None:
    """Appendix A.1 of the paper, entry by entry."""
    learner: VQVAELearner = _fit(epochs=3, decay=0.9, restart_below=0.0).learner_
    book, batch = learner.codebook, _batch()
    counts, sums = book.counts.double().numpy().copy(), book.sums.double().numpy().copy()
    with torch.no_grad():
        z_e = learner.tokens.split(learner.encoder(batch.x)).double().numpy()
        k = learner.numbers(batch.x).numpy()
    learner.train()
    learner.loss(batch, Step(0, 0.0, Draws(0)))
    learner.follow(Step(0, 0.0, Draws(0)))
    for entry in range(12):
        n, m = 0, np.zeros(3)
        for row in range(len(batch)):
            for place in range(4):
                if k[row, place] == entry:
                    n += 1
                    m += z_e[row, place]
        counts[entry] = 0.9 * counts[entry] + 0.1 * n
        sums[entry] = 0.9 * sums[entry] + 0.1 * m
    assert np.allclose(book.counts.numpy(), counts, atol=1e-4)
    assert np.allclose(book.entries.numpy(), sums / counts[:, None], atol=1e-3)


def test_dead_entries_are_put_where_the_data_are() -> None:
    learner: VQVAELearner = _fit(epochs=3, restart_below=0.1).learner_
    book, batch = learner.codebook, _batch()
    far = torch.full((3,), 1e4)
    book.entries[5], book.sums[5], book.counts[5] = far, far * 1e-6, 1e-6
    learner.train()
    with torch.no_grad():
        z_e = learner.tokens.split(learner.encoder(batch.x)).flatten(0, 1)
        learner.loss(batch, Step(0, 0.0, Draws(0)))
    learner.follow(Step(0, 0.0, Draws(0)))
    assert (z_e - book.entries[5]).square().sum(1).min() < 1e-6, "it is one of the batch's vectors now"


def test_nothing_follows_while_only_looking() -> None:
    model = _fit()
    before = model.learner_.codebook.entries.clone()
    model.transform(TABLE)
    model.learner_.loss(_batch(), Step(0, 0.0, Draws(0)))
    model.learner_.follow(Step(0, 0.0, Draws(0)))
    assert torch.equal(model.learner_.codebook.entries, before)


def test_restarts_keep_the_codebook_in_use() -> None:
    perplexity = [_fit(epochs=30, restart_below=share).history_[-1]["perplexity"] for share in (0.3, 0.0)]
    assert perplexity[0] > perplexity[1]
    assert perplexity[0] > 4


def test_the_prior_learns_how_tokens_go_together() -> None:
    model = _fit(epochs=40)
    uniform = math.log(12)
    assert model.history_[-1]["prior"] < 0.9 * uniform
    k = torch.from_numpy(model.tokenize(TABLE))
    shuffled = k[torch.randperm(150, generator=torch.Generator().manual_seed(0))]
    mixed = torch.cat([k[:, :2], shuffled[:, 2:]], 1)
    with torch.no_grad():
        own, others = (model.learner_.prior.negative_log(one).sum(1).mean().item() for one in (k, mixed))
    assert own < others, "tokens of one sample are likelier together than tokens of two"


def test_samples_come_from_the_prior_in_the_users_form() -> None:
    model = _fit(IMAGES, hidden=(8,), net="conv")
    drawn = model.sample(6, random_state=0)
    assert drawn.shape == (6, 8, 8)
    assert drawn.dtype == np.uint8
    generator = torch.Generator().manual_seed(0)
    k = model.learner_.prior.sample(6, 16, generator)
    with torch.no_grad():
        by_hand = model.learner_.decode(model.learner_.codebook.look_up(k).flatten(1))
    assert np.abs(drawn.astype(int) - (by_hand[:, 0] * 255).numpy()).max() <= 0.51
    assert not np.array_equal(drawn, model.sample(6, random_state=1))


def test_reconstruction_goes_through_the_codebook() -> None:
    model = _fit()
    assert np.allclose(model.reconstruct(TABLE), model.inverse_transform(model.transform(TABLE)), atol=1e-5)
    few = _fit(codebook_size=1).reconstruct(TABLE)
    assert np.allclose(few, few[0], atol=1e-4), "with one entry all samples are rebuilt alike"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"codebook_size": 0}, "codebook_size must be at least 1; got 0"),
        ({"tokens": 0}, "tokens must be at least 1; got 0"),
        ({"decay": 1.0}, "decay must be at least 0 and below 1; got 1.0"),
        ({"commitment": -0.1}, "commitment must be at least 0; got -0.1"),
        ({"restart_below": -0.1}, "restart_below must be at least 0 and at most 1; got -0.1"),
    ],
)
def test_senseless_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        _fit(**arguments)
