"""20 newsgroups by date as counts, the same for every contender: words of 3 letters or more, scikit-learn's English
stop words, document frequency from 10 to 50 %, headers cut at the first blank line. 11,314 x 12,604, 846,423 of them
not zero.

Left in `.work/newsgroups/`: train.npz and test.npz (scipy CSR), vocabulary.txt, and tokens.npz: the training posts'
words in their order (flat column numbers, and where each post begins), which samplers and coherence need.
"""

import re
import tarfile
from pathlib import Path

from harness.places import WORK, data_folder

WORD = "[a-zA-Z]{3,}"
SHAPE = (11_314, 12_604, 846_423)


def exported(quick: bool) -> str:
    """The folder; a quick run has every twentieth post."""
    folder = WORK / ("newsgroups-quick" if quick else "newsgroups")
    if not (folder / "tokens.npz").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        _export(folder, 20 if quick else 1)
    return str(folder)


def texts(part: str, every: int = 1) -> list[str]:
    """The posts of "train" or "test", without their headers, in order of their names."""
    root = data_folder()
    if root is None:
        raise SystemExit("NOLABEL_DATA must name a folder with 20news/20news-bydate-train.tar.xz")
    found = []
    with tarfile.open(root / "20news" / f"20news-bydate-{part}.tar.xz") as archive:
        for member in archive:
            file = archive.extractfile(member)
            if file is not None:
                found.append((member.name, file.read().decode("latin-1").partition("\n\n")[2]))
    return [text for _, text in sorted(found)][::every]


def _export(folder: Path, every: int) -> None:
    import numpy as np
    from scipy.sparse import save_npz
    from sklearn.feature_extraction.text import CountVectorizer

    counter = CountVectorizer(stop_words="english", min_df=10, max_df=0.5, token_pattern=WORD)
    posts = texts("train", every)
    train = counter.fit_transform(posts)
    assert every > 1 or (*train.shape, train.nnz) == SHAPE, f"other posts than expected: {train.shape}, {train.nnz}"
    save_npz(folder / "train.npz", train)
    save_npz(folder / "test.npz", counter.transform(texts("test", every)))
    words = list(counter.get_feature_names_out())
    (folder / "vocabulary.txt").write_text("\n".join(words))
    number = {word: column for column, word in enumerate(words)}
    found = [[number[word] for word in re.findall(WORD, post.lower()) if word in number] for post in posts]
    starts = np.cumsum([0, *map(len, found)])
    np.savez(folder / "tokens.npz", flat=np.array([one for post in found for one in post], np.int32), starts=starts)
