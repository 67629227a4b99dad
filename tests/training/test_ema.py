"""The moving average of weights against a loop, and loading weights by name."""

import torch
from torch import nn

from nolabel.training.ema import Average, load_weights


def test_the_average_is_its_equation() -> None:
    layer = nn.Linear(2, 2).double()
    average = Average(layer, 0.8)
    expected = {name: weight.tolist() for name, weight in layer.named_parameters()}
    for t in range(50):
        with torch.no_grad():
            for weight in layer.parameters():
                weight.normal_()
        average.follow(layer, t)
        d = min(0.8, (1 + t) / (10 + t))
        for name, weight in layer.named_parameters():
            old, new = torch.tensor(expected[name]).double().flatten(), weight.detach().flatten()
            moved = [d * o + (1 - d) * n for o, n in zip(old.tolist(), new.tolist())]
            expected[name] = torch.tensor(moved, dtype=torch.float64).view_as(weight).tolist()
    for name, weight in average.weights.items():
        torch.testing.assert_close(weight, torch.tensor(expected[name], dtype=torch.float64))
        assert not weight.requires_grad


def test_the_first_weights_do_not_linger() -> None:
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, 100.0)
    average = Average(layer, 0.999)
    nn.init.constant_(layer.weight, 1.0)
    for t in range(60):
        average.follow(layer, t)
    assert average.weights["weight"].item() < 1.01  # without the ramp it would be 94


def test_of_a_part_only_its_weights_are_followed() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    average = Average(net, 0.5, net[1])
    assert set(average.weights) == {"1.weight", "1.bias", "1.running_mean", "1.running_var"}
    net[1].running_mean.fill_(9.0)  # type: ignore[union-attr]
    average.follow(net, 100)
    assert average.weights["1.running_mean"].tolist() == [4.5, 4.5]
    load_weights(net, average.weights)
    assert net[1].running_mean.tolist() == [4.5, 4.5]  # type: ignore[union-attr]


def test_weights_are_copied_in_place_by_name_and_the_rest_is_left() -> None:
    net = nn.BatchNorm1d(3)
    before = net.weight
    load_weights(net, {"weight": torch.full((3,), 5.0), "running_mean": torch.full((3,), 7.0)})
    assert net.weight is before
    assert net.weight.tolist() == [5.0] * 3
    assert net.running_mean is not None
    assert net.running_mean.tolist() == [7.0] * 3
    assert net.bias.tolist() == [0.0] * 3


def test_a_shared_weight_has_several_names() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    net[1].weight = net[0].weight
    load_weights(net, {name: value + 1 for name, value in net.state_dict().items() if name == "1.weight"})
    assert net[0].weight is net[1].weight
