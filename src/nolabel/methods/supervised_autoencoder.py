"""Supervised autoencoder: a code that rebuilds every sample and tells the classes of those that have labels.

    z = f(x),   loss = mean −log p(x | x̂) + w · mean over labelled of −log softmax(W relu(z) + b)_y      (eq. 1 of [1])

The reconstruction is a mean over all samples and features, the classifier's term a mean over the labelled samples.
Labels may be missing for most samples: -1 or NaN.

Shapes: x (B, *shape) → z (B, L) → x̂ (B, *shape) and class logits (B, K).
Relations: w = 0 is an Autoencoder; a LadderNetwork denoises every layer instead of the data alone.
Known departure from [1]: labels may be missing; [1] has all of them.
[1] Le, Patterson and White 2018, "Supervised autoencoders", NeurIPS.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Self, final

import torch
from torch import Tensor, nn

from nolabel.errors import ArgumentError
from nolabel.methods._base import Classifies, Codec, LabelPredictor, Reconstructor
from nolabel.nets.defaults import Loss, Net, decide, decide_loss, make_decoder, make_encoder
from nolabel.nets.mlp import Activation, linear
from nolabel.nets.stack import Stack
from nolabel.objectives.likelihood import Likelihood, excess_per_feature, mean_negative_log, mean_of
from nolabel.objectives.supervised import cross_entropy_of_labelled
from nolabel.training.learner import GradientLearner, Step
from nolabel.training.plan import Plan
from nolabel.types import Batch, DataSpec, Losses


@final
class SupervisedAutoencoderLearner(GradientLearner, Codec, Classifies):
    """Encoder, decoder, and a linear classifier on the code."""

    def __init__(
        self,
        encoder: Stack,
        decoder: Stack,
        classifier: nn.Linear,
        likelihood: Likelihood,
        weight: float,
        labelled: float = 1.0,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.classifier = classifier
        self.likelihood = likelihood
        self.weight = weight
        self.labelled = labelled  # fraction of the samples whose label is known

    def loss(self, batch: Batch, step: Step) -> Losses:
        """Reconstruction of all, classification of the labelled."""
        z = self.encoder(batch.x)
        reconstruction = mean_negative_log(self.likelihood, self.decoder(z), batch.x, batch.mask)
        y = torch.full((len(batch),), -1, device=z.device) if batch.y is None else batch.y
        classification, accuracy = cross_entropy_of_labelled(self.logits(z), y, self.labelled)
        return Losses(
            {"reconstruction": reconstruction, "classification": self.weight * classification}, {"accuracy": accuracy}
        )

    def logits(self, z: Tensor) -> Tensor:
        """Class logits from the code: (B, L) to (B, K)."""
        return self.classifier(torch.relu(z))  # type: ignore[no-any-return]

    def encode(self, x: Tensor) -> Tensor:
        """Z = f(x): (B, *shape) to (B, L)."""
        return self.encoder(x)  # type: ignore[no-any-return]

    def decode(self, z: Tensor) -> Tensor:
        """x̂ = g(z): (B, L) to (B, *shape)."""
        return mean_of(self.likelihood, self.decoder(z))

    def score(self, batch: Batch) -> Tensor:
        """Minus the reconstruction error above the least possible, a mean over features: (B,)."""
        output = self.decoder(self.encoder(batch.x))
        return -excess_per_feature(self.likelihood, output, batch.x, batch.mask)


@final
class SupervisedAutoencoder(LabelPredictor, Reconstructor):
    """Autoencoder with a classifier on its code; most labels may be missing.

    `fit(X, y)` takes labels with -1, NaN or None for "unknown"; `predict` and `predict_proba` use the classifier.

    Parameters
    ----------
    weight : float, default=1.0
        w, weight of the classifier's term.
    hidden : sequence of int or None, default=None
        Widths from the data to the code; channels for `net="conv"`. Without `latent` the last is the code.
        None chooses.
    latent : int or None, default=None
        Width of the code, after `hidden`. None: the last of `hidden`, or at most 32 when that is None too.
    net : {"auto", "mlp", "conv"}, default="auto"
        Kind of network; "auto" takes convolutions for images of at least 8 x 8 pixels unless `hidden` is given.
    activation : {"relu", "gelu", "tanh", "sigmoid", "linear"}, default="relu"
        After every layer but the code and the output, which are linear.
    loss : {"auto", "bce", "mse"}, default="auto"
        Reconstruction loss; "auto" is "bce" for images and "mse" for tables.
    epochs : int or None, default=None
        Passes over the data; None chooses about 5,000 steps, in 10 to 200 epochs.
    batch_size : int or None, default=None
        Samples a step; None chooses 16 to 256 by the number of samples.
    learning_rate : float, default=0.001
        Step size.
    random_state : int, RandomState or None, default=None
        Seed of weights, order and noise.
    plan : Plan, mapping or None, default=None
        How training runs: optimizer, schedule, precision, held-out part, ... See `nolabel.Plan`.

    References
    ----------
    Le, Patterson and White 2018, NeurIPS.

    Examples
    --------
    >>> import nolabel
    >>> digits = nolabel.open("digits")
    >>> y = digits.labels.copy()
    >>> y[100:] = -1
    >>> model = nolabel.SupervisedAutoencoder(epochs=2, random_state=0).fit(digits, y)
    >>> model.predict_proba(digits).shape
    (1797, 10)
    """

    title = "Supervised autoencoder"
    paper = "Le et al. 2018"
    uses_labels: ClassVar[bool] = True

    def __init__(
        self,
        *,
        weight: float = 1.0,
        hidden: Sequence[int] | None = None,
        latent: int | None = None,
        net: Net = "auto",
        activation: Activation = "relu",
        loss: Loss = "auto",
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float = 0.001,
        random_state: Any = None,
        plan: Plan | None = None,
    ) -> None:
        self.weight = weight
        self.hidden = hidden
        self.latent = latent
        self.net = net
        self.activation = activation
        self.loss = loss
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.plan = plan

    def build(self, spec: DataSpec) -> SupervisedAutoencoderLearner:
        """Encoder, mirrored decoder, linear classifier on the rectified code."""
        if self.weight < 0:
            raise ArgumentError(f"weight must be at least 0; got {self.weight!r}")
        shape = decide(spec, self.net, self.hidden, self.latent)
        return SupervisedAutoencoderLearner(
            make_encoder(spec, shape, self.activation),
            make_decoder(spec, shape, self.activation),
            linear(shape.latent, len(self.classes_), "linear"),
            decide_loss(spec, self.loss),
            self.weight,
            self._labelled,
        )

    @classmethod
    def tiny(cls) -> Self:
        """Trains in under a second."""
        return cls(hidden=(16,), latent=4, epochs=8, batch_size=32, learning_rate=0.005, random_state=0)
