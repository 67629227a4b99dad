"""The estimator: what users touch, and the types that say what a method can do.

    Estimator            fit, partial_fit, save                (final; a method writes __init__ and build)
    └── Embedder         transform
        └── Reconstructor    reconstruct, inverse_transform, score_samples, interpolate
    Sampler              sample                                (beside any of them)
    └── PriorSampler         sample, from the learner's own prior
    Assigner             predict                               (beside any of them)
    └── LabelPredictor       predict_proba

An estimator *has* a learner after `fit`; it is not a module. Its constructor arguments are its whole configuration and
are stored as given. Command line, report and server look only at these types. No method is named here.
"""

import inspect
import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from numbers import Number
from pathlib import Path
from typing import Any, ClassVar, Self, final

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import ClassifierTags
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from nolabel.data import pairs, source
from nolabel.data.dataset import Dataset
from nolabel.data.labels import lone_class
from nolabel.data.sparse import all_equal
from nolabel.errors import (
    ArgumentError,
    DataError,
    DivergedError,
    HealthWarning,
    ModalityError,
    OutputError,
    SignatureOfInit,
    TrainingInterrupted,
    is_whole,
    refuse_unknown,
    whole,
)
from nolabel.methods import _folder
from nolabel.methods._arguments import check_arguments
from nolabel.methods._objects import refuse_unsaved
from nolabel.methods._supervised import Supervised
from nolabel.methods._targets import TakesTargets
from nolabel.randomness import mix, seeded
from nolabel.training import engine
from nolabel.training.health import Verdict
from nolabel.training.learner import CountingLearner, GradientLearner, Learner, codes_of
from nolabel.training.plan import Plan, as_plan
from nolabel.training.runtime import find_runtime
from nolabel.training.snapshots import Album
from nolabel.types import Batch, DataSpec

Array = NDArray[np.float32]
HOW = frozenset({"epochs", "batch_size", "learning_rate", "random_state", "plan"})  # arguments that shape no learner
_TEXT = "OUS"  # kinds of arrays that hold names
_SEEDS = 2**64  # that torch's generators tell apart; larger ones are mixed
CHUNK = 1024  # most samples encoded at a time
CHUNK_VALUES = 2**22  # most values of them: 16 MiB, and some ten times that inside a net


class Codec(ABC):
    """What a learner must offer for its estimator to be a `Reconstructor`."""

    @abstractmethod
    def decode(self, z: Tensor) -> Tensor:
        """Codes (B, L) to network values (B, *shape): the mean of the likelihood, without randomness."""

    @abstractmethod
    def score(self, batch: Batch) -> Tensor:
        """One number a sample (B,), higher for more usual samples: minus the reconstruction error, or the bound."""


class Grows(ABC):
    """What a learner offers whose samples may get wider as more of them come: new words in a vocabulary."""

    @abstractmethod
    def grows(self) -> bool:
        """Whether it shall."""

    @abstractmethod
    def grow(self, spec: DataSpec) -> None:
        """Make room for samples that look like `spec`, whose first columns are those known so far."""


class Draw(ABC):
    """What a learner must offer for its estimator to be a `PriorSampler`."""

    @abstractmethod
    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """`count` new samples in network space (count, *shape)."""


class Classifies(ABC):
    """What a learner must offer for its estimator to be a `LabelPredictor`."""

    @abstractmethod
    def logits(self, z: Tensor) -> Tensor:
        """Class logits (B, K) from codes (B, L)."""


