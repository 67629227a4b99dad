"""A model folder from a stranger: what it asks for is compared with what it holds before memory is taken."""

import json
from pathlib import Path

import pytest

import nolabel
from contract.checks.samples import MAKERS, kinds
from nolabel.errors import SavedModelError
from nolabel.methods import all_methods
from nolabel.methods._folder import sealed
from nolabel.methods._translator import Translator


@pytest.mark.parametrize("cls", all_methods().values(), ids=lambda cls: cls.__name__)
def test_a_folder_that_asks_for_terabytes_is_refused_at_once(cls: type, tmp_path: Path) -> None:
    samples = MAKERS[kinds(cls)[0]]()
    options = {name: cls.reads[name] for name in ("modality",) if name in cls.reads}
    y = samples.labels_for(cls) if issubclass(cls, Translator) else samples.y
    folder = cls.tiny().set_params(epochs=1).fit(nolabel.open(samples.X, **options), y).save(tmp_path / "model")
    facts = json.loads((folder / "model.json").read_text())
    sizes = {"latent": 10**10, "codebook_size": 10**10, "n_topics": 10**10, "shape": [10**5, 10**5]}
    sizes["channels"] = 10**6
    sizes |= {"projection": [10**10, 8], "decoder_width": 10**8}  # tens of GB for the first bias or matrix alone
    huge = next((name for name in sizes if name in facts["arguments"]), None)
    if huge is None:
        facts["spec"]["shape"] = [10**11]
    else:
        facts["arguments"][huge] = sizes[huge]
    (folder / "model.json").write_text(json.dumps(sealed(facts)))
    with pytest.raises(SavedModelError, match="ask for other weights"):
        nolabel.load(folder)


def test_an_empty_source_is_not_the_current_folder() -> None:
    with pytest.raises(nolabel.errors.ArgumentError, match="source is empty"):
        nolabel.open(" ")
