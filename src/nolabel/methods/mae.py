"""MAE: hide most of a sample, and predict it from the rest.

    images   hide three in four patches;  z = f(visible patches),  x̂ = g(z, places of the hidden ones)
             loss = mean over hidden patches of mean (x̂_p − t_p)²,  t_p the patch, less its mean, over its deviation
    tables   hide half of the columns;  z = f(x with 0 for what is hidden, which columns are hidden),  x̂ = g(z)
             loss = mean over hidden columns of ‖x̂_c − x_c‖²

Both are means over samples. f looks at nothing but what is visible, so training on images costs a quarter of what the
network costs. The decoder g is needed while learning and thrown away after: the code is f(x) with nothing hidden, for
images the mean over patches.

Shapes: x (B, *shape) → hidden (B, P) → z (B, visible, L) or (B, L) → x̂ (B, P, D) or (B, D). The code is (B, L).
Relations: a DenoisingAutoencoder with "masking" is not told what is missing, and is asked for all of x; SimCLR and
SCARF compare samples instead of predicting them.
Known departures from [1]: no class token, no views (crops and flips); patches of one value are not normalised. Tables
follow [2] in the task (there with a mask to be estimated, too), a column of categories being one column; missing values
are hidden ones that nobody asks for.
[1] He et al. 2022, "Masked autoencoders are scalable vision learners", CVPR, arXiv:2111.06377.
[2] Yoon et al. 2020, "VIME: extending the success of self- and semi-supervised learning to tabular domain", NeurIPS.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Self, final

import torch
from torch import Tensor, nn

from nolabel.errors import ArgumentError
from nolabel.methods._arguments import at_least
from nolabel.methods._base import Embedder
from nolabel.methods._views import MakesViews, ShowsViews
from nolabel.nets.backbones import Backbone
from nolabel.nets.defaults import make_backbone
from nolabel.nets.mlp import mlp
from nolabel.nets.patch_decoder import PatchDecoder
from nolabel.nets.sync import batch_mean
from nolabel.nets.vit import ViT
from nolabel.objectives.masked import mean_where_hidden, normalised_patches, patch_errors
from nolabel.randomness import Draws
from nolabel.training.learner import GradientLearner, SeesGaps, Step
from nolabel.training.plan import ADAMW_COSINE, Plan
from nolabel.types import Batch, DataSpec, Losses
from nolabel.views.mask import Mask
from nolabel.views.patches import from_patches, to_patches
from nolabel.views.tables import Columns, hidden


@final
class PatchMAELearner(GradientLearner, MakesViews):
    """For images: what hides patches, the ViT f in a backbone, and the decoder g."""

    def __init__(self, mask: Mask, backbone: Backbone, decoder: PatchDecoder, side: int) -> None:
        super().__init__()
        self.mask = mask
        self.backbone = backbone
        self.decoder = decoder
        self.side = side

    def loss(self, batch: Batch, step: Step) -> Losses:
        """Squared error of the hidden patches; "guessing" is that of saying each patch's mean."""
        hides = self.mask(batch.x, step.draws)
        visible = self.mask.visible(hides)
        tokens = self.backbone.body.tokens(self.backbone.normalised(batch.x), visible)  # type: ignore[operator]
        z = tokens[:, -visible.shape[1] :]  # a class token, of a ViT of the user's, comes first
        target = normalised_patches(to_patches(batch.x, self.side))
        masked = mean_where_hidden(patch_errors(self.decoder(z, visible), target), hides)
        guessing = mean_where_hidden(patch_errors(torch.zeros_like(target), target), hides)
        return Losses({"masked": masked}, {"guessing": guessing})

    def encode(self, x: Tensor) -> Tensor:
        """Mean over the tokens of all patches: (B, C, H, W) to (B, L)."""
        return self.backbone(x)  # type: ignore[no-any-return]

    def views_of(self, x: Tensor, draws: Draws, mask: Tensor | None = None) -> list[Tensor]:
        """The images with grey patches where the model sees nothing."""
        hides = self.mask(x, draws)[:, :, None]
        grey = to_patches(x, self.side).masked_fill(hides, 0.5)
        rows, columns = x.shape[-2] // self.side, x.shape[-1] // self.side
        return [from_patches(grey, self.side, (rows, columns))]


