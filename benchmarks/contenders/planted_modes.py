"""A GAN on the ring or the grid of Gaussians: which of the modes it keeps, and what its health says."""

import time

import nolabel
from harness.contender import Answer, answer
from nolabel.data.toy_mixtures import grid_mixture, ring_mixture
from nolabel.evaluation.modes import modes_kept

MIXTURES = {"ring": ring_mixture, "grid": grid_mixture}
SAMPLES = 2_500


def work(given: Answer) -> Answer:
    """Fit with the method's defaults but for what is given; count the modes of its samples."""
    mixture = MIXTURES[given["mixture"]]()
    data = mixture.draw(given["points"], given["seed"])
    cls = getattr(nolabel, given["method"])
    start = time.process_time()
    model = cls(random_state=given["seed"], **given["arguments"]).fit(data)
    found = modes_kept(model.sample(SAMPLES, random_state=given["seed"]), mixture.centres, mixture.deviation)
    told = {verdict.name: verdict.level for verdict in model.health_ if verdict.level != "good"}
    return {
        "kept": found.kept,
        "modes": len(mixture.centres),
        "good": found.good,
        "told": told,
        "seconds": time.process_time() - start,
        "last": model.history_[-1],
    }


answer(work)
