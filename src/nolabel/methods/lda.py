"""LDA: documents are mixtures of topics, topics are distributions over words.

    θ_d ~ Dir(α),  φ_k ~ Dir(η_k);   each word of d: z ~ θ_d, w ~ φ_z

* `inference="map"` climbs the posterior of θ and φ by expectation-maximisation on mini-batches: for each document a few
  steps for θ_d from where its words alone would put it, then S ← (1 − ρ_t) S + ρ_t Σ_d n_dw r_dwk / B, φ ∝ S + η / N
  (`objectives/topics.py`).
* `inference="vb"` is online variational Bayes, λ = N S + η, with the updates, stopping rule and bound of scikit-learn
  (`variational_topics.py`): the same numbers from the same start with `steps=100`; γ begins at ones, there at random.

    ρ_t = (τ₀ + t)^−κ,   loss = −Σ_w n_dw log p(w | d), or minus the bound; a mean over documents

Topics begin as the words of clusters of documents (`objectives/first_topics.py`): EM finds what lies near its start.

S is kept per document, so that the corpus may grow. "map" has a floor ρ ≥ B / N in `fit`, which forgets a topic's words
after about a pass: they are known better by then. One batch that is the whole corpus makes ρ = 1, plain EM or batch
variational Bayes. In a stream a batch of B documents, the largest having been B', has max(1 − (1 − ρ)^(B / B'), B / N):
a few more documents add to topics and do not replace them. Documents keep nothing between visits, so training can be
resumed, shared by processes and streamed.

Shapes: counts x (B, V) → θ (B, K), rows sum to 1.
Relations: plain EM with α = η = 0 is probabilistic latent semantic analysis. Departure from the papers: α's proportions
are learned with Σα fixed in "map", from topics of which a document has at least half a word, for soft counts of EM
would else flatten them; seed words' prior is counted in occurrences of the word, so that it acts at every corpus size;
κ may be 1/2 and less, where Hoffman's proof of convergence asks for (1/2, 1].
References: Blei, Ng and Jordan 2003, JMLR 3; Hoffman, Blei and Bach 2010, NeurIPS; Foulds et al. 2013, KDD.
"""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self, final

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor, nn

from nolabel.data.dataset import Dataset
from nolabel.errors import ArgumentError
from nolabel.methods._arguments import at_least
from nolabel.methods._base import Embedder, Grows
from nolabel.methods._seeds import SeedWords
from nolabel.methods._topics import TopicModel, Topics
from nolabel.objectives import dirichlet_priors, topics, variational_topics
from nolabel.objectives.first_topics import clustered_words
from nolabel.objectives.topics import Mixtures
from nolabel.randomness import Draws, mix
from nolabel.training.learner import CountingLearner, Step
from nolabel.training.plan import Plan
from nolabel.types import Batch, DataSpec, Losses

Inference = Literal["map", "vb"]
Start = Literal["clusters", "random"]
CHUNK = 4096  # documents looked at together where nothing is learned
CLUSTERED = 20_000  # most documents that first topics are made from
TYPICAL_LENGTH = 100.0  # words in a document, before any has been seen
FIRST_ALPHA = 0.05
PRESENT = 0.5  # words of a topic that make it one of a document's
FINAL_STEPS = 200  # most steps for θ of a document when nothing more is learned


