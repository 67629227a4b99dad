"""A teacher follows by the equation, has no gradient, and keeps statistics of its own."""

import math
from typing import cast

import pytest
import torch
from torch import nn

from nolabel.nets.norm import BatchNorm
from nolabel.nets.teacher import Teacher, momentum
from nolabel.randomness import Draws
from nolabel.training.learner import Step


def step(progress: float, endless: bool = False) -> Step:
    return Step(0, progress, Draws(0), endless)


def test_momentum_rises_along_a_cosine() -> None:
    assert momentum(0.9, step(0)) == pytest.approx(0.9)
    assert momentum(0.9, step(0.5)) == pytest.approx(0.95)
    assert momentum(0.9, step(0.25)) == pytest.approx(1 - 0.1 * (math.cos(math.pi / 4) + 1) / 2)
    assert momentum(0.9, step(1)) == pytest.approx(1)
    assert momentum(0.9, step(1, endless=True)) == 0.9


def test_it_follows_by_the_equation() -> None:
    student = nn.Linear(3, 2)
    teacher = Teacher(student)
    before = [p.clone() for p in teacher.parameters()]
    with torch.no_grad():
        for p in student.parameters():
            p.add_(1)
    teacher.follow(student, 0.75)
    for old, new, theta in zip(before, teacher.parameters(), student.parameters()):
        torch.testing.assert_close(new, 0.75 * old + 0.25 * theta)
    teacher.follow(student, 1.0)
    assert all(not torch.equal(new, theta) for new, theta in zip(teacher.parameters(), student.parameters()))
    teacher.follow(student, 0.0)
    for new, theta in zip(teacher.parameters(), student.parameters()):
        torch.testing.assert_close(new, theta)


def test_no_gradient_reaches_it() -> None:
    student = nn.Linear(3, 2)
    teacher = Teacher(student)
    assert not any(p.requires_grad for p in teacher.parameters())
    assert all(p.requires_grad for p in student.parameters())
    assert not teacher(torch.randn(4, 3, requires_grad=True)).requires_grad


def test_its_statistics_are_its_own() -> None:
    student = nn.Sequential(nn.Linear(3, 2), BatchNorm(2))
    teacher = Teacher(student)
    theirs = cast(BatchNorm, student[1])
    ours = cast(BatchNorm, cast(nn.Sequential, teacher.module)[1])
    student(torch.randn(8, 3) + 5)
    assert not ours.running_mean.any()
    moved = theirs.running_mean.clone()
    teacher(torch.randn(8, 3) - 5)
    teacher.follow(student, 0.5)
    assert ours.running_mean.any()
    assert torch.equal(theirs.running_mean, moved)
