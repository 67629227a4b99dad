"""Document completion: how well the rest of a document is foretold from half of it.

    perplexity = exp(−Σ_d Σ_w n''_dw log Σ_k θ_dk φ_kw / Σ_dw n''_dw),   θ_d from n'_d only,   n = n' + n''

The tokens of every document are shuffled and cut in two; the smaller half (when their number is odd) is the one that is
seen. One ruler for variational, collapsed and point estimates alike, for none of them marks its own work. Pure
functions; who infers θ is not known here.

Reference: Wallach, Murray, Salakhutdinov and Mimno 2009, "Evaluation methods for topic models", ICML (section 5.1).
"""

import numpy as np
import torch
from jaxtyping import Float
from scipy.sparse import csr_array
from torch import Tensor

from nolabel.data.sparse import from_scipy
from nolabel.objectives.topics import probabilities


def halves(x: Tensor, draws: np.random.Generator) -> tuple[Tensor, Tensor]:
    """The tokens of each document (B, V) `sparse_csr`, cut in two at random: seen n', and to be foretold n''.

    One number is drawn for each token, in order, so that it does not matter how documents are put in batches.
    """
    counts = x.values().cpu().numpy().astype(np.int64)
    lengths = np.diff(x.crow_indices().cpu().numpy())
    document = np.repeat(np.repeat(np.arange(x.shape[0]), lengths), counts)
    word = np.repeat(x.col_indices().cpu().numpy(), counts)
    order = np.lexsort((draws.random(len(document)), document))
    document, word = document[order], word[order]
    tokens = np.bincount(document, minlength=x.shape[0])
    place = np.arange(len(document)) - (np.cumsum(tokens) - tokens)[document]
    seen = place < tokens[document] // 2
    return _counted(document[seen], word[seen], x), _counted(document[~seen], word[~seen], x)


def _counted(document: np.ndarray, word: np.ndarray, x: Tensor) -> Tensor:
    counts = csr_array((np.ones(len(word), np.float32), (document, word)), shape=tuple(x.shape))
    return from_scipy(counts).gather(torch.arange(x.shape[0])).to(x.device)


def log_likelihood(x: Tensor, theta: Float[Tensor, "B K"], phi: Float[Tensor, "V K"]) -> Float[Tensor, "B"]:
    """Σ_w n_dw log Σ_k θ_dk φ_wk of each document (B, V) `sparse_csr`; float64."""
    starts = x.crow_indices()
    rows = torch.repeat_interleave(starts[1:] - starts[:-1], output_size=len(x.values()))
    p = probabilities(rows, x.col_indices(), theta.double(), phi.double())
    return torch.zeros(x.shape[0], dtype=torch.float64, device=x.device).index_add_(
        0, rows, x.values().double() * p.log()
    )