class Estimator(BaseEstimator, ABC):
    """Base of every method. See the subclass for what its arguments mean; `epochs=None` and `batch_size=None` choose.

    Attributes
    ----------
    learner_ : nolabel.training.learner.Learner
        The trained module, on the device where it was trained.
    spec_ : DataSpec
        What a sample looks like, and the recipe that made it so.
    history_ : list of dict
        One record an epoch: loss, its parts, the held-out loss, seconds, samples a second, share of time waiting.
    health_ : list of Verdict
        How training went, in plain words.
    seed_ : int
        The seed that was used.
    classes_ : ndarray
        Names of the classes, for methods that use labels.
    n_features_in_ : int
        Number of columns (tables) or values (images) of a sample.
    """

    uses_labels: ClassVar[bool] = False
    modalities: ClassVar[tuple[str, ...]] = ("image", "table")  # kinds of data that it is for
    _samples: int | None = None  # that fit was given
    _labelled: float = 1.0  # fraction of the samples whose label is known, set by fit for methods that use labels
    paper: ClassVar[str] = ""
    title: ClassVar[str] = ""
    plan_defaults: ClassVar[Mapping[str, Any]] = {}  # fields of Plan whose default this method sets
    reads: ClassVar[Mapping[str, Any]] = {}  # options of `nolabel.open` that are the same for every instance
    opening: ClassVar[tuple[str, ...]] = ()  # constructor arguments that are options of `nolabel.open`

    spec_: DataSpec
    n_features_in_: int
    history_: list[dict[str, float]]
    health_: list[Verdict]
    learner_: Any  # a Learner; Any, for what else it can do is said by the estimator's type
    _stream: "engine.Stream | None"
    _built_with: dict[str, Any]
    epochs: int | None
    batch_size: int | None
    learning_rate: float = 1.0  # a method that follows no gradient need not have one
    random_state: Any
    plan: Any

    __signature__ = SignatureOfInit()

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Refuse an unknown argument with the nearest known one; `__init__` takes the rest."""
        refuse_unknown(cls.__name__, kwargs, inspect.signature(cls).parameters)
        new: Self = super().__new__(cls)
        return new

    @abstractmethod
    def build(self, spec: DataSpec) -> Learner:
        """The learner for samples that look like `spec`; torch's generator is already seeded."""

    @classmethod
    @abstractmethod
    def tiny(cls) -> Self:
        """An instance that trains in under a second, for the contract tests."""

    # --- training ----------------------------------------------------------------------------------------------------

    @final
    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        out: str | Path | None = None,
        resume: bool = False,
        overwrite: bool = False,
        progress: bool = False,
        tensorboard: bool = False,
    ) -> Self:
        """Learn from the samples in `X`.

        Parameters
        ----------
        X : any source that `nolabel.open` takes, or a Dataset
            The samples.
        y : array of N labels, "labels", or None
            Used only by methods that learn from labels: -1, NaN or None is "unknown"; `"labels"` takes those of the
            data set (class folders, label files). Other methods do not look at it, but for those that translate images:
            to them it is a source, too, the targets.
        out : path or None
            Run folder for the model, checkpoints and `metrics.jsonl`; None keeps nothing on disk.
        resume : bool
            Go on from the newest checkpoint in `out`, exactly as if training had not stopped.
        overwrite : bool
            Replace what an earlier run left in `out`.
        progress : bool
            Show a progress bar on stderr, or lines where that is no terminal.
        tensorboard : bool
            Also write TensorBoard files to `out`.

        Returns
        -------
        self

        Raises
        ------
        DataError, ArgumentError
            The data or an argument cannot be used; the message says why and what to do.
        OutputError
            `out` exists already, or cannot be written.
        DivergedError, TrainingInterrupted
            Training stopped; the learner holds the last good state. So it does after any other error, such as a lack
            of memory, that comes when an epoch is done; one that comes before leaves the estimator as it was.

        Warns
        -----
        HealthWarning
            Training ended and `health_` has a bad verdict.
        """
        before = dict(vars(self))
        try:
            return self._fit(X, y, out, resume, overwrite, progress, tensorboard)
        except (DivergedError, TrainingInterrupted, OutputError):
            raise  # what has been learned is kept
        except BaseException:
            if not self._has_learned(before):  # a fit that never began leaves the estimator as it was
                self.__dict__.clear()
                self.__dict__.update(before)
            raise

    def _has_learned(self, before: Mapping[str, Any]) -> bool:
        """Whether an epoch is done since the attributes were those of `before`."""
        history = getattr(self, "history_", None)
        return history is not before.get("history_") and bool(history)

    def _fit(self, X: Any, y: Any, out: Any, resume: bool, overwrite: bool, progress: bool, tensorboard: bool) -> Self:
        plan = self._checked_plan()
        _folder.check(out, resume=resume, overwrite=overwrite)  # before hours of decoding
        data, labels = self._take(X, y)
        self._begin(data, X, _folder.saved_seed(out) if resume else None)
        self._refuse_held_out(plan)
        given = self._as_learned(data), labels
        data, labels = self._prepared(*given, fresh=True)
        batch = self._batch_size(len(data))
        with _folder.prepared(out, resume=resume, overwrite=overwrite) as folder:
            job = engine.Job(
                self.learner_,
                data,
                epochs=self._epochs(len(data), batch),
                batch_size=batch,
                learning_rate=self.learning_rate,
                seed=self.seed_,
                plan=plan,
                labels=labels,
                folder=None if folder is None else folder / "checkpoint",
                resume=resume,
                identity=self._identity(data, labels) if folder is not None else {},
                listeners=_folder.listeners(folder, progress=progress, tensorboard=tensorboard),
                history=self.history_,
                album=self._album(folder),
                arguments=self.get_params(deep=False).keys(),
            )
            self.health_ = engine.run(job).verdicts
            self.health_ = [*self.health_, *self._finished(*given)]
            if folder is not None and _folder.is_writer():
                _folder.save(self, folder / "model")
        self._warn_of_bad_health()
        return self

    def _refuse_held_out(self, plan: Plan) -> None:
        if plan.holdout and not isinstance(self.learner_, GradientLearner):
            raise ArgumentError(
                f"plan.holdout={plan.holdout} needs a method with one loss to measure, and {type(self).__name__} has "
                "none; leave holdout and patience out"
            )

    def _album(self, folder: Path | None) -> Album | None:
        """What keeps samples while training, if the learner makes any."""
        learner = self.learner_
        if not isinstance(learner, Draw):
            return None
        return Album(learner.sample, self.spec_, None if folder is None else folder / "snapshots")

    def _warn_of_bad_health(self) -> None:
        """A `HealthWarning` for each bad verdict, said of the line that called `fit`."""
        for verdict in self.health_:
            if verdict.level == "bad" and _folder.is_writer():
                knob = f" Try {verdict.knob}." if verdict.knob else ""
                warnings.warn(f"{verdict.text}{knob}", HealthWarning, stacklevel=4)

    @final
    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Learn from one more part of the data: one pass over `X`, going on from what is known.

        The first call fixes what a sample looks like. The learning rate is constant, for a schedule needs an end.

        Parameters
        ----------
        X, y
            As for `fit`.

        Returns
        -------
        self
        """
        plan = self._checked_plan()
        fresh = not hasattr(self, "learner_")
        if not fresh:
            self._refuse_changed(HOW if self._stream is None else HOW - {"learning_rate", "plan"})
        if fresh:
            data, labels = self._take(X, y)
            self._begin(data, X)
        else:
            data, labels = self._take_more(X, y)
        data, labels = self._prepared(self._as_learned(data), labels, fresh=fresh)
        if self._stream is None:
            self._stream = engine.Stream(self.learner_, plan, self.learning_rate, self.seed_, fresh=fresh)
            self._built_with = _folder.arguments(self)
        assert self._stream is not None
        self.history_.append(self._stream.take(data, self._batch_size(len(data)), labels))
        return self

    def _checked_plan(self) -> Plan:
        check_arguments(self)
        refuse_unsaved(self)
        for name in ("epochs", "batch_size"):
            value = getattr(self, name)
            if value is not None and not (is_whole(value) and value >= 1):
                raise ArgumentError(f"{name} must be a whole number of at least 1, or None to choose; got {value!r}")
        rate = self.learning_rate
        if not 0 < rate < math.inf:
            raise ArgumentError(f"learning_rate must be a number above 0; got {rate!r}")
        return self._whole_plan()

    def _whole_plan(self) -> Plan:
        """The plan that was given, filled up with the method's own defaults."""
        return as_plan(self.plan, self.plan_defaults)

    def _take(self, X: Any, y: Any) -> tuple[Dataset, Tensor | None]:
        options = self.options()
        data = source.counted_anew(source.open(X, labels=self._wanted_labels(y), **options), options)
        self._refuse_clips(data)
        if isinstance(self, TakesTargets):
            _refuse_hopeless(data)
            data = self.with_targets(data, y, None)
        known = X.notes if isinstance(X, Dataset) else ()
        for note in data.notes:
            if note not in known:
                warnings.warn(note, UserWarning, stacklevel=4)
        _refuse_hopeless(data)
        return data, self._labels(data, y)

    def _refuse_clips(self, data: Dataset) -> None:
        """Clips are for methods that say so; of other kinds of data a method speaks itself."""
        if data.spec.modality == "video" and "video" not in self.modalities:
            kinds = " and ".join(f"{kind}s" for kind in self.modalities)
            raise ModalityError(
                f"{type(self).__name__} learns from {kinds}; {data.name or 'X'} holds clips (video). `nolabel methods` "
                "lists those that learn from video; or give single frames, as images"
            )

    def _take_more(self, X: Any, y: Any) -> tuple[Dataset, Tensor | None]:
        learner = self.learner_
        growing = isinstance(learner, Grows) and learner.grows()
        options = {name: value for name, value in self.options().items() if name in (*source.LATER, "on_error")}
        data = source.open(X, spec=self.spec_, labels=self._wanted_labels(y), grow=growing, **options)
        if growing and data.spec.shape != self.spec_.shape:
            learner.grow(data.spec)
            self.spec_, self.n_features_in_ = data.spec, data.spec.width
        if isinstance(self, TakesTargets):
            data = self.with_targets(data, y, self.spec_)
        if not self.uses_labels:
            return data, None
        return data, self._recode(data)

    def _prepared(self, data: Dataset, labels: Tensor | None, *, fresh: bool) -> tuple[Dataset, Tensor | None]:
        """The samples to train on, for which the learner is ready: all of them, but for a `Supervised` one."""
        if not isinstance(self, Supervised) or labels is None:
            return data, labels
        rows = self.training_rows(labels)
        chosen = data if len(rows) == len(data) else data.subset(rows)
        own = labels[torch.from_numpy(rows)]
        self.prepare(chosen, own, fresh=fresh)
        return chosen, own

    def _finished(self, data: Dataset, labels: Tensor | None) -> list[Verdict]:
        """What a `Supervised` one still does once it is trained, with all that it was given."""
        return self.finish(data, labels) if isinstance(self, Supervised) and labels is not None else []

    def _wanted_labels(self, y: Any) -> Any:
        return y if self.uses_labels and not (isinstance(y, str) and y == "labels") else None

    def _labels(self, data: Dataset, y: Any) -> Tensor | None:
        if not self.uses_labels:
            return None
        name, own = type(self).__name__, "y='labels' for the data's own"
        if y is None:
            fix = f"give labels, with -1 or NaN for unknown ones, or {own}"
            raise ArgumentError(f"{name} requires y to be passed, but the target y is None: {fix}")
        if data.labels is None:
            lone = lone_class(data.ids)
            why = "has none" if lone is None else f"has one class folder only, {lone!r}, and one class is too few"
            raise ArgumentError(f"{name} was given {own}, but this data set {why}; give y, one label for each sample")
        known = np.unique(data.labels[data.labels >= 0])
        if len(known) == 0:
            raise DataError("no sample has a known label; give at least one of each class")
        if len(known) == 1:
            raise DataError(
                f"every known label is {data.classes[known[0]]!r}; to tell classes apart, give labels of at least 2"
            )
        self.classes_ = class_values(data.classes, y)
        self._labelled = float((data.labels >= 0).mean())
        return torch.from_numpy(np.ascontiguousarray(data.labels))

    def _recode(self, data: Dataset) -> Tensor | None:
        """Codes of new labels in terms of the classes known from the first part."""
        if data.labels is None:
            return torch.full((len(data),), -1)
        known = {str(name): code for code, name in enumerate(self.classes_.tolist())}
        unknown = [name for name in data.classes if name not in known]
        if unknown:
            raise DataError(f"y has classes {unknown} that the first part had not; it had {list(known)}")
        codes = np.array([*(known[name] for name in data.classes), -1])
        return torch.from_numpy(codes[data.labels])

    def _begin(self, data: Dataset, X: Any, seed: int | None = None) -> None:
        """Set what is known before the first step; `seed` is that of the run to go on with."""
        self.spec_ = pairs.given_spec(data.spec)
        self.n_features_in_ = _columns(X, self.spec_)
        names = _column_names(X)
        if names is not None:
            self.feature_names_in_ = names
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        self.seed_ = self._seed() if seed is None or is_whole(self.random_state) else seed
        self.history_, self.health_ = [], []
        self._stream = None
        self._samples = len(data)
        self.learner_ = self._new_learner(self.seed_)
        self._n_features_out = self._code_width()

    def _seed(self) -> int:
        if self.random_state is None:
            drawn = int(np.random.SeedSequence().generate_state(1)[0])
            return find_runtime(self._whole_plan().device).agree(drawn)
        if is_whole(self.random_state) and self.random_state >= 0:
            return int(self.random_state)
        if isinstance(self.random_state, np.random.RandomState):
            return int(self.random_state.randint(2**31 - 1))
        raise ArgumentError(
            "random_state must be None, a whole number of at least 0, or a numpy RandomState; "
            f"got {self.random_state!r}"
        )

    def _new_learner(self, seed: int) -> Learner:
        self._built_with = _folder.arguments(self)
        with seeded(seed):
            return self.build(self.spec_)

    def _refuse_changed(self, free: frozenset[str] = HOW) -> None:
        """Refuse arguments that were changed since the learner was built, those in `free` apart."""
        then, now = self._built_with, _folder.arguments(self)
        changed = [f"{name} was {then[name]!r}, is {now[name]!r}" for name in now if then[name] != now[name]]
        changed = [words for words in changed if words.split()[0] not in free]
        if changed:
            raise ArgumentError(
                f"arguments were changed after {type(self).__name__} was fitted: {'; '.join(changed)}. "
                "Put them back with set_params, or fit anew"
            )

    @torch.no_grad()
    def _code_width(self) -> int:
        learner = self.learner_
        learner.eval()
        return int(learner.encode(torch.zeros(2, *self.spec_.shape)).shape[1])

    def _batch_size(self, samples: int) -> int:
        """Chosen so that an epoch has at least about 20 steps: a power of two from 16 to 256."""
        if self.batch_size is not None:
            return min(int(self.batch_size), samples)
        return min(256, max(16, 2 ** round(math.log2(samples / 20)))) if samples > 16 else samples

    def _epochs(self, samples: int, batch_size: int) -> int:
        """Chosen so that about 5,000 steps are taken, in 10 to 200 epochs."""
        if self.epochs is not None:
            return int(self.epochs)
        return min(200, max(10, round(5000 / math.ceil(samples / batch_size))))

    def _identity(self, data: Dataset, labels: Tensor | None) -> dict[str, Any]:
        # the seed and the batch size, in samples, are compared by themselves
        arguments = {name: value for name, value in _folder.arguments(self).items() if name not in HOW}
        return {
            "method": type(self).__name__,
            "arguments": arguments,
            "seed": self.seed_,
            "data": _folder.fingerprint(data, labels),
        }

    # --- afterwards --------------------------------------------------------------------------------------------------

    @final
    def save(self, path: str | Path) -> Path:
        """Write the model to the folder `path`: `model.json` and `model.safetensors`. Nothing is pickled.

        A model that is there already is replaced. Returns the folder; `nolabel.load(path)` reads it back.

        Raises
        ------
        ArgumentError
            `path` names no folder, or arguments that shape the learner were changed after it was fitted.
        OutputError
            The folder holds something that is no model, or cannot be written.
        """
        check_is_fitted(self)
        self._refuse_changed()
        folder = _folder.named_folder("path", path)
        _folder.refuse_no_model(folder)
        return _folder.save(self, folder)

    @final
    def untrained(self, random_state: int = 0) -> Self:
        """The same method for the same data with first weights only: the baseline that training must beat."""
        check_is_fitted(self)
        self._refuse_changed()
        other = type(self)(**self.get_params(deep=False))
        for name in ("spec_", "n_features_in_", "_n_features_out", "feature_names_in_", "classes_", "_start"):
            if hasattr(self, name):
                setattr(other, name, getattr(self, name))
        other.seed_ = mix(self.seed_, 1 + random_state)
        other._stream = None
        other.history_, other.health_ = [], []
        other.learner_ = other._new_learner(other.seed_).eval()
        return other

    def _open(self, X: Any) -> Dataset:
        check_is_fitted(self)
        return self._as_learned(source.open(X, spec=self.spec_, **self._later()))

    def _as_learned(self, data: Dataset) -> Dataset:
        """Sparse samples as they are for a learner that counts; made dense, batch by batch, for any other."""
        return data if isinstance(self.learner_, CountingLearner) else data.as_dense()

    def options(self) -> dict[str, Any]:
        """What `nolabel.open` is told when `fit` meets its data."""
        start = self.starting_spec() if isinstance(self, Supervised) else None
        own = {} if start is None else {"spec": start}
        return {**self.reads, **{name: getattr(self, name) for name in self.opening}, **own}

    def _later(self) -> dict[str, Any]:
        """Options of `nolabel.open` that a recipe cannot hold, for data that come after those of `fit`."""
        return {name: getattr(self, name) for name in self.opening if name in source.LATER}

    def _batches(self, data: Dataset) -> Iterator[Batch]:
        device = next(self.learner_.parameters()).device
        with engine.evaluating(self.learner_):  # whoever drives the learner may have left it in training mode
            for batch in data.batches(CHUNK if data.is_sparse else chunk_of(self.spec_)):
                mask = None if batch.mask is None else batch.mask.to(device)
                yield Batch(batch.x.to(device), batch.index, None, mask)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = self.uses_labels
        tags.input_tags.sparse = True
        tags.classifier_tags = ClassifierTags() if self.uses_labels else None  # asked of whoever has predict_proba
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "learner_")

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        state.pop("_stream", None)  # optimizer moments: of use to partial_fit only, and tied to this process's learner
        return {**state, "_stream": None} if "learner_" in state else state


