"""Stacked autoencoder: layers trained one at a time, from the data up, then all together.

    pre-training of layer i   h_0 = x,  h_i = f_i(h_{i−1}),   loss = mean ‖h_{i−1} − g_i(h_i)‖²   (−log p for i = 1)
    fine-tuning               z = f(x),  x̂ = g(z),            loss = mean −log p(x | x̂)

The first `pretraining` part of the run is shared equally by the layers; lower layers are fixed while one is trained.
Every term is a mean over samples and features.

Shapes: x (B, *shape) → z (B, L) → x̂ (B, *shape).
Relations: with `pretraining=0` this is an Autoencoder. Good first weights made depth trainable before rectifiers did;
today it helps mostly with saturating activations.
Known departure from [1]: each layer is pre-trained as an autoencoder [2] instead of as a restricted Boltzmann machine,
so that one kind of gradient serves the whole run.
[1] Hinton and Salakhutdinov 2006, Science 313.  [2] Bengio et al. 2007, "Greedy layer-wise training", NeurIPS.
"""

from collections.abc import Sequence
from typing import Any, Self, final

import torch
from torch import Tensor

from nolabel.errors import ArgumentError
from nolabel.methods._base import Codec, Reconstructor
from nolabel.nets.defaults import Loss, Net, decide, decide_loss, make_decoder, make_encoder
from nolabel.nets.mlp import Activation
from nolabel.nets.stack import Stack
from nolabel.objectives.likelihood import Likelihood, excess_per_feature, mean_negative_log, mean_of
from nolabel.training.learner import GradientLearner, Step
from nolabel.training.plan import Plan
from nolabel.types import Batch, DataSpec, Losses


@final
class StackedAutoencoderLearner(GradientLearner, Codec):
    """Encoder and decoder as mirrored stages; which of them a loss concerns depends on the run's progress."""

    def __init__(self, encoder: Stack, decoder: Stack, likelihood: Likelihood, pretraining: float) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.likelihood = likelihood
        self.pretraining = pretraining

    def loss(self, batch: Batch, step: Step) -> Losses:
        """One layer's reconstruction, or the whole one's once pre-training is over."""
        if self.training and step.progress < self.pretraining:
            layer = int(step.progress / self.pretraining * len(self.encoder.stages))
            return self._layer_loss(layer, batch)
        output = self.decoder(self.encoder(batch.x))
        return Losses({"reconstruction": mean_negative_log(self.likelihood, output, batch.x, batch.mask)})

    def _layer_loss(self, layer: int, batch: Batch) -> Losses:
        with torch.no_grad():
            h = self.encoder.entry(batch.x)
            for stage in self.encoder.stages[:layer]:
                h = stage(h)
        rebuilt = self.decoder.stages[-1 - layer](self.encoder.stages[layer](h))
        if layer == 0:
            output = self.decoder.exit(rebuilt)
            return Losses({"layer 1": mean_negative_log(self.likelihood, output, batch.x, batch.mask)})
        return Losses({f"layer {layer + 1}": mean_negative_log("mse", rebuilt, h)})

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
class StackedAutoencoder(Reconstructor):
    """Deep autoencoder, pre-trained layer by layer and then fine-tuned as a whole.

    Parameters
    ----------
    pretraining : float, default=0.5
        Fraction of the run spent on the single layers, shared equally by them.
    hidden : sequence of int or None, default=None
        Widths from the data to the code; channels for `net="conv"`. Without `latent` the last is the code.
        None chooses.
    latent : int or None, default=None
        Width of the code, after `hidden`. None: the last of `hidden`, or at most 32 when that is None too.
    net : {"auto", "mlp", "conv"}, default="auto"
        Kind of network; "auto" takes convolutions for images of at least 8 x 8 pixels unless `hidden` is given.
    activation : {"relu", "gelu", "tanh", "sigmoid", "linear"}, default="sigmoid"
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
    Hinton and Salakhutdinov 2006, Science 313; Bengio et al. 2007, NeurIPS.

    Examples
    --------
    >>> from nolabel import StackedAutoencoder
    >>> model = StackedAutoencoder(hidden=(64, 32, 8), epochs=4, random_state=0).fit("digits")
    >>> model.transform("digits").shape
    (1797, 8)
    """

    title = "Stacked autoencoder"
    paper = "Hinton and Salakhutdinov 2006"

    def __init__(
        self,
        *,
        pretraining: float = 0.5,
        hidden: Sequence[int] | None = None,
        latent: int | None = None,
        net: Net = "auto",
        activation: Activation = "sigmoid",
        loss: Loss = "auto",
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float = 0.001,
        random_state: Any = None,
        plan: Plan | None = None,
    ) -> None:
        self.pretraining = pretraining
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

    def build(self, spec: DataSpec) -> StackedAutoencoderLearner:
        """Encoder and mirrored decoder."""
        if not 0 <= self.pretraining < 1:
            raise ArgumentError(f"pretraining must be at least 0 and below 1; got {self.pretraining!r}")
        shape = decide(spec, self.net, self.hidden, self.latent)
        encoder = make_encoder(spec, shape, self.activation)
        decoder = make_decoder(spec, shape, self.activation)
        return StackedAutoencoderLearner(encoder, decoder, decide_loss(spec, self.loss), self.pretraining)

    @classmethod
    def tiny(cls) -> Self:
        """Trains in under a second."""
        return cls(hidden=(16, 4), epochs=16, batch_size=16, learning_rate=0.01, random_state=0)
