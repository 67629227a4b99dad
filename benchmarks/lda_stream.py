"""LDA over a stream ten times as large as the memory allowed for it: it trains, memory stays flat, and it is as good.

The stream is 20 newsgroups, repeated and shuffled, with noise (see `contenders/stream_lda.py`), in parts of 8,192 posts
for `partial_fit`. Allowed memory counts from what the process has after its imports. Beside it, `fit` in memory on the
posts themselves, with the default number of epochs.
"""

from harness import newsgroups, options, verdicts
from harness.contender import Contender, run
from harness.verdicts import Row, Spread, Target

TIMES = 10
PART_MB = 4.9  # of one part of 8,192 posts, as 32-bit rows; a little less than measured, so that there are parts enough


def main() -> None:
    """Measure, print, keep."""
    made = options.parser(__doc__ or "")
    made.add_argument("--allowed-mb", type=int, default=192)
    chosen = options.parsed(made)
    parts = 4 if chosen.quick else round(TIMES * chosen.allowed_mb / PART_MB) + 4
    common = {"folder": newsgroups.exported(chosen.quick), "epochs": 20, "allowed_mb": chosen.allowed_mb}
    streamed = run(Contender("stream", "stream_lda.py", {**common, "parts": parts}), chosen.threads)
    whole = run(Contender("in memory", "stream_lda.py", {**common, "parts": 0}), chosen.threads)
    memory = streamed["memory_mb"]
    settled = memory[len(memory) // 4 :]
    work = f"LDA over a stream, {chosen.allowed_mb} MB allowed"
    ratio = streamed["perplexity"] / whole["perplexity"]
    rows = [
        Row(f"{work}: streamed", "times the memory allowed", Spread.of([streamed["streamed_mb"] / chosen.allowed_mb]),
            target=Target(">=", TIMES), digits=1),
        Row(f"{work}: growth of memory over the last three quarters", "MB", Spread.of([max(settled) - settled[0]]),
            target=Target("<=", 0.1 * chosen.allowed_mb), digits=1),
        Row(f"{work}: perplexity of the test posts", "", Spread.of([streamed["perplexity"]]), "fit in memory",
            Spread.of([whole["perplexity"]]), ratio, "times as high", target=Target("<=", 1.05), digits=0),
    ]  # fmt: skip
    settings = {"allowed_mb": chosen.allowed_mb, "parts": parts, "part": 8192}
    verdicts.conclude("lda_stream", rows, chosen, settings=settings, details={"streamed": streamed, "whole": whole})


if __name__ == "__main__":
    main()