@final
class LDALearner(CountingLearner, Topics, Grows):
    """Expected counts of words in topics per document, S (V, K), and the priors."""

    def __init__(
        self,
        vocabulary: int,
        n_topics: int,
        *,
        variational: bool,
        alpha: Tensor,
        eta: float,
        learn_alpha: bool,
        learn_eta: bool,
        seeds: SeedWords,
        clustered: bool,
        steps: int,
        tau0: float,
        kappa: float,
        growing: bool,
    ) -> None:
        super().__init__()
        self.variational = variational
        self.learn_alpha, self.learn_eta = learn_alpha, learn_eta
        self.seeds = seeds
        self.clustered = clustered
        self.steps = steps
        self.tau0, self.kappa = tau0, kappa
        self.growing = growing
        first = _first_counts(vocabulary, n_topics) * (TYPICAL_LENGTH / vocabulary / n_topics)
        self.words = nn.Parameter(first.double() if variational else first, requires_grad=False)
        self.alpha: Tensor
        self.eta: Tensor
        self.documents: Tensor
        self.streamed: Tensor
        self.largest: Tensor
        self.updates: Tensor
        self.register_buffer("alpha", alpha.double())
        self.register_buffer("eta", torch.tensor(eta, dtype=torch.float64))
        self.register_buffer("documents", torch.ones((), dtype=torch.float64))  # N
        self.register_buffer("streamed", torch.zeros((), dtype=torch.float64))
        self.register_buffer("largest", torch.ones((), dtype=torch.float64))  # batch so far, in documents
        self.register_buffer("updates", torch.zeros((), dtype=torch.int64))  # t

    def start(self, data: Dataset, draws: Draws) -> None:
        """Topics from clusters of documents, or the random ones, with as many words as the documents have."""
        if len(data) < self.words.shape[1]:
            warnings.warn(
                f"n_topics={self.words.shape[1]} is more than the {len(data)} documents; most topics will stay as they "
                "were drawn. Ask for fewer topics, or give more documents",
                UserWarning,
                stacklevel=2,
            )
        tokens = sum(float(batch.x.values().double().sum()) for batch in data.batches(CHUNK))
        self.documents.fill_(len(data))
        if self.clustered:
            self._start_from_clusters(data, draws)
        self.words.mul_(max(tokens, 1.0) / len(data) / _total(self.words))

    def _start_from_clusters(self, data: Dataset, draws: Draws) -> None:
        """The random counts near 1 become those of clusters, still a little apart where two clusters are the same."""
        index = draws.uniform(torch.empty(len(data))).argsort()[:CLUSTERED].sort().values.cpu()
        x = topics.sparse_rows(data.rows(index.to(data.device))[0].cpu())
        starts, words, counts = (part.numpy() for part in topics.csr_parts(x, torch.float32))
        seed = int(draws.shared_integers(2**31 - 1, 1))
        found = clustered_words(csr_array((counts, words, starts), shape=tuple(x.shape)), self.words.shape[1], seed)
        if found is not None:
            self.words.mul_(self.seeds.matched(torch.from_numpy(found)).to(self.words))

    def absorb(self, batch: Batch, step: Step) -> Mapping[str, Tensor]:
        """Sums over the batch: words in topics, log-likelihood or bound, and what α is learned from."""
        x = topics.sparse_rows(batch.x)
        found = self._infer(x, self.steps)
        assert found.statistics is not None
        assert found.score is not None
        one = found.score.new_ones(1)
        sums = {"words": found.statistics, "score": found.score.cumsum(0)[-1:], "documents": one * len(batch)}
        if self.learn_alpha:
            sums["alpha"] = self._about_alpha(x, found.weights)
        return {**sums, "tokens": one * float(x.values().double().sum())}

    def _about_alpha(self, x: Tensor, weights: Tensor) -> Tensor:
        if self.variational:
            return variational_topics.expected_log(weights).cumsum(0)[-1]
        counts = weights.double() * (_lengths(x) + self.alpha.sum())[:, None] - self.alpha
        return dirichlet_priors.excesses(torch.where(counts > PRESENT, counts, 0), self.alpha)[0]

    def refresh(self, statistics: Mapping[str, Tensor], step: Step) -> Losses:
        """S, α and η anew."""
        count = statistics["documents"][0]
        if step.endless:  # every document is a new one
            self.streamed += count
            self.documents.copy_(torch.maximum(self.documents, self.streamed))
        else:
            self.streamed.copy_(self.documents)  # a stream that goes on from here comes on top of them
        losses = self._losses(statistics)
        rate = self._rate(float(count), streaming=step.endless)
        self.words.lerp_((statistics["words"] / count).to(self.words), rate)
        if self.learn_alpha:
            self._learn_alpha(statistics["alpha"], count, rate)
        if self.learn_eta:
            new = dirichlet_priors.symmetric_fixed_point(self.eta, self.words * self.documents)
            self.eta.lerp_(new, rate)
        self.updates += 1
        return losses

    def _rate(self, count: float, *, streaming: bool) -> float:
        """ρ of a batch of so many documents."""
        self.largest.clamp_min_(count)
        rate: float = (self.tau0 + float(self.updates)) ** -self.kappa
        share = count / float(self.documents)
        if streaming:
            return max(float(1 - (1 - rate) ** (count / float(self.largest))), share)
        floored = not self.variational or share == 1
        return min(max(rate, share), 1.0) if floored else rate

    def _losses(self, statistics: Mapping[str, Tensor]) -> Losses:
        score, tokens = statistics["score"][0], statistics["tokens"][0].clamp_min(1)
        if not self.variational:
            part = -score / statistics["documents"][0]
            return Losses({"nll": part}, {"training_perplexity": torch.exp(-score / tokens)})
        of_topics = variational_topics.topic_bound(self._lambda(), self._prior()) / self.documents
        return Losses({"bound": -score / statistics["documents"][0] - of_topics})

    def _learn_alpha(self, sums: Tensor, count: Tensor, rate: float) -> None:
        if self.variational:
            self.alpha.copy_(dirichlet_priors.newton(self.alpha, sums / count, float(count), rate))
        else:
            new = dirichlet_priors.fixed_point(self.alpha, sums, torch.ones_like(count), keep_sum=True)
            self.alpha.lerp_(new, rate)

    def refresh_every(self) -> int | None:
        """After every batch."""
        return 1

    def encode(self, x: Tensor) -> Tensor:
        """θ (B, K), each row the shares of the topics in a document; counts (B, V), sparse or dense."""
        weights = self._infer(topics.sparse_rows(x), FINAL_STEPS, statistics=False).weights
        return (weights / weights.sum(1, keepdim=True)).float()

    def _infer(self, x: Tensor, steps: int, *, statistics: bool = True) -> Mixtures:
        if self.variational:
            table = variational_topics.word_table(self._lambda())
            return variational_topics.infer(x, table, self.alpha, steps=steps, statistics=statistics, bound=statistics)
        return topics.infer(x, self.phi(), self.alpha.float(), steps=steps, statistics=statistics)

    def _prior(self) -> Tensor:
        """η of every word in every topic, in counts per corpus: () or (V, K)."""
        return self.eta + self.documents * self.seeds.prior(self.words)

    def _lambda(self) -> Tensor:
        return self.words * self.documents + self._prior()

    def phi(self) -> Tensor:
        """p(w | k) (V, K): S + η / N, each topic's sum made 1; under "vb" the mean of Dir(λ)."""
        return topics.topic_words(self.words, (self._prior() / self.documents).to(self.words))

    def expected_counts(self) -> Tensor:
        """S (V, K), words per document."""
        return self.words.detach()

    def priors(self) -> tuple[Tensor, Tensor]:
        """α (K,) and η ()."""
        return self.alpha, self.eta

    def names(self) -> Sequence[str | None]:
        """Names of the seeded topics."""
        return self.seeds.names(self.words.shape[1])

    def grows(self) -> bool:
        """Whether new words are taken up."""
        return self.growing

    def grow(self, spec: DataSpec) -> None:
        """Rows for new words, each as rare as the mean word and leaning at random, for alike they would stay alike."""
        words = self.words.detach()
        new = spec.width - len(words)
        generator = torch.Generator().manual_seed(mix(spec.width, new))
        lean = torch.rand(new, words.shape[1], generator=generator).to(words)
        mean = _total(words) / words.numel()
        self.words = nn.Parameter(torch.cat([words, mean * lean]), requires_grad=False)


