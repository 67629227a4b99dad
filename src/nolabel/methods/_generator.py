"""`Generator`: what the estimators of two-player games offer: samples, latents and ways between them, features.

    z ~ N(0, I) (L,)  →  G(z), in the form in which `fit` met the data

`transform` gives the discriminator's features, unless a method has an encoder. With a truncation t < 1 latents are
those of the normal distribution given |z| ≤ 2 t, coordinate by coordinate. Of a method that learns from K classes,
latents are (L + K,): normal numbers, then the shares of the classes that a sample is made of, which are 1 for its own
and 0 for all others, and anything between on the way from one class to another. No method is named here.
"""

import math
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from nolabel.errors import ArgumentError, DataError, is_whole, whole
from nolabel.methods._arguments import above, at_least
from nolabel.methods._base import Array, Embedder, Sampler, chunk_of, generator_for, vectors
from nolabel.methods._class_names import class_codes
from nolabel.methods._inversion import STARTS, nearest_latents
from nolabel.methods._players import Augment, Sides
from nolabel.nets.defaults import latent_width
from nolabel.training import engine
from nolabel.types import DataSpec
from nolabel.views.differentiable import DiffAugment

FEW = 5000  # images or clips below which a discriminator would learn them by heart, if they were not augmented
BOUND = 2.0  # |z| at most, times the truncation


