"""`nolabel methods`: what there is to fit, and what to try first."""

from nolabel.cli import catalog, speech
from nolabel.cli.parsing import Grammar

GRAMMAR = Grammar("methods", "List the methods, and which to try first.")

TRY_FIRST = (  # what the user has or wants, the method, why; a test holds that each is one
    ("photographs, to group, search or label", "simclr", "what changes from view to view is left out of the code"),
    ("photographs, in small batches", "byol", "needs no other samples to tell apart"),
    ("a table", "autoencoder", "fast; beside it, raw values are hard to beat: see nolabel evaluate"),
    ("texts", "lda", "topics with their words"),
    ("a picture of it all", "som", "an ordered map; every unit is a typical sample"),
    ("new images", "sngan", "sharp, and soon there; nolabel sample, with the classes of its labels conditional-gan"),
    ("new rows of a table", "r3gan", "keeps what belongs together, and what is rare"),
    ("new clips", "video-gan", "short ones, from GIFs or folders of frames"),
    ("images of one kind made of another", "pix2pix", "if there are pairs; if there are none, cycle-gan"),
    ("images with noise or holes, or too small", "restorer", "rebuilds them: nolabel restore"),
    ("other damaged samples", "denoising-autoencoder", "rebuilds what is missing or noisy"),
    ("how likely a sample is", "vae", "a bound for every sample, and a prior to draw from"),
    ("odd samples", "autoencoder", "what it rebuilds badly is unusual"),
    ("classes, from a few labels", "simclr", "on all samples; then nolabel finetune with the labels"),
)


def run(words: list[str]) -> int:
    """List."""
    GRAMMAR.parse(words)
    rows = [(entry.name, entry.line, ", ".join(entry.modalities), entry.paper) for entry in catalog.entries()]
    speech.table(("method", "what it does", "data", "paper"), rows, spare=1)
    speech.say()
    speech.table(("you have, or want", "try first", "why"), TRY_FIRST)
    speech.say("\nflags of one: nolabel fit METHOD --help")
    return 0
