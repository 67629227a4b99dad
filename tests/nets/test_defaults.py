"""The table of guesses, and what is refused."""

from collections.abc import Iterator
from typing import Any

import jaxtyping
import numpy as np
import pytest
import torch

from nolabel.errors import ArgumentError
from nolabel.nets.defaults import (
    Shape,
    Tokens,
    check_activation,
    decide,
    decide_loss,
    make_decoder,
    make_encoder,
    make_token_nets,
)
from nolabel.types import DataSpec


def image(*shape: int) -> DataSpec:
    return DataSpec("image", shape, "unit")


def table(width: int, values: Any = "real") -> DataSpec:
    return DataSpec("table", (width,), values)


@pytest.fixture
def unchecked() -> Iterator[None]:
    """Without the checker of types, which only tests have and which would speak first."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


DECIDED = [
    # spec, net, hidden, latent -> net, hidden, latent
    (image(1, 28, 28), "auto", None, None, Shape("conv", (32, 64, 128), 32)),
    (image(3, 16, 16), "auto", None, None, Shape("conv", (32, 64, 128), 32)),
    (image(3, 15, 15), "auto", None, None, Shape("conv", (32, 64), 32)),
    (image(1, 8, 8), "auto", None, None, Shape("conv", (32, 64), 32)),
    (image(1, 8, 7), "auto", None, None, Shape("mlp", (256, 128), 28)),
    (image(1, 2, 2), "auto", None, None, Shape("mlp", (128, 64), 2)),
    (image(1, 28, 28), "auto", None, 7, Shape("conv", (32, 64, 128), 7)),
    (image(1, 28, 28), "auto", (128, 64, 32), None, Shape("mlp", (128, 64), 32)),
    (image(1, 28, 28), "auto", (16, 8), 5, Shape("mlp", (16, 8), 5)),
    (image(1, 28, 28), "conv", (16, 8), 5, Shape("conv", (16, 8), 5)),
    (image(1, 28, 28), "mlp", None, None, Shape("mlp", (256, 128), 32)),
    (image(1, 28, 28), "mlp", (9,), 4, Shape("mlp", (9,), 4)),
    (image(1, 28, 28), "conv", (9, 8), None, Shape("conv", (9, 8), 32)),
    (image(1, 4, 4), "conv", None, None, Shape("conv", (32,), 8)),
    (table(1), "auto", None, None, Shape("mlp", (32, 16), 1)),
    (table(5), "auto", None, None, Shape("mlp", (160, 80), 2)),
    (table(13), "auto", None, None, Shape("mlp", (256, 128), 6)),
    (table(30), "auto", None, None, Shape("mlp", (256, 128), 15)),
    (table(500), "auto", None, None, Shape("mlp", (256, 128), 32)),
    (table(500), "mlp", (40,), None, Shape("mlp", (), 40)),
]


@pytest.mark.parametrize(("spec", "net", "hidden", "latent", "expected"), DECIDED)
def test_decisions(spec: DataSpec, net: Any, hidden: Any, latent: Any, expected: Shape) -> None:
    assert decide(spec, net, hidden, latent) == expected


@pytest.mark.usefixtures("unchecked")
def test_numpy_numbers_are_numbers() -> None:
    widths = tuple(np.array([40, 20]))
    shape = decide(table(50), "auto", widths, np.int64(3))
    assert shape == Shape("mlp", (40, 20), 3)
    assert {type(width) for width in (*shape.hidden, shape.latent)} == {int}


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("spec", "net", "hidden", "latent", "says"),
    [
        (table(9), "cov", None, None, r"net must be one of 'auto', 'mlp', 'conv'; got 'cov'; did you mean 'conv'\?"),
        (table(9), "conv", None, None, r"net='conv' needs images; these are samples of shape \(9,\). Use net='mlp'"),
        (
            image(1, 9, 9),
            "conv",
            (4, 4, 4),
            None,
            r"hidden=\(4, 4, 4\) asks for 3 halvings, but images of 9 x 9 allow 2",
        ),
        (image(1, 3, 9), "conv", None, None, "images of 3 x 9 are too small for convolutions.*Use net='mlp'"),
        (image(1, 3, 9), "conv", (4,), 2, "images of 3 x 9 are too small for convolutions.*Use net='mlp'"),
        (table(9), "auto", (), None, r"hidden must be a sequence of widths such as \(128, 64, 32\), or None; got \(\)"),
        (table(9), "auto", "128", None, "hidden must be a sequence of widths .* got '128'"),
        (table(9), "auto", 128, None, "hidden must be a sequence of widths .* got 128"),
        (table(9), "auto", (8, 0), None, "hidden must hold whole numbers of at least 1; got 0"),
        (table(9), "auto", (8.5,), None, "hidden must hold whole numbers of at least 1; got 8.5"),
        (table(9), "auto", (True,), None, "hidden must hold whole numbers of at least 1; got True"),
        (table(9), "auto", None, 0, "latent must be a whole number of at least 1; got 0"),
        (table(9), "auto", None, "3", "latent must be a whole number of at least 1; got '3'"),
    ],
)
def test_nonsense_is_refused(spec: DataSpec, net: Any, hidden: Any, latent: Any, says: str) -> None:
    with pytest.raises(ArgumentError, match=says):
        decide(spec, net, hidden, latent)


@pytest.mark.parametrize("spec", [table(13), image(3, 28, 28), image(1, 17, 9), image(1, 3, 5)])
@pytest.mark.parametrize("tied", [False, True])
def test_encoder_and_decoder_mirror_each_other(spec: DataSpec, tied: bool) -> None:
    shape = decide(spec, "auto", None, None)
    encoder = make_encoder(spec, shape, "relu")
    decoder = make_decoder(spec, shape, "relu", encoder if tied else None)
    x = torch.rand(4, *spec.shape)
    hidden = encoder.trace(x)
    mirrored = decoder.trace(hidden[-1])
    assert hidden[-1].shape == (4, shape.latent)
    assert mirrored[-1].shape == x.shape
    assert [h.shape for h in reversed(mirrored[:-1])] == [h.shape for h in hidden[:-1]]
    assert make_encoder(spec, shape, "relu", outputs=2)(x).shape == (4, 2 * shape.latent)


@pytest.mark.parametrize(
    ("spec", "net", "hidden", "grid"),
    [
        (table(13), "auto", None, None),
        (image(1, 28, 28), "auto", None, (7, 7)),
        (image(1, 28, 28), "auto", (9,), None),
        (image(1, 17, 9), "conv", (4,), (8, 4)),
    ],
)
def test_token_nets_cut_a_code_into_tokens_and_join_it_again(spec: DataSpec, net: Any, hidden: Any, grid: Any) -> None:
    encoder, decoder, tokens = make_token_nets(spec, net, hidden, 6, 5, "relu")
    assert tokens == Tokens(6 if grid is None else grid[0] * grid[1], 5, grid)
    code = encoder(torch.rand(4, *spec.shape))
    split = tokens.split(code)
    assert split.shape == (4, tokens.count, 5)
    assert torch.equal(tokens.join(split), code)
    assert decoder(tokens.join(split)).shape == (4, *spec.shape)


@pytest.mark.parametrize(
    ("spec", "loss", "expected"),
    [
        (image(1, 8, 8), "auto", "bce"),
        (table(5), "auto", "mse"),
        (table(5, "unit"), "auto", "mse"),
        (table(5, "unit"), "bce", "bce"),
        (image(1, 8, 8), "mse", "mse"),
    ],
)
def test_losses(spec: DataSpec, loss: Any, expected: str) -> None:
    assert decide_loss(spec, loss) == expected


@pytest.mark.usefixtures("unchecked")
def test_losses_and_activations_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ArgumentError, match=r"loss='bce' needs values in \[0, 1\].*loss='mse'.*scaling='minmax'"):
        decide_loss(table(5), "bce")
    with pytest.raises(ArgumentError, match="loss must be one of 'auto', 'bce', 'mse'; got 'bse'; did you mean"):
        decide_loss(table(5), "bse")
    with pytest.raises(ArgumentError, match=r"activation must be one of .* got 'rilu'; did you mean 'relu'\?"):
        check_activation("rilu")
