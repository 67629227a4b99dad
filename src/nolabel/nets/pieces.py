"""What the pieces of a step gave, kept until the step is done. Knows nothing of what it keeps.

A loss notes it, and whoever follows the weights takes it after the step. A step that fails is not followed: the next
one, whose first piece has number 0, forgets what is left of it.
"""

from typing import Generic, TypeVar, final

Item = TypeVar("Item")


@final
class Pieces(Generic[Item]):
    """One item for each piece of the step that is going on."""

    def __init__(self) -> None:
        self._items: list[Item] = []

    def __len__(self) -> int:
        return len(self._items)

    def note(self, item: Item, piece: int) -> None:
        """Keep what piece number `piece` gave; the first begins anew."""
        self._items = [*(self._items if piece else []), item]

    def take(self) -> list[Item]:
        """All that was noted, in order; nothing is left."""
        items, self._items = self._items, []
        return items
