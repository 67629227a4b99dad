"""One file a method. Nothing is registered: the folder is walked.

The rule that makes this work: a file's stem, without underscores, is the name of the class in it in lower case
(`denoising_autoencoder.py` holds `DenoisingAutoencoder`). Files that begin with an underscore hold no method.
"""

import importlib
import inspect
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

from nolabel.errors import ArgumentError, nearest

if TYPE_CHECKING:
    from nolabel.methods._base import Estimator


@cache
def stems() -> tuple[str, ...]:
    """Module names of all methods, in alphabetical order. Imports none of them."""
    return tuple(sorted(info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_")))


@cache
def method_class(stem: str) -> "type[Estimator]":
    """The estimator in the module `stem`."""
    module = importlib.import_module(f"{__name__}.{stem}")
    wanted = stem.replace("_", "")
    for name, value in vars(module).items():
        if inspect.isclass(value) and name.lower() == wanted and value.__module__ == module.__name__:
            return value  # type: ignore[return-value]
    raise ImportError(f"{module.__name__} holds no class whose name in lower case is {wanted!r}")


def all_methods() -> "dict[str, type[Estimator]]":
    """Every method by the name of its class, in alphabetical order of their files."""
    classes = [method_class(stem) for stem in stems()]
    return {cls.__name__: cls for cls in classes}


def find_method(name: str) -> "type[Estimator]":
    """A method by its class name or file name, in any case, with or without dashes and underscores.

    Raises
    ------
    ArgumentError
        There is none of that name; the nearest is offered.
    """
    plain = name.lower().replace("_", "").replace("-", "")
    for stem in stems():
        if stem.replace("_", "") == plain:
            return method_class(stem)
    known = [stem.replace("_", "-") for stem in stems()]
    raise ArgumentError(f"there is no method {name!r}{nearest(name.lower(), known)}. Methods: {', '.join(known)}")