@final
class ColumnMAELearner(GradientLearner, MakesViews, SeesGaps):
    """For tables: what hides columns, the backbone f and the decoder g."""

    def __init__(self, mask: Mask, columns: Columns, backbone: Backbone, decoder: nn.Module) -> None:
        super().__init__()
        self.mask = mask
        self.columns = columns
        self.backbone = backbone
        self.decoder = decoder

    def loss(self, batch: Batch, step: Step) -> Losses:
        """Squared error of the hidden columns; "guessing" is that of each column's mean over the batch."""
        hides, gone = self.mask(batch.x, step.draws), self._gone(batch.x, batch.mask)
        predicted = self.decoder(self._features(batch.x, hides | gone))
        asked = hides & ~gone
        masked = mean_where_hidden(self._errors(predicted, batch.x), asked)
        guessing = mean_where_hidden(self._errors(batch_mean(batch.x), batch.x), asked)
        return Losses({"masked": masked}, {"guessing": guessing})

    def encode(self, x: Tensor) -> Tensor:
        """Features of the whole row: (B, D) to (B, L)."""
        return self._features(x, self._gone(x, None))

    def encode_observed(self, x: Tensor, mask: Tensor) -> Tensor:
        """Features of what was observed, where `mask` (B, D) is True: what is missing is as if hidden."""
        return self._features(x, self._gone(x, mask))

    def views_of(self, x: Tensor, draws: Draws, mask: Tensor | None = None) -> list[Tensor]:
        """The rows with 0, a number's mean, where the model sees nothing."""
        return [hidden(x, self.mask(x, draws), self.columns)]

    def _features(self, x: Tensor, unseen: Tensor) -> Tensor:
        told = torch.cat([hidden(x, unseen, self.columns), unseen.to(x.dtype)], 1)
        return self.backbone(told)  # type: ignore[no-any-return]

    def _gone(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """True for columns without a value: (B, G)."""
        if mask is None:
            return torch.zeros(len(x), self.columns.count, dtype=torch.bool, device=x.device)
        return self.columns.shared((~mask).to(x.dtype)) > 0

    def _errors(self, predicted: Tensor, x: Tensor) -> Tensor:
        return self.columns.shared((predicted.float() - x).square())


@final
class MAE(ShowsViews, Embedder):
    """Masked autoencoder: predicts hidden patches of images, or hidden columns of tables, from the rest.

    For images with a vision transformer that is to be fine-tuned, on many samples and for many epochs: its codes need
    tuning more than those of SimCLR do. For tables whose columns say something about each other, and with missing
    values, which it takes as they are. Labels are not looked at.

    Parameters
    ----------
    mask : float or None, default=None
        Fraction of the patches or columns to hide, above 0 and below 1. None: 0.75 of images, 0.5 of tables.
    backbone : {"auto", "vit", "mlp"} or Module, default="auto"
        The network f that is kept. For images a vision transformer: "vit" (which is "auto"), or a
        `nolabel.nets.vit.ViT` of yours, which brings its own patch, width and depth. For tables a perceptron, or a
        module from (B, D + columns) to (B, L) that is given the values and which columns are hidden.
    patch : int or None, default=None
        Images: side of a patch in pixels. None chooses about 8 x 8 patches (4 pixels for images of 32).
    width : int, default=192
        Images: width L of the transformer, a multiple of 4.
    depth : int, default=6
        Images: blocks of the transformer.
    decoder_width : int, default=96
        Images: width of the decoder, a multiple of 4. Tables: of its hidden layer.
    decoder_depth : int, default=2
        Images: blocks of the decoder.
    epochs : int or None, default=None
        Passes over the data; None chooses about 5,000 steps, in 10 to 200 epochs.
    batch_size : int or None, default=None
        Samples a step; None chooses 16 to 256 by the number of samples.
    learning_rate : float, default=0.001
        Largest step size; by default it rises over the first twentieth of the run and falls to 0 along a cosine.
    random_state : int, RandomState or None, default=None
        Seed of weights, order and masks.
    plan : Plan, mapping or None, default=None
        How training runs; unless it says otherwise AdamW with a weight decay of 0.05, cosine schedule, warm-up. See
        `nolabel.Plan`.

    References
    ----------
    He et al. 2022, arXiv:2111.06377.

    Examples
    --------
    >>> from nolabel import MAE
    >>> model = MAE(epochs=2, random_state=0).fit("wine")
    >>> model.transform("wine").shape
    (178, 256)
    """

    title = "Masked autoencoder"
    paper = "arXiv:2111.06377"
    plan_defaults: ClassVar[Mapping[str, Any]] = {**ADAMW_COSINE, "weight_decay": 0.05}

    def __init__(
        self,
        *,
        mask: float | None = None,
        backbone: str | nn.Module = "auto",
        patch: int | None = None,
        width: int = 192,
        depth: int = 6,
        decoder_width: int = 96,
        decoder_depth: int = 2,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float = 0.001,
        random_state: Any = None,
        plan: Plan | None = None,
    ) -> None:
        self.mask = mask
        self.backbone = backbone
        self.patch = patch
        self.width = width
        self.depth = depth
        self.decoder_width = decoder_width
        self.decoder_depth = decoder_depth
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.plan = plan

    def build(self, spec: DataSpec) -> PatchMAELearner | ColumnMAELearner:
        """Mask, encoder, decoder."""
        for name in ("width", "depth", "decoder_width", "decoder_depth"):
            at_least(name, getattr(self, name), 1)
        return self._for_images(spec) if len(spec.shape) == 3 else self._for_tables(spec)

    def _for_images(self, spec: DataSpec) -> PatchMAELearner:
        backbone = self._vit(spec)
        vit: Any = backbone.body
        mask = Mask(spec, 0.75 if self.mask is None else self.mask, vit.patch)
        out = spec.shape[0] * vit.patch**2
        decoder = PatchDecoder(vit.width, vit.grid, out, int(self.decoder_width), int(self.decoder_depth))
        return PatchMAELearner(mask, backbone, decoder, vit.patch)

    def _vit(self, spec: DataSpec) -> Backbone:
        if isinstance(self.backbone, ViT):
            return make_backbone(spec, self.backbone)
        if self.backbone not in ("auto", "vit"):
            raise ArgumentError(
                "backbone must be 'auto', 'vit' or a nolabel.nets.vit.ViT for images, for no other network can leave "
                f"hidden patches out; got {self.backbone!r}"
            )
        vit = ViT(spec.shape, self.patch, int(self.width), int(self.depth))
        return Backbone(vit, spec, vit.width)

    def _for_tables(self, spec: DataSpec) -> ColumnMAELearner:
        mask = Mask(spec, 0.5 if self.mask is None else self.mask)
        columns = Columns.read(spec)
        told = DataSpec(spec.modality, (spec.width + columns.count,), "real")
        backbone = make_backbone(told, self.backbone)
        decoder = mlp((backbone.width, int(self.decoder_width), spec.width))
        return ColumnMAELearner(mask, columns, backbone, decoder)

    @classmethod
    def tiny(cls) -> Self:
        """Trains in about a second."""
        return cls(
            mask=0.5,
            patch=2,
            width=16,
            depth=1,
            decoder_width=64,
            decoder_depth=1,
            epochs=8,
            batch_size=32,
            learning_rate=0.001,
            random_state=0,
        )
