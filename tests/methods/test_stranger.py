"""A model folder from a stranger: what it asks for is compared with what it holds before memory is taken."""

import json
from pathlib import Path

import pytest

import nolabel
from nolabel.data import toys
from nolabel.errors import SavedModelError
from nolabel.methods import all_methods
from nolabel.methods._folder import sealed


@pytest.mark.parametrize("cls", all_methods().values(), ids=lambda cls: cls.__name__)
def test_a_folder_that_asks_for_terabytes_is_refused_at_once(cls: type, tmp_path: Path) -> None:
    data = toys.blobs(n=64, d=6, k=2, seed=0)
    folder = cls.tiny().set_params(epochs=1).fit(data, data.labels).save(tmp_path / "model")
    facts = json.loads((folder / "model.json").read_text())
    huge = "latent" if "latent" in facts["arguments"] else "codebook_size"
    facts["arguments"][huge] = 10**10  # 80 GB for its first bias alone
    (folder / "model.json").write_text(json.dumps(sealed(facts)))
    with pytest.raises(SavedModelError, match="ask for other weights"):
        nolabel.load(folder)


def test_an_empty_source_is_not_the_current_folder() -> None:
    with pytest.raises(nolabel.errors.ArgumentError, match="source is empty"):
        nolabel.open(" ")
