"""Verdicts in plain words on how training goes, each with the knob to turn.

Rules look only at codes of a few fixed samples and at the numbers already logged, so they serve every method; a rule is
a function that returns a verdict or None. `codes` has those about codes; `losses`, `views`, `maps`, `players` and
`restored` have those about what is logged. `examine` asks them all.
"""

from nolabel.training.health.codes import effective_rank as effective_rank
from nolabel.training.health.examining import examine as examine
from nolabel.training.health.players import COPIED as COPIED
from nolabel.training.health.players import SEVERAL as SEVERAL
from nolabel.training.health.players import made_samples as made_samples
from nolabel.training.health.verdict import Verdict as Verdict