class Embedder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Estimator):
    """A method that turns samples into vectors."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags

    @torch.no_grad()
    def transform(self, X: Any) -> Array:
        """Codes (N, L) float32 of the samples in `X`, without randomness, in order.

        Parameters
        ----------
        X : any source that `nolabel.open` takes, or a Dataset
            Samples of the kind that the model was fitted to; treated by the recipe learned then.

        Raises
        ------
        ModalityError, DataError
            The samples are of another kind, width or size.
        """
        data = self._open(X)
        codes = [codes_of(self.learner_, batch).float().cpu().numpy() for batch in self._batches(data)]
        return np.concatenate(codes)

    def _restore(self, parts: Iterator[Tensor]) -> "np.ndarray[Any, Any] | pd.DataFrame":
        restored = [source.restore(self.spec_, part.float().cpu()) for part in parts]
        if isinstance(restored[0], pd.DataFrame):
            return pd.concat(restored, ignore_index=True)
        return np.concatenate(restored)


class Reconstructor(Embedder):
    """An embedder that can also go back from codes to data."""

    @torch.no_grad()
    def reconstruct(self, X: Any) -> "np.ndarray[Any, Any] | pd.DataFrame":
        """The samples of `X` after a round trip through the code, in the form in which `fit` met them.

        Images come back in their own layout and type, tables in their own columns and units.
        """
        data = self._open(X)
        learner = self.learner_
        return self._restore(learner.decode(codes_of(learner, batch)) for batch in self._batches(data))

    @torch.no_grad()
    def inverse_transform(self, Z: Any) -> "np.ndarray[Any, Any] | pd.DataFrame":
        """Codes (N, L) to data, in the form in which `fit` met them."""
        check_is_fitted(self)
        codes = self._checked_codes(Z)
        with engine.evaluating(self.learner_):
            return self._restore(self.learner_.decode(part) for part in torch.split(codes, chunk_of(self.spec_)))

    @torch.no_grad()
    def score_samples(self, X: Any) -> NDArray[np.float64]:
        """How usual each sample is (N,): minus its reconstruction error, or the bound on its log-likelihood.

        Higher is more usual, as for scikit-learn's density and outlier models; rank by it to find anomalies.
        """
        data = self._open(X)
        scores = [self.learner_.score(batch).double().cpu().numpy() for batch in self._batches(data)]
        return np.concatenate(scores)

    def score(self, X: Any, y: Any = None) -> float:
        """Mean of `score_samples`, so that scikit-learn can search and validate; higher is better. `y` is not used."""
        return float(self.score_samples(X).mean())

    @torch.no_grad()
    def interpolate(self, a: Any, b: Any, steps: int = 8) -> "np.ndarray[Any, Any] | pd.DataFrame":
        """Samples along the straight line between the codes of `a` and `b`, ends included.

        Parameters
        ----------
        a, b : sources of n samples each
            Where the lines begin and end.
        steps : int, default=8
            Samples on each line.

        Returns
        -------
        (n * steps) samples, line after line, in the form in which `fit` met the data.
        """
        steps = whole("steps", steps, 2)
        first, last = torch.from_numpy(self.transform(a)), torch.from_numpy(self.transform(b))
        if first.shape != last.shape:
            raise DataError(f"a has {len(first)} samples and b has {len(last)}; give as many of each")
        t = torch.linspace(0, 1, steps)[None, :, None]
        lines = first[:, None] * (1 - t) + last[:, None] * t
        return self.inverse_transform(lines.flatten(0, 1).numpy())

    def _checked_codes(self, Z: Any) -> Tensor:
        return vectors("codes", Z, self._n_features_out).to(next(self.learner_.parameters()).device)


class Sampler(ABC):
    """A method that can make new samples."""

    @abstractmethod
    def sample(self, n: int = 16, random_state: int | None = None) -> "np.ndarray[Any, Any] | pd.DataFrame":
        """`n` new samples, in the form in which `fit` met the data; the same ones for the same `random_state`."""


class PriorSampler(Sampler):
    """A method whose learner is a `Draw`."""

    @torch.no_grad()
    def sample(self, n: int = 16, random_state: int | None = None) -> "np.ndarray[Any, Any] | pd.DataFrame":
        """`n` new samples, in the form in which `fit` met the data.

        Parameters
        ----------
        n : int, default=16
            How many.
        random_state : int or None, default=None
            Seed; None draws anew each time.
        """
        check_is_fitted(self)
        learner: Any = self.learner_  # type: ignore[attr-defined]
        n = whole("n", n, 1)
        generator = generator_for(random_state, next(learner.parameters()).device)
        with engine.evaluating(learner):
            return source.restore(self.spec_, learner.sample(n, generator).float().cpu())  # type: ignore[attr-defined]


class Assigner(ABC):
    """A method that assigns each sample to one of a few classes, clusters or units."""

    @abstractmethod
    def predict(self, X: Any) -> "np.ndarray[Any, Any]":
        """Class, cluster or unit of each sample (N,)."""


class LabelPredictor(Assigner):
    """A method with a classifier on its code, for the classes in `classes_`."""

    def predict(self, X: Any) -> "np.ndarray[Any, Any]":
        """The likeliest class of each sample (N,), as an entry of `classes_`."""
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(1)]  # type: ignore[attr-defined, no-any-return]

    def score(self, X: Any, y: Any = None) -> float:
        """Accuracy of `predict` against the labels `y` (N,)."""
        return share_right(self.predict(X), y)

    @torch.no_grad()
    def predict_proba(self, X: Any) -> Array:
        """Probabilities of the classes (N, K), in the order of `classes_`.

        Parameters
        ----------
        X : any source that `nolabel.open` takes, or a Dataset
            The samples.
        """
        model: Any = self
        data = model._open(X)
        learner = model.learner_
        found = [
            learner.logits(learner.encode(batch.x)).float().softmax(1).cpu().numpy() for batch in model._batches(data)
        ]
        return np.concatenate(found)


def vectors(name: str, Z: Any, width: int, *, least: int = 0) -> Tensor:
    """What a user gives as codes or latents: (N, `width`) float32, N at least `least`; `name` names them in errors.

    Raises
    ------
    DataError
        They are no finite numbers, or of another shape.
    """
    try:
        z = torch.as_tensor(np.asarray(Z, dtype=np.float32))
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} must be an array of numbers (N, {width}): {error}") from error
    if z.ndim != 2 or z.shape[1] != width or len(z) < least:
        enough = f" with N of at least {least}" if least else ""
        raise DataError(f"{name} must have shape (N, {width}){enough}; got {tuple(z.shape)}")
    if not torch.isfinite(z).all():
        raise DataError(f"{name} hold NaN or infinite values")
    return z


def generator_for(random_state: int | None, device: torch.device) -> torch.Generator:
    """What `n` new samples are drawn with.

    Raises
    ------
    ArgumentError
        `n` is no number of samples, or `random_state` no seed.
    """
    generator = torch.Generator(device)
    if random_state is None:
        generator.seed()
        return generator
    if not is_whole(random_state) or random_state < 0:
        raise ArgumentError(f"random_state must be None or a whole number of at least 0; got {random_state!r}")
    seed = int(random_state)
    return generator.manual_seed(seed if seed < _SEEDS else mix(seed, seed // _SEEDS))


def chunk_of(spec: DataSpec) -> int:
    """Samples to take at a time."""
    return max(1, min(CHUNK, CHUNK_VALUES // spec.width))


def _refuse_hopeless(data: Dataset) -> None:
    """Data from which nothing can be learned."""
    if len(data) < 2:
        raise DataError(f"found {len(data)} sample(s) (n_samples = {len(data)}); learning needs at least 2")
    if is_constant(data):
        raise DataError(f"all {len(data)} samples are identical: there is nothing to learn from constant data")


def is_constant(data: Dataset) -> bool:
    """Whether all samples are identical."""
    first, _ = data.rows(torch.tensor([0]))
    start, size = 1, 16
    while start < len(data):  # parts that grow: data that vary are told by the first few
        stored, _ = data.rows(torch.arange(start, min(start + size, len(data))))
        if not all_equal(stored, first):
            return False
        start, size = start + size, min(2 * size, 65_536)
    return True


def class_values(names: tuple[str, ...], y: Any) -> "np.ndarray[Any, Any]":
    """The classes as `predict` gives them back: numbers or truths when the user's labels were such, else names."""
    given = y.cpu() if isinstance(y, Tensor) else y
    known = {type(label) for label in np.asarray(given, dtype=object).ravel() if not pd.isna(label)}
    if known and all(issubclass(kind, bool | np.bool_) for kind in known):
        return np.asarray([name == "True" for name in names])
    return np.asarray([int(name) for name in names] if all(issubclass(kind, Number) for kind in known) else names)


def share_right(named: "np.ndarray[Any, Any]", y: Any) -> float:
    """Share of the samples whose class is named as in `y`; names and numbers are compared as text.

    Raises
    ------
    DataError
        `y` is not one label for each.
    """
    truth = np.asarray(y.cpu() if isinstance(y, Tensor) else y)
    truth = truth[:, 0] if truth.ndim == 2 and truth.shape[1] == 1 else truth
    if truth.shape != named.shape:
        raise DataError(f"y must be one label for each of the {len(named)} samples; got the shape {truth.shape}")
    if (named.dtype.kind in _TEXT) != (truth.dtype.kind in _TEXT):
        named, truth = named.astype(str), truth.astype(str)
    return float((named == truth).mean())


def _columns(X: Any, spec: DataSpec) -> int:
    shape = getattr(X, "shape", None)
    if spec.modality == "table" and shape is not None and len(shape) == 2:
        return int(shape[1])
    return spec.width


def _column_names(X: Any) -> "np.ndarray[Any, Any] | None":
    if isinstance(X, pd.DataFrame) and all(isinstance(name, str) for name in X.columns):
        return np.asarray(X.columns, dtype=object)
    return None
