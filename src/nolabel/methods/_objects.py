"""Arguments that JSON cannot hold, a network or a function of the user's: what a saved model keeps of them.

    model.json keeps  {"object": "MyNet"}       load(path, backbone=MyNet())  puts the object back

Without it a model is not loaded, save for views, which only training needs: `Unsaved` stands in for them. Nothing is
pickled, for loading must execute no code.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nolabel.errors import ArgumentError, SavedModelError, nearest
from nolabel.views.recipes import Unsaved

FOR_TRAINING = ("views",)  # arguments without which a model can do all but train


def named(value: object) -> dict[str, str]:
    """What JSON holds of an object: the name of its class, or its own if it is a function."""
    if isinstance(value, Unsaved):
        return {"object": value.name}
    return {"object": str(getattr(value, "__name__", type(value).__name__))}


def is_named(value: object) -> bool:
    """Whether a value read from JSON is what `named` made."""
    return isinstance(value, Mapping) and list(value) == ["object"] and isinstance(value["object"], str)


def completed(arguments: Mapping[str, Any], given: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The arguments read from JSON with the objects that were given in their places.

    Raises
    ------
    SavedModelError
        An object is missing that the model needs.
    ArgumentError
        Something is given that is none of its objects.
    """
    objects = dict(_objects(arguments))
    for name in given:
        if name not in objects:
            own = ", ".join(objects) or "none"
            raise ArgumentError(
                f"{name} is no object that {folder} waits for (it waits for: {own}){nearest(name, objects)} Other "
                "arguments are saved; change them with set_params after loading"
            )
    for name, kind in objects.items():
        if name not in given and name not in FOR_TRAINING:
            raise SavedModelError(
                f"{folder} was made with {name}={kind}, an object that a saved model cannot hold. Make it anew and "
                f"give it: nolabel.load({str(folder)!r}, {name}={kind}(...))"
            )
    whole = {name: _filled(name, value, given) for name, value in arguments.items()}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in whole.items()}


def _objects(arguments: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Name of the argument and of the class of every object, at any depth: a model may be kept within another."""
    for name, value in arguments.items():
        for item in _items(value):
            if is_named(item):
                yield name, item["object"]
            elif isinstance(item, Mapping):
                yield from _objects(item)


def _filled(name: str, value: Any, given: Mapping[str, Any]) -> Any:
    if name in given and any(map(is_named, _items(value))):
        return given[name]
    if isinstance(value, list):
        return [_filled(name, item, given) for item in value]
    if is_named(value):
        return Unsaved(value["object"])
    if isinstance(value, Mapping):
        return {key: _filled(key, item, given) for key, item in value.items()}
    return value


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def refuse_unsaved(model: Any) -> None:
    """Refuse to train with views that the saved model could not hold.

    Raises
    ------
    ArgumentError
        Names them, and says how to give them.
    """
    for value in model.get_params(deep=False).values():
        for item in value if isinstance(value, list | tuple) else [value]:
            if isinstance(item, Unsaved):
                item.refuse()
