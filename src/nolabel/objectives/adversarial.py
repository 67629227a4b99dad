"""What two players want of the discriminator's logits D(x) of data and D(G(z)) of samples. Pure functions of (B,).

    non-saturating   D: −log σ(D(x)) − log σ(−D(G(z)))          G: −log σ(D(G(z)))                       (eq. 1 of [1])
    least squares    D: ½ (D(x) − b)² + ½ (D(G(z)) − a)²        G: ½ (D(G(z)) − c)²                      (eq. 2 of [2])
    hinge            D: max(0, 1 − D(x)) + max(0, 1 + D(G(z)))  G: −D(G(z))                    (eq. 16 and 17 of [3])
    Wasserstein      D: −D(x) + D(G(z))                         G: −D(G(z))                              (eq. 3 of [4])
    relativistic     D: −log σ(D(x) − D(G(z)))                  G: −log σ(D(G(z)) − D(x))                (eq. 2 of [5])

Every term is a mean over the batch, in nats where there is a logarithm; σ is the logistic function. The discriminator's
come apart as (of data, of samples), whose sum is what it minimises. Where the samples are distributed as the data are,
the best a discriminator can do is 2 ln 2 (non-saturating), (b − a)² / 4 (least squares), 2 (hinge), 0 (Wasserstein)
and ln 2 (relativistic).
[1] Goodfellow et al. 2014, arXiv:1406.2661, with the generator's loss of its section 3.  [2] Mao et al. 2017,
arXiv:1611.04076.  [3] Miyato et al. 2018, arXiv:1802.05957.  [4] Gulrajani et al. 2017, arXiv:1704.00028.
[5] Jolicoeur-Martineau 2018, arXiv:1807.00734, as in Huang et al. 2024, arXiv:2501.05441.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

Logits = Float[Tensor, "B"]
Term = Float[Tensor, ""]


def non_saturating_discriminator(real: Logits, fake: Logits) -> tuple[Term, Term]:
    """E −log σ(D(x)) and E −log(1 − σ(D(G(z)))): the cross-entropy of telling data from samples."""
    return F.softplus(-real.float()).mean(), F.softplus(fake.float()).mean()


def non_saturating_generator(fake: Logits) -> Term:
    """E −log σ(D(G(z))): steep where the discriminator is sure that a sample is one."""
    return F.softplus(-fake.float()).mean()


def least_squares_discriminator(real: Logits, fake: Logits, a: float = -1.0, b: float = 1.0) -> tuple[Term, Term]:
    """½ E (D(x) − b)² and ½ E (D(G(z)) − a)²; `b` is what data are to be called, `a` what samples are."""
    return 0.5 * (real.float() - b).square().mean(), 0.5 * (fake.float() - a).square().mean()


def least_squares_generator(fake: Logits, c: float = 0.0) -> Term:
    """½ E (D(G(z)) − c)²; with b − c = 1 and b − a = 2 the game is about Pearson's χ² (section 3.2.2 of [2])."""
    return 0.5 * (fake.float() - c).square().mean()


def hinge_discriminator(real: Logits, fake: Logits) -> tuple[Term, Term]:
    """E max(0, 1 − D(x)) and E max(0, 1 + D(G(z))): what is told apart by a margin of 1 costs nothing."""
    return F.relu(1 - real.float()).mean(), F.relu(1 + fake.float()).mean()


def hinge_generator(fake: Logits) -> Term:
    """−E D(G(z))."""
    return -fake.float().mean()


def wasserstein_critic(real: Logits, fake: Logits) -> tuple[Term, Term]:
    """−E D(x) and E D(G(z)): minus the distance W₁, as far as D is 1-Lipschitz and the best of those."""
    return -real.float().mean(), fake.float().mean()


def wasserstein_generator(fake: Logits) -> Term:
    """−E D(G(z))."""
    return -fake.float().mean()


def relativistic_discriminator(real: Logits, fake: Logits) -> Term:
    """E −log σ(D(x_i) − D(G(z_i))): every sample is to be less real than the datum it is paired with."""
    return F.softplus(fake.float() - real.float()).mean()


def relativistic_generator(real: Logits, fake: Logits) -> Term:
    """E −log σ(D(G(z_i)) − D(x_i)): the same with the parts exchanged."""
    return F.softplus(real.float() - fake.float()).mean()


@torch.no_grad()
def told_by_sign(real: Logits, fake: Logits) -> Term:
    """Share of data and samples that the sign of the logit tells apart: ½ by chance."""
    return 0.5 * ((real > 0).float().mean() + (fake < 0).float().mean())


@torch.no_grad()
def told_by_difference(real: Logits, fake: Logits) -> Term:
    """Share of the pairs in which D(x_i) > D(G(z_i)), for losses that know differences only: ½ by chance."""
    return (real > fake).float().mean()