def _first_counts(vocabulary: int, n_topics: int) -> Tensor:
    """Numbers near 1 (V, K), of standard deviation 0.1 as scikit-learn's: nearly alike, which EM then tells apart."""
    return (1 + 0.1 * torch.randn(vocabulary, n_topics)).clamp_min(0.2)


def _total(counts: Tensor) -> float:
    """The sum, one after the other: torch would add in an order that depends on the number of threads."""
    return float(counts.double().sum(0).cumsum(0)[-1])


def _lengths(x: Tensor) -> Tensor:
    starts = x.crow_indices()
    rows = torch.repeat_interleave(starts[1:] - starts[:-1])
    return topics.x_sums(rows, x.values().double(), x.shape[0])


@final
class LDA(TopicModel, Embedder):
    """Latent Dirichlet allocation: topics of texts or counts of words, fast and the same for any number of threads.

    Parameters
    ----------
    n_topics : int, default=20
        K, number of topics.
    inference : {"map", "vb"}, default="map"
        "map" for expectation-maximisation on mini-batches, "vb" for online variational Bayes with scikit-learn's
        updates, which is slower.
    alpha : "auto", float or sequence of float, default="auto"
        α, prior of a document's mixture: one number, or one for each topic. "auto" learns one for each topic ("map":
        their proportions, with a mean of 0.05).
    eta : "auto" or float, default=0.01
        η, prior of a word in a topic; "auto" learns it.
    start : {"clusters", "random"}, default="clusters"
        Where topics begin: as the words of clusters of documents, or all nearly alike.
    seed_words : mapping or None, default=None
        Words that topics are to be about, by the topic's name or number: `{"sport": ["game", "team"]}`. Names take the
        first topics that no number does, and become labels. The words act as a prior all through training.
    seed_weight : float, default=1.0
        Strength of that prior: occurrences of each seed word added in its topic, for each one in the corpus.
    steps : int, default=20
        Most inner steps for a document each time it is visited; at most 100 are usual for "vb".
    tau0 : float, default=1.0
        τ₀ of the rate ρ_t = (τ₀ + t)^−κ, t counting batches from 0; at least 1. scikit-learn's `learning_offset` + 1.
    kappa : float, default=0.5
        κ of that rate, above 0 and at most 1; larger ones settle sooner.
    text : str or None, default=None
        Column of a table that holds the texts; None for the only one that looks like it.
    encoding : str or None, default=None
        Of text files; None to detect it.
    on_error : {"raise", "skip"}, default="raise"
        What learning does about text files that cannot be read: name them all, or leave them out.
    lowercase : bool, default=True
        Whether case is ignored.
    stop_words : "english", sequence of str or None, default="english"
        Words that are not counted.
    min_df : int or float, default=2
        Fewest documents that a word must occur in, as a number or a fraction.
    max_df : int or float, default=0.5
        Most documents that a word may occur in.
    ngrams : sequence of int, default=(1, 1)
        Fewest and most words in a row that are counted as one.
    min_length : int, default=3
        Fewest characters in a word, in scripts with spaces.
    max_features : int or None, default=None
        Keep only so many words, those that occur most often.
    characters : bool or "auto", default="auto"
        Pairs of characters instead of words; "auto" for scripts without spaces.
    tokenizer : callable or None, default=None
        A function from a text to its words, instead of all that. It is not saved with the model.
    grow : bool, default=False
        Whether `partial_fit` takes up new words that pass the rules within its part.
    epochs : int, default=20
        Passes over the documents.
    batch_size : int, default=2048
        Documents between two updates of the topics.
    random_state : int, RandomState or None, default=None
        Seed; None draws one, kept in `seed_`.
    plan : Plan, mapping or None, default=None
        How to run: device, checkpoints, ...

    Attributes
    ----------
    topic_word_ : ndarray of shape (K, V)
        p(w | k).
    alpha_ : ndarray of shape (K,)
        α, as learned.
    eta_ : float
        η, as learned.
    vocabulary_ : list of str
        The V words.

    References
    ----------
    Blei, Ng, Jordan 2003, "Latent Dirichlet allocation", JMLR 3. Hoffman, Blei, Bach 2010, "Online learning for latent
    Dirichlet allocation", NeurIPS. Asuncion et al. 2009, "On smoothing and inference for topic models", UAI.

    Examples
    --------
    >>> from nolabel import LDA
    >>> texts = ["the cat chased a mouse", "a mouse and a cat", "stocks and bonds fell", "bonds fell, stocks rose"] * 9
    >>> model = LDA(n_topics=2, max_df=1.0, random_state=0).fit(texts)
    >>> sorted(model.topics(2)[model.predict(["the cat"])[0]].words)
    ['cat', 'mouse']
    """

    title: ClassVar[str] = "Latent Dirichlet allocation"
    paper: ClassVar[str] = "Blei, Ng, Jordan 2003"
    modalities: ClassVar[tuple[str, ...]] = ("text", "table")
    reads: ClassVar[Mapping[str, Any]] = {"modality": "text"}
    opening: ClassVar[tuple[str, ...]] = (
        *("text", "encoding", "on_error", "lowercase", "stop_words", "min_df", "max_df", "ngrams", "min_length"),
        *("max_features", "characters", "tokenizer"),
    )

    def __init__(
        self,
        *,
        n_topics: int = 20,
        inference: Inference = "map",
        alpha: Literal["auto"] | float | Sequence[float] = "auto",
        eta: Literal["auto"] | float = 0.01,
        start: Start = "clusters",
        seed_words: Any = None,
        seed_weight: float = 1.0,
        steps: int = 20,
        tau0: float = 1.0,
        kappa: float = 0.5,
        text: str | None = None,
        encoding: str | None = None,
        on_error: Literal["raise", "skip"] = "raise",
        lowercase: bool = True,
        stop_words: Literal["english"] | Sequence[str] | None = "english",
        min_df: int | float = 2,
        max_df: int | float = 0.5,
        ngrams: Sequence[int] = (1, 1),
        min_length: int = 3,
        max_features: int | None = None,
        characters: Any = "auto",
        tokenizer: Any = None,
        grow: bool = False,
        epochs: int = 20,
        batch_size: int = 2048,
        random_state: Any = None,
        plan: Plan | Mapping[str, Any] | None = None,
    ) -> None:
        self.n_topics = n_topics
        self.inference = inference
        self.alpha = alpha
        self.eta = eta
        self.start = start
        self.seed_words = seed_words
        self.seed_weight = seed_weight
        self.steps = steps
        self.tau0 = tau0
        self.kappa = kappa
        self.text = text
        self.encoding = encoding
        self.on_error = on_error
        self.lowercase = lowercase
        self.stop_words = stop_words
        self.min_df = min_df
        self.max_df = max_df
        self.ngrams = ngrams
        self.min_length = min_length
        self.max_features = max_features
        self.characters = characters
        self.tokenizer = tokenizer
        self.grow = grow
        self.epochs = epochs
        self.batch_size = batch_size
        self.random_state = random_state
        self.plan = plan

    def build(self, spec: DataSpec) -> LDALearner:
        """The learner with random topics."""
        self._check()
        alpha = _alpha(self.alpha, self.n_topics)
        seeds = SeedWords(self.seed_words, spec.recipe["tokens"], self.seed_weight, self.n_topics)
        return LDALearner(
            spec.width,
            self.n_topics,
            variational=self.inference == "vb",
            alpha=alpha,
            eta=0.01 if self.eta == "auto" else float(self.eta),
            learn_alpha=isinstance(self.alpha, str),
            learn_eta=self.eta == "auto",
            seeds=seeds,
            clustered=self.start == "clusters",
            steps=self.steps,
            tau0=self.tau0,
            kappa=self.kappa,
            growing=self.grow,
        )

    def _check(self) -> None:
        at_least("n_topics", self.n_topics, 1)
        at_least("steps", self.steps, 1)
        at_least("tau0", self.tau0, 1)
        if not 0 < self.kappa <= 1:
            raise ArgumentError(f"kappa must be above 0 and at most 1; got {self.kappa!r}")
        at_least("seed_weight", self.seed_weight, 0)
        if self.eta != "auto" and self.eta <= 0:
            raise ArgumentError(f"eta must be above 0, or 'auto' to learn it; got {self.eta!r}")

    @classmethod
    def tiny(cls) -> Self:
        """Three topics."""
        return cls(n_topics=3, min_df=1, max_df=1.0, epochs=10, batch_size=32, random_state=0)


def _alpha(given: Any, n_topics: int) -> Tensor:
    if isinstance(given, str):
        return torch.full((n_topics,), FIRST_ALPHA)
    many = isinstance(given, Sequence | np.ndarray)
    alpha = [float(one) for one in given] if many else [float(given)] * n_topics
    if len(alpha) != n_topics or min(alpha) <= 0:
        raise ArgumentError(
            f"alpha must be above 0: one number, one for each of the {n_topics} topics, or 'auto'; got {given!r:.80}"
        )
    return torch.tensor(alpha, dtype=torch.float64)
