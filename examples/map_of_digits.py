"""A map of handwritten digits: 16 x 16 hexagons learned without labels, drawn as pictures, ridges, names and groups.

    python examples/map_of_digits.py [SOURCE [PICTURE]]

SOURCE is any images with labels that nolabel opens: "digits", which scikit-learn brings, unless said otherwise.
PICTURE is where the figure goes: "map_of_digits.png".
"""

import sys

import matplotlib as mpl

mpl.use("agg")
import matplotlib.pyplot as plt

import nolabel


def main(source: str = "digits", picture: str = "map_of_digits.png") -> None:
    """Fit, say how good the map is, draw."""
    data = nolabel.open(source)
    model = nolabel.SOM(shape=(16, 16), grid="hexagonal", epochs=30, clusters=10, random_state=0).fit(data)
    print(f"quantization error {model.quantization_error(data):.3f}")
    print(f"topographic error  {model.topographic_error(data):.3f}")
    figure, axes = plt.subplots(2, 2, figsize=(12, 11.5), layout="constrained")
    titles = {
        "planes": "What each unit stands for",
        "umatrix": "Distances between neighbours, commonest digit",
        "labels": "Commonest digit of the samples at each unit",
        "clusters": "Ten groups of units, found without labels",
    }
    for (kind, title), ax in zip(titles.items(), axes.ravel()):
        model.plot(kind, X=data, y="labels" if kind != "clusters" else None, ax=ax)
        ax.set_title(title)
    figure.savefig(picture, dpi=80)
    print(f"drawn to {picture}")


if __name__ == "__main__":
    main(*sys.argv[1:3])
