"""The vision transformer: tokens of what is visible only, places that stretch, codes of any size of image."""

import math

import pytest
import torch

from nolabel.errors import ArgumentError
from nolabel.nets.patch_decoder import PatchDecoder
from nolabel.nets.vit import Block, Places, ViT, heads_for, sine_positions


def tiny(**arguments: object) -> ViT:
    return ViT((3, 16, 16), **{"patch": 4, "width": 16, "depth": 2, **arguments})  # type: ignore[arg-type]


@pytest.mark.parametrize("pooling", ["mean", "class"])
@pytest.mark.parametrize("positions", ["sincos", "learned"])
def test_images_become_codes_and_every_weight_has_a_gradient(pooling: str, positions: str) -> None:
    vit = tiny(pooling=pooling, positions=positions)
    code = vit(torch.rand(5, 3, 16, 16))
    assert code.shape == (5, vit.width)
    code.square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in vit.parameters())
    assert vit.tokens(torch.rand(5, 3, 16, 16)).shape == (5, 16 + (pooling == "class"), 16)


def test_the_defaults_suit_small_images() -> None:
    vit = ViT((3, 32, 32))
    assert (vit.patch, vit.width, len(vit.blocks), vit.blocks[0].heads) == (4, 192, 6, 3)


@pytest.mark.parametrize("pooling", ["mean", "class"])
def test_tokens_of_all_patches_by_number_are_those_of_the_image(pooling: str) -> None:
    vit, x = tiny(pooling=pooling), torch.rand(2, 3, 16, 16)
    every = torch.arange(16).expand(2, -1)
    torch.testing.assert_close(vit.tokens(x, every), vit.tokens(x))


def test_what_is_hidden_has_no_say() -> None:
    vit, x = tiny(), torch.rand(2, 3, 16, 16)
    visible = torch.tensor([[0, 1, 5], [2, 3, 15]])
    other = x.clone()
    other[0, :, 8:] = 0.3  # rows of patches 8 to 15
    assert vit.tokens(x, visible).shape == (2, 3, 16)
    torch.testing.assert_close(vit.tokens(other, visible)[0], vit.tokens(x, visible)[0])
    assert not torch.allclose(vit.tokens(other)[0, 0], vit.tokens(x)[0, 0]), "with nothing hidden it has"


def test_places_matter() -> None:
    vit, x = tiny(), torch.rand(1, 3, 16, 16)
    assert not torch.allclose(vit(x), vit(x.flip(3).unflatten(3, (4, 4)).flip(4).flatten(3)), atol=1e-4)


@pytest.mark.parametrize("positions", ["sincos", "learned"])
def test_images_of_other_sizes_are_taken(positions: str) -> None:
    vit = tiny(positions=positions)
    assert vit(torch.rand(2, 3, 8, 8)).shape == (2, 16)
    assert vit(torch.rand(2, 3, 24, 32)).shape == (2, 16)
    with pytest.raises(ArgumentError, match="images of 10 x 16 cannot be cut into the patches of 4 pixels"):
        vit(torch.rand(2, 3, 10, 16))


def test_sines_are_their_equation() -> None:
    places = sine_positions((2, 3), (2, 3), 8)[0]
    for number in range(6):
        row, column = divmod(number, 3)
        angles = [[place * 10_000 ** (-k / 2) for k in range(2)] for place in (row, column)]
        wanted = [f(angle) for half in angles for f in (math.sin, math.cos) for angle in half]
        assert places[number].tolist() == pytest.approx(wanted, abs=1e-6)


def test_stretched_places_are_those_of_the_same_spots() -> None:
    """A grid of half as many patches: each lies between two of the whole one."""
    half = sine_positions((2, 2), (4, 4), 4)[0]
    assert half[0].tolist() == pytest.approx([math.sin(0.5), math.cos(0.5)] * 2, abs=1e-6)
    assert half[3].tolist() == pytest.approx([math.sin(2.5), math.cos(2.5)] * 2, abs=1e-6)


def test_learned_places_of_the_same_grid_are_the_learned_ones() -> None:
    places = Places((3, 2), 4, "learned")
    assert places.learned is not None
    assert torch.equal(places((3, 2)), places.learned.flatten(2).transpose(1, 2))
    assert places((6, 4)).shape == (1, 24, 4)


def test_a_block_is_its_equation() -> None:
    block = Block(8, 2)
    t = torch.randn(1, 3, 8)
    normal = block.norm1(t)
    q, k, v = (part.view(3, 2, 4) for part in block.qkv(normal)[0].chunk(3, -1))
    mixed = torch.zeros(3, 8)
    for head in range(2):
        for i in range(3):
            weights = torch.softmax(torch.stack([q[i, head] @ k[j, head] / 2 for j in range(3)]), 0)
            mixed[i, 4 * head : 4 * head + 4] = sum(weights[j] * v[j, head] for j in range(3))
    after = t + block.out(mixed)
    wanted = after + block.narrow(torch.nn.functional.gelu(block.widen(block.norm2(after))))
    torch.testing.assert_close(block(t), wanted)


def test_the_decoder_says_something_of_every_patch_and_knows_which_it_has_seen() -> None:
    decoder = PatchDecoder(16, (2, 3), 12, width=8, depth=1)
    tokens, visible = torch.randn(4, 2, 16), torch.tensor([[0, 5]] * 4)
    assert decoder(tokens, visible).shape == (4, 6, 12)
    swapped = decoder(tokens.flip(1), torch.tensor([[5, 0]] * 4))
    torch.testing.assert_close(swapped, decoder(tokens, visible))
    assert not torch.allclose(decoder(tokens, torch.tensor([[1, 5]] * 4)), decoder(tokens, visible), atol=1e-4)


def test_nonsense_is_refused() -> None:
    with pytest.raises(ArgumentError, match="heads must divide the width 16; got 3. The nearest that does is"):
        heads_for(16, 3)
    with pytest.raises(ArgumentError, match="width must be a multiple of 4"):
        tiny(width=18)
    with pytest.raises(ArgumentError, match="patch=5 does not cut"):
        tiny(patch=5)
