"""The inference of topics, against loop-written equations and against scikit-learn."""

from typing import Any

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array
from scipy.special import digamma, gammaln
from sklearn.decomposition import LatentDirichletAllocation
from sklearn.decomposition._lda import _update_doc_distribution
from torch import Tensor

from nolabel.data.sparse import from_scipy
from nolabel.objectives import completion, dirichlet_priors, topics, topics_kernels, variational_topics

K, V = 3, 12


def counts(n: int = 20, seed: int = 0, width: int = V) -> Tensor:
    """Random counts, a document without words among them."""
    rows = np.random.default_rng(seed).poisson(0.7, size=(n, width))
    rows[3] = 0
    return from_scipy(csr_array(rows)).gather(torch.arange(n))


def random_phi(seed: int = 0, width: int = V, k: int = K) -> Tensor:
    return topics.topic_words(torch.from_numpy(np.random.default_rng(seed).random((width, k))), 0.01)


def slow_map(
    x: np.ndarray, phi: np.ndarray, alpha: np.ndarray, steps: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    theta, sums, score = np.zeros((len(x), K)), np.zeros((V, K)), np.zeros(len(x))
    for d, document in enumerate(x):
        t = alpha.copy()
        for w in range(V):
            t += document[w] * phi[w] / phi[w].sum()
        t /= t.sum()
        for _ in range(steps):
            new = alpha.copy()
            for w in range(V):
                new += document[w] * t * phi[w] / (t @ phi[w])
            t = new / new.sum()
        for w in range(V):
            sums[w] += document[w] * t * phi[w] / (t @ phi[w])
            score[d] += document[w] * np.log(t @ phi[w])
        theta[d] = t
    return theta, sums, score


@pytest.mark.parametrize("route", [topics._on_cpu, topics._by_torch])
def test_map_is_its_equation(route: Any) -> None:
    x, phi, alpha = counts(), random_phi(), torch.tensor([0.1, 0.2, 0.3], dtype=torch.float64)
    theta, sums, score = slow_map(x.to_dense().double().numpy(), phi.numpy(), alpha.numpy(), 7)
    found = route(x, phi, alpha, 7, 0.0, True)
    np.testing.assert_allclose(found.weights, theta, rtol=1e-10)
    np.testing.assert_allclose(found.statistics, sums, rtol=1e-10)
    np.testing.assert_allclose(found.score, score, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("route", [topics._on_cpu, topics._by_torch])
def test_a_step_of_em_never_lowers_the_posterior(route: Any) -> None:
    x, phi, alpha = counts(40), random_phi(), torch.full((K,), 0.5, dtype=torch.float64)
    heights = []
    for _ in range(15):
        found = route(x, phi, alpha, 200, 0.0, True)
        prior = (alpha * found.weights.log()).sum() + 0.1 * phi.log().sum()
        heights.append(float(found.score.sum() + prior))
        phi = topics.topic_words(found.statistics, 0.1)
    assert np.all(np.diff(heights) > -1e-6)
    assert heights[-1] > heights[0] + 1


def test_any_number_of_threads_gives_the_same_bits() -> None:
    x, phi, alpha = counts(3000, width=300), random_phi(width=300, k=7).float(), torch.full((7,), 0.1)
    before = torch.get_num_threads()
    found = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            found.append(topics.infer(x, phi, alpha, steps=4))
    finally:
        torch.set_num_threads(before)
    for other in found[1:]:
        assert torch.equal(found[0].weights, other.weights)
        assert torch.equal(found[0].statistics, other.statistics)  # type: ignore[arg-type]
        assert torch.equal(found[0].score, other.score)


def test_statistics_hold_every_word_once() -> None:
    x = counts()
    found = topics.infer(x, random_phi().float(), torch.full((K,), 0.1), steps=3)
    assert found.statistics is not None
    np.testing.assert_allclose(found.statistics.sum(1), x.to_dense().sum(0), rtol=1e-5)


def test_class_tf_idf_is_its_equation() -> None:
    table = torch.tensor([[4.0, 1.0], [0.0, 5.0]], dtype=torch.float64)
    wanted = [[1.0 * np.log(1 + 5 / 5), 1 / 6 * np.log(1 + 5 / 5)], [0.0, 5 / 6 * np.log(1 + 5 / 5)]]
    np.testing.assert_allclose(topics.class_tf_idf(table), wanted)


# --- variational, as scikit-learn ------------------------------------------------------------------------------------


def sklearn_model(x: Any, **arguments: Any) -> Any:
    model = LatentDirichletAllocation(
        n_components=K, doc_topic_prior=0.2, topic_word_prior=0.05, random_state=0, **arguments
    )
    model._init_latent_vars(V)
    return model


def as_scipy(x: Tensor) -> Any:
    return csr_array(x.to_dense().double().numpy())


ALPHA = torch.full((K,), 0.2, dtype=torch.float64)


@pytest.mark.parametrize("device_path", [False, True])
def test_e_step_is_that_of_scikit_learn(device_path: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if device_path:
        monkeypatch.setattr(variational_topics, "_on_cpu", variational_topics._by_torch)
    x = counts(60)
    model = sklearn_model(x)
    gamma, sums = _update_doc_distribution(
        as_scipy(x), model.exp_dirichlet_component_, 0.2, 100, 1e-3, cal_sstats=True, random_state=None
    )
    table = variational_topics.word_table(torch.from_numpy(model.components_.T.copy()))
    found = variational_topics.infer(x, table, ALPHA, steps=100)
    np.testing.assert_allclose(found.weights, gamma, rtol=1e-7)
    np.testing.assert_allclose(found.statistics, (sums * model.exp_dirichlet_component_).T, atol=1e-7)


def test_what_is_not_asked_for_is_not_computed() -> None:
    table = variational_topics.word_table(random_phi())
    found = variational_topics.infer(counts(), table, ALPHA, steps=3, statistics=False, bound=False)
    assert found.statistics is None
    assert found.score is None


@pytest.mark.parametrize("module", [topics, variational_topics])
def test_off_the_cpu_it_ends_when_all_documents_are_done(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    steps, gathered = [], topics.gathered
    monkeypatch.setattr(module, "gathered", lambda *given: steps.append(1) or gathered(*given))
    monkeypatch.setattr(module, "_on_cpu", module._by_torch)
    table, x = random_phi(), counts()
    module.infer(x, table, ALPHA, steps=10_000, statistics=False)
    assert len(steps) < 1000


def test_bound_is_that_of_scikit_learn() -> None:
    x = counts(60)
    model = sklearn_model(x)
    gamma, _ = model._e_step(as_scipy(x), cal_sstats=False, random_init=False)
    lambda_ = torch.from_numpy(model.components_.T.copy())
    table = variational_topics.word_table(lambda_)
    ours = variational_topics.document_bound(x, table, ALPHA, torch.from_numpy(gamma)).sum()
    ours = ours + variational_topics.topic_bound(lambda_, 0.05)
    assert float(ours) == pytest.approx(model._approx_bound(as_scipy(x), gamma, False), rel=1e-8)


@pytest.mark.parametrize("batch", [True, False])
def test_m_step_and_online_step_are_those_of_scikit_learn(batch: bool) -> None:
    x = counts(60)
    model = sklearn_model(x, learning_offset=10.0, learning_decay=0.7, total_samples=500)
    first = torch.from_numpy(model.components_.T.copy())
    draws = np.random.RandomState()
    draws.set_state(model.random_state_.get_state())
    start = torch.from_numpy(draws.gamma(100.0, 0.01, (60, K)))  # the γ that scikit-learn will draw
    model._em_step(as_scipy(x), total_samples=500, batch_update=batch)
    found = variational_topics.infer(x, variational_topics.word_table(first), ALPHA, steps=100, start=start)
    assert found.statistics is not None
    rate, scale = (1.0, 1.0) if batch else ((10.0 + 1) ** -0.7, 500 / 60)
    ours = (1 - rate) * first + rate * (0.05 + scale * found.statistics)
    np.testing.assert_allclose(ours.T, model.components_, rtol=1e-7)


def test_batch_updates_never_lower_the_bound() -> None:
    x, lambda_ = counts(60), torch.from_numpy(np.random.default_rng(0).gamma(100, 0.01, (V, K)))
    bounds = []
    for _ in range(12):
        found = variational_topics.infer(x, variational_topics.word_table(lambda_), ALPHA, steps=500, tolerance=1e-9)
        bounds.append(float(found.score.sum() + variational_topics.topic_bound(lambda_, 0.05)))
        assert found.statistics is not None
        lambda_ = 0.05 + found.statistics
    assert np.all(np.diff(bounds) > -1e-7)
    assert bounds[-1] > bounds[0] + 1


def test_digamma_of_the_kernels() -> None:
    points = np.array([1e-8, 1e-3, 0.1, 0.5, 1.0, 1.46, 3.0, 5.99, 6.0, 17.0, 1e4])
    np.testing.assert_allclose(
        [topics_kernels.digamma(point) for point in points], digamma(points), rtol=1e-12, atol=1e-14
    )


# --- priors ----------------------------------------------------------------------------------------------------------


def polya(alpha: np.ndarray, n: np.ndarray) -> float:
    """Log-likelihood of counts under a Dirichlet-multinomial."""
    total = gammaln(alpha.sum()) - gammaln(n.sum(1) + alpha.sum())
    return float((total + (gammaln(n + alpha) - gammaln(alpha)).sum(1)).sum())


def test_fixed_point_climbs_and_finds_the_prior() -> None:
    rng, true = np.random.default_rng(0), np.array([0.2, 1.0, 3.0])
    n = np.array([rng.multinomial(60, rng.dirichlet(true)) for _ in range(3000)]).astype(float)
    alpha, heights = torch.ones(3, dtype=torch.float64), []
    for _ in range(200):
        heights.append(polya(alpha.numpy(), n))
        alpha = dirichlet_priors.fixed_point(alpha, *dirichlet_priors.excesses(torch.from_numpy(n), alpha))
    assert np.all(np.diff(heights) > -1e-6)
    np.testing.assert_allclose(alpha, true, rtol=0.1)


def test_newton_finds_the_prior() -> None:
    rng, true = np.random.default_rng(0), np.array([0.2, 1.0, 3.0])
    mean_log = torch.from_numpy(np.log(rng.dirichlet(true, size=4000)).mean(0))
    alpha = torch.ones(3, dtype=torch.float64)
    for _ in range(60):
        alpha = dirichlet_priors.newton(alpha, mean_log, 4000.0, 0.5)
    np.testing.assert_allclose(alpha, true, rtol=0.05)
    stationary = torch.digamma(alpha.sum()) - torch.digamma(alpha) + mean_log
    np.testing.assert_allclose(stationary, 0, atol=1e-6)


def test_sum_of_alpha_can_be_kept() -> None:
    alpha = torch.tensor([1.0, 2.0], dtype=torch.float64)
    kept = dirichlet_priors.fixed_point(alpha, torch.tensor([3.0, 1.0]), torch.tensor(1.0), keep_sum=True)
    np.testing.assert_allclose(kept, [3 * 3 / 5, 3 * 2 / 5])


def test_symmetric_fixed_point_finds_eta() -> None:
    rng = np.random.default_rng(0)
    n = torch.from_numpy(
        np.array([rng.multinomial(3000, rng.dirichlet(np.full(400, 0.3))) for _ in range(6)]).T.astype(float)
    )
    eta = torch.tensor(1.0, dtype=torch.float64)
    for _ in range(100):
        eta = dirichlet_priors.symmetric_fixed_point(eta, n)
    assert float(eta) == pytest.approx(0.3, rel=0.1)


# --- completion ------------------------------------------------------------------------------------------------------


def test_halves_are_the_whole_and_do_not_depend_on_batches() -> None:
    x = counts(30)
    seen, rest = completion.halves(x, np.random.default_rng(0))
    assert torch.equal(seen.to_dense() + rest.to_dense(), x.to_dense())
    assert torch.equal(seen.to_dense().sum(1), (x.to_dense().sum(1) / 2).floor())
    draws = np.random.default_rng(0)
    dense = csr_array(x.to_dense().numpy())
    parts = [from_scipy(dense[rows]).gather(torch.arange(15)) for rows in (slice(0, 15), slice(15, 30))]
    again = torch.cat([completion.halves(part, draws)[0].to_dense() for part in parts])
    assert torch.equal(again, seen.to_dense())


def test_log_likelihood_is_its_equation() -> None:
    x, phi = counts(5), random_phi()
    theta = torch.from_numpy(np.random.default_rng(1).dirichlet(np.ones(K), size=5))
    wanted = (x.to_dense().double() * (theta @ phi.T).log()).sum(1)
    np.testing.assert_allclose(completion.log_likelihood(x, theta, phi), wanted, rtol=1e-12)


def test_long_documents_take_a_bounded_table(monkeypatch: pytest.MonkeyPatch) -> None:
    x, phi = counts(40), random_phi()
    theta = torch.from_numpy(np.random.default_rng(1).dirichlet(np.ones(K), size=40))
    whole = completion.log_likelihood(x, theta, phi)
    bound = variational_topics.document_bound(x, phi, ALPHA, theta)
    pieces: list[int] = []
    monkeypatch.setattr(topics, "PART", 7 * K)
    monkeypatch.setattr(torch, "cat", lambda parts, cat=torch.cat: pieces.append(len(parts)) or cat(parts))
    assert torch.equal(completion.log_likelihood(x, theta, phi), whole)
    assert pieces == [-(-len(x.values()) // 7)]
    assert torch.equal(variational_topics.document_bound(x, phi, ALPHA, theta), bound)
