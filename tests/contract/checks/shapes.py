"""Under pytest every function of nets, objectives and views looks at the shapes of all that it takes and gives.

That is a third of what training costs. Every method trains under it, on every kind of samples, for the tests that are
handed a model; runs that repeat those for longer, or over and over, need not be looked at again.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import jaxtyping


@contextmanager
def shapes_unchecked() -> Iterator[None]:
    """Within the block (or the function, as a decorator) no shapes are looked at."""
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        jaxtyping.config.update("jaxtyping_disable", before)