class Generator(Sampler, Embedder):
    """A method that plays a generator against a discriminator."""

    latent: int | Literal["auto"]
    augment: bool | Literal["auto"]
    discriminator_steps: int
    discriminator_rate: float

    # --- for build ---------------------------------------------------------------------------------------------------

    def _sides(self, spec: DataSpec, generator: nn.Module, discriminator: nn.Module) -> Sides:
        """The two players, with the arguments that all such methods have."""
        at_least("discriminator_steps", self.discriminator_steps, 1)
        above("discriminator_rate", self.discriminator_rate, 0)
        steps, rate = int(self.discriminator_steps), float(self.discriminator_rate)
        classes = len(self.classes_) if self.uses_labels else 0
        return Sides(generator, discriminator, self._latent(spec), self._augmentation(spec), steps, rate, classes)

    def _latent(self, spec: DataSpec) -> int:
        return latent_width(spec, self.latent)

    def _augmentation(self, spec: DataSpec) -> Augment | None:
        few = spec.modality in ("image", "video") and self._samples is not None and self._samples < FEW
        wanted = few if self.augment == "auto" else self.augment
        return DiffAugment(spec) if wanted else None

    # --- samples -----------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def sample(
        self, n: int = 16, random_state: int | None = None, *, labels: Any = None, truncation: float = 1.0
    ) -> "np.ndarray[Any, Any] | pd.DataFrame":
        """`n` new samples, in the form in which `fit` met the data.

        Parameters
        ----------
        n : int, default=16
            How many.
        random_state : int or None, default=None
            Seed; None draws anew each time.
        labels : name of a class, array of `n` names, or None, default=None
            For methods that learn from labels: of which class all are to be, or each. None draws classes by their
            shares in the training data. Methods that do not learn from labels make samples of no class in particular.
        truncation : float, default=1.0
            Above 0 and at most 1. Below 1 latents are normal numbers given that |z| ≤ 2 truncation: the smaller, the
            more usual and the more alike are the samples. 1 leaves them as they are. A seed's samples stay akin.

        Raises
        ------
        ArgumentError
            An argument cannot be meant; of a class that is not known the nearest one is named.
        """
        check_is_fitted(self)
        learner, device = self.learner_, next(self.learner_.parameters()).device
        n = whole("n", n, 1)
        z = learner.latents(n, generator_for(random_state, device))
        z = torch.cat([truncated(z[:, : learner.latent], truncation), z[:, learner.latent :]], 1)
        return self._of_latents(z if labels is None else self._of_classes(z, labels))

    @torch.no_grad()
    def generate(self, Z: Any, *, labels: Any = None) -> "np.ndarray[Any, Any] | pd.DataFrame":
        """The samples G(z) of latents (N, L), in the form in which `fit` met the data.

        Parameters
        ----------
        Z : array (N, L), or (N, L + K)
            Latents; of a method that learns from K classes with the shares of those behind them, unless `labels` are
            given.
        labels : name of a class, array of N names, or None, default=None
            For methods that learn from labels: of which class all are to be, or each.

        Raises
        ------
        DataError
            The latents are no finite numbers, or of another width.
        ArgumentError
            There is no such class, or the method does not learn from labels.
        """
        check_is_fitted(self)
        return self._of_latents(self._checked_latents(Z, labels))

    @torch.no_grad()
    def interpolate(
        self, a: Any, b: Any, steps: int = 8, *, labels: Any = None
    ) -> "np.ndarray[Any, Any] | pd.DataFrame":
        """Samples along the great circle between two latents, ends included.

        Latents of a normal distribution lie near a sphere, of which a straight line would leave the surface. Lengths
        change evenly, and so do the shares of classes, for methods that learn from labels.

        Parameters
        ----------
        a, b : array (L,) or int
            Latents, as `invert` finds them for a sample; or the seed of a sample: that which
            `sample(1, random_state=a)` makes.
        steps : int, default=8
            Samples on the way.
        labels : name of a class, two names, or None, default=None
            For methods that learn from labels: the class of both ends, or of each; latents then are (L,).

        Returns
        -------
        `steps` samples, in the form in which `fit` met the data.
        """
        check_is_fitted(self)
        steps = whole("steps", steps, 2)
        named = (None, None) if labels is None else self.classes_[self._codes(labels, 2).numpy()]
        first, last = self._one_latent("a", a, named[0]), self._one_latent("b", b, named[1])
        return self._of_latents(way(first, last, self.learner_.latent, steps))

    def invert(self, X: Any, steps: int = 200, random_state: int = 0) -> Array:
        """Latents (N, L) float32 whose samples are nearest to those in `X`; `generate` shows how near.

        Found by descent, from the best four of 256 latents, on the mean squared distance of values and of codes, which
        are what `transform` gives. A generator cannot make everything: what it has not learned comes back as something
        else. Of a method that learns from K classes latents are (N, L + K), with the class of the best start.

        Parameters
        ----------
        X : any source that `nolabel.open` takes, or a Dataset
            Samples of the kind that the model was fitted to.
        steps : int, default=200
            Of descent, at least 1.
        random_state : int, default=0
            Seed of the latents to begin with.
        """
        check_is_fitted(self)
        steps, seed = whole("steps", steps, 1), whole("random_state", random_state, 0)
        rows = max(1, chunk_of(self.spec_) // STARTS)
        found = [
            nearest_latents(self.learner_, part, steps, seed).cpu().numpy()
            for batch in self._batches(self._open(X))
            for part in torch.split(batch.x, rows)
        ]
        return np.concatenate(found)

    def _of_latents(self, z: Tensor) -> "np.ndarray[Any, Any] | pd.DataFrame":
        learner = self.learner_
        with engine.evaluating(learner):
            return self._restore(learner.generate(part) for part in torch.split(z, chunk_of(self.spec_)))

    def _one_latent(self, name: str, end: Any, label: Any) -> Tensor:
        if is_whole(end):
            device = next(self.learner_.parameters()).device
            z: Tensor = self.learner_.latents(1, generator_for(whole(name, end, 0), device))
            return (z if label is None else self._of_classes(z, label))[0]
        if np.ndim(end) != 1:
            raise DataError(
                f"{name} must be one latent ({self._latent_width(label)},), or the seed of a sample; got the shape "
                f"{tuple(np.shape(end))}. For data give one row of what invert finds"
            )
        return self._checked_latents([end], label)[0]

    def _checked_latents(self, Z: Any, labels: Any) -> Tensor:
        z = vectors("latents", Z, self._latent_width(labels), least=1)
        z = z.to(next(self.learner_.parameters()).device)
        return z if labels is None else self._of_classes(z, labels)

    def _latent_width(self, labels: Any) -> int:
        """L, and K more where classes are not said beside them."""
        width: int = self.learner_.latent + (self.learner_.classes if labels is None else 0)
        return width

    def _of_classes(self, z: Tensor, labels: Any) -> Tensor:
        latents: Tensor = self.learner_.of_classes(z, self._codes(labels, len(z)).to(z.device))
        return latents

    def _codes(self, labels: Any, count: int) -> Tensor:
        if not self.uses_labels:
            raise ArgumentError(f"labels must be None, for {type(self).__name__} does not learn from labels")
        return class_codes(labels, self.classes_, count)


def truncated(z: Tensor, truncation: float) -> Tensor:
    """Normal numbers z moved to be normal numbers given |z| ≤ 2 `truncation`, in the same order; 1 leaves them.

    By the inverse of the distribution function: with c = 2 t,  z′ = √2 erf⁻¹(erf(z / √2) erf(c / √2)).

    Raises
    ------
    ArgumentError
        The truncation is not above 0 and at most 1.
    """
    is_number = isinstance(truncation, int | float | np.number) and not isinstance(truncation, bool)
    if not is_number or not 0 < truncation <= 1:
        raise ArgumentError(
            f"truncation must be a number above 0 and at most 1; got {truncation!r}. 1 truncates nothing, 0.5 keeps to "
            "the more usual samples"
        )
    if truncation == 1:
        return z
    within = math.erf(BOUND * float(truncation) / math.sqrt(2))
    return math.sqrt(2) * torch.erfinv(torch.erf(z / math.sqrt(2)) * within)


def way(first: Tensor, last: Tensor, normal: int, steps: int) -> Tensor:
    """Latents (steps, L + K) from one to the other: the first `normal` of them on a great circle, shares evenly."""
    arc, line = great_circle(first[:normal], last[:normal], steps), _evenly(first[normal:], last[normal:], steps)
    return torch.cat([arc, line], 1)


def great_circle(a: Tensor, b: Tensor, steps: int) -> Tensor:
    """Points (steps, L) from a to b (L,): directions along a great circle, lengths evenly.

    Where there is no one circle, for the ends lie in one direction, in opposite ones, or at 0: the straight line.
    """
    t = torch.linspace(0, 1, steps, device=a.device)[:, None]
    lengths = a.norm() * (1 - t) + b.norm() * t
    u, v = torch.nn.functional.normalize(a, dim=0), torch.nn.functional.normalize(b, dim=0)
    angle = torch.dot(u, v).clamp(-1, 1).arccos()
    if angle.sin() < 1e-3 or not min(a.norm(), b.norm()) > 0:
        return _evenly(a, b, steps)
    points: Tensor = lengths * (((1 - t) * angle).sin() * u + (t * angle).sin() * v) / angle.sin()
    return points


def _evenly(a: Tensor, b: Tensor, steps: int) -> Tensor:
    """Points (steps, L) on the straight line from a to b (L,)."""
    t = torch.linspace(0, 1, steps, device=a.device)[:, None]
    return a * (1 - t) + b * t
