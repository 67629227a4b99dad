"""From what a user says of views to what makes them: the only place that guesses views.

`views` may be "auto", a mapping of settings that differ from "auto", an `ImageViews` or `TableViews`, a callable of the
user's (a kornia pipeline, say), or a sequence of two of these, one for each view. The guesses follow SimCLR's set, at
half its strength of colours as is usual for small images, and BYOL's where two views differ; images of at most 64
pixels are not blurred, and a crop is about as long for its width as the whole image is: of a long one no box of the
usual ratios would fit.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, NoReturn, final

import torch
from torch import Tensor

from nolabel.errors import ArgumentError, DataError, refuse_unknown
from nolabel.randomness import Draws, all_seeded
from nolabel.types import DataSpec
from nolabel.views.images import NEEDS_COLOURS, ImageViews
from nolabel.views.tables import RowViews, TableViews

SMALL = 64  # pixels; a blur takes too much from images that are no larger
FORMS = (
    "'auto', a mapping of settings such as {'crop': (0.3, 1.0)}, an ImageViews or TableViews, a callable that takes a "
    "batch, or a sequence of two of these"
)


@final
@dataclass(frozen=True)
class Foreign:
    """A user's own view: any callable from a batch (B, *shape) to another with as many samples.

    The global generators that such a callable draws from (torch's, NumPy's, Python's) are seeded from the step's draws,
    and put back after. It is given a copy, which it may change, and float32 arithmetic whatever the plan says.
    """

    made: Callable[[Tensor], Tensor]

    def __call__(self, x: Tensor, draws: Draws) -> Tensor:
        """One view of each sample, as the user makes it.

        Raises
        ------
        ArgumentError
            It is no tensor of real, finite numbers with as many samples and channels.
        """
        on_device = torch.autocast(x.device.type, enabled=False)
        with torch.no_grad(), on_device, all_seeded(draws.own_seed(), x.device):
            seen: Any = self.made(x.clone())
        if not (isinstance(seen, Tensor) and seen.is_floating_point()):
            got = f"one of {seen.dtype}" if isinstance(seen, Tensor) else type(seen).__name__
            raise ArgumentError(f"{self._said()} must return a tensor of real numbers; got {got}")
        if seen.shape[:2] != x.shape[:2] or seen.ndim != x.ndim:
            raise ArgumentError(
                f"{self._said()} must return as many samples and channels as it is given; "
                f"{tuple(x.shape)} became {tuple(seen.shape)}"
            )
        if not torch.isfinite(seen).all():
            raise ArgumentError(f"{self._said()} made NaN or infinite values of finite ones")
        return seen.to(x.device, x.dtype)

    def _said(self) -> str:
        return f"views={self.made!r:.80}"


@final
@dataclass(frozen=True)
class Unsaved:
    """Stands in a loaded model for a user's own view named `name`, which no file can hold. Whoever asks it for a view
    is told what to do.
    """

    name: str

    def __call__(self, x: Tensor) -> Tensor:
        """No view."""
        return self.refuse()

    def refuse(self) -> NoReturn:
        """Say that the view is missing, and how to give it."""
        raise ArgumentError(
            f"views={self.name} is an object that a saved model cannot hold, and making views needs it. Give it as "
            f"nolabel.load(path, views={self.name}) or with set_params(views={self.name}) before fitting"
        )


Settings = ImageViews | TableViews | Foreign
View = ImageViews | RowViews | Foreign  # called with network values (B, *shape) and the step's draws


def bound(spec: DataSpec, settings: Settings) -> View:
    """What makes the views of such samples: rows have columns, and what is one column stays together."""
    return settings.bound(spec) if isinstance(settings, TableViews) else settings


def seen(view: View, x: Tensor, draws: Draws, mask: Tensor | None = None) -> Tensor:
    """One view (B, *shape) of network values; `mask` (B, D) is True where a value of a row was observed."""
    return view(x, draws, mask) if isinstance(view, RowViews) else view(x, draws)


def two_views(spec: DataSpec, views: Any = "auto", *, asymmetric: bool = False) -> tuple[Settings, Settings]:
    """How the first and the second view of a sample are made.

    Parameters
    ----------
    spec
        What the samples look like.
    views
        As the head of this file says.
    asymmetric
        Whether "auto" differs between the two, as in BYOL: the first is always blurred, the second seldom, and the
        second is solarized one time in five. Images of at most `SMALL` pixels are blurred in neither.

    Raises
    ------
    ArgumentError
        The views are none of these, are for another kind of data, or a setting is not known or out of its bounds.
    """
    each = views if isinstance(views, Sequence) and not isinstance(views, str | bytes) else (views, views)
    if len(each) != 2:
        raise ArgumentError(f"views must be {FORMS}; got a sequence of {len(each)}")
    first, second = (_made(spec, said, _guess(spec, which, asymmetric)) for which, said in enumerate(each))
    return _without_colours(spec, first, second, asked=frozenset().union(*map(_asked, each)))


def _guess(spec: DataSpec, which: int, asymmetric: bool) -> ImageViews | TableViews:
    """What "auto" stands for, with the colours of three channels."""
    if spec.modality != "image":
        return TableViews(corrupt=0.3)  # of either view: half of the columns are then the sample's own in both
    height, width = spec.shape[1:]
    large, long = min(height, width) > SMALL, width / height
    views = ImageViews(ratio=(3 / 4 * long, 4 / 3 * long), blur=0.5 if large else 0.0)
    if not asymmetric:
        return views
    blur = ((1.0, 0.1) if large else (0.0, 0.0))[which]
    return replace(views, saturation=0.2, blur=blur, solarize=(0.0, 0.2)[which])


def _made(spec: DataSpec, views: Any, guess: ImageViews | TableViews) -> Settings:
    if isinstance(views, str) and views == "auto":
        return guess
    if isinstance(views, Mapping):
        known = [field.name for field in fields(guess)]
        refuse_unknown("views", map(str, views), known)
        return replace(guess, **views)
    if isinstance(views, ImageViews | TableViews):
        if not isinstance(views, type(guess)):
            needed = type(guess).__name__
            raise ArgumentError(f"views={type(views).__name__} are for other data than these; give {needed} or 'auto'")
        return views
    if isinstance(views, type):
        raise ArgumentError(f"views must be {FORMS}; got the class {views.__name__}: make one of it")
    if isinstance(views, Unsaved):
        return Foreign(views)  # a loaded model can be built, though not trained
    if callable(views):
        return _tried(spec, Foreign(views))
    raise ArgumentError(f"views must be {FORMS}; got {views!r:.80}")


def _asked(views: Any) -> frozenset[str]:
    """Names of the changes of colours that are asked for."""
    settings = views if isinstance(views, Mapping) else views.settings() if isinstance(views, ImageViews) else {}
    return frozenset(name for name in NEEDS_COLOURS if settings.get(name))


def _without_colours(
    spec: DataSpec, first: Settings, second: Settings, asked: frozenset[str]
) -> tuple[Settings, Settings]:
    """Both views without what needs three channels, which is said if it was asked for, when there are not three."""
    if spec.modality != "image" or spec.shape[0] == 3:
        return first, second
    if asked:
        channels = f"{spec.shape[0]} channel{'s' if spec.shape[0] > 1 else ''}"
        useless = ", ".join(name for name in NEEDS_COLOURS if name in asked)
        warnings.warn(
            f"views: {useless} need three channels; images of {channels} are left as they are",
            UserWarning,
            stacklevel=2,
        )
    without: dict[str, Any] = dict.fromkeys(NEEDS_COLOURS, 0.0)
    kept = [replace(made, **without) if isinstance(made, ImageViews) else made for made in (first, second)]
    return kept[0], kept[1]


def _tried(spec: DataSpec, view: Foreign) -> Foreign:
    """The view, once it has been seen to work on two samples."""
    x = torch.linspace(0, 1, 2 * spec.width, device="cpu").view(2, *spec.shape)
    try:
        with torch.device("cpu"):  # said, for a caller may have set another as the default
            view(x, Draws(0))
    except (ArgumentError, DataError):
        raise
    except Exception as error:
        raise ArgumentError(
            f"views={view.made!r:.80} failed on a batch of shape {tuple(x.shape)}: {type(error).__name__}: {error}. "
            "It is called with a float tensor of network values and must return another"
        ) from error
    return view
