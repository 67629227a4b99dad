"""The dense autoencoder of Keras's own tutorial, on the backend that KERAS_BACKEND names."""

import os
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np

from harness.contender import Answer, answer
from harness.measures import bce_per_pixel


class Clock(keras.callbacks.Callback):
    """Seconds from the beginning of each epoch to the beginning of the next, or to the end."""

    def __init__(self) -> None:
        super().__init__()
        self.marks: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.marks.append(time.perf_counter())

    def on_train_end(self, logs: Any = None) -> None:
        self.marks.append(time.perf_counter())


def work(given: Answer) -> Answer:
    """Seconds of each epoch, and the test loss if asked for."""
    keras.utils.set_random_seed(given["seed"])
    folder = Path(given["folder"])
    x = _flat(np.load(folder / "train.npy"))
    model = keras.Sequential(
        [
            keras.Input((784,)),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dense(784, activation="sigmoid"),
        ]
    )
    model.compile(optimizer="adam", loss="binary_crossentropy")
    clock = Clock()
    fitted = model.fit(x, x, batch_size=256, epochs=given["epochs"], shuffle=True, verbose=0, callbacks=[clock])
    found: Answer = {"epoch_seconds": np.diff(clock.marks).tolist(), "train_loss": fitted.history["loss"][-1]}
    found["keras"], found["backend"] = keras.__version__, os.environ["KERAS_BACKEND"]
    if given["test"]:
        test = _flat(np.load(folder / "test.npy"))
        found["test_bce"] = bce_per_pixel(test, model.predict(test, batch_size=1000, verbose=0))
    return found


def _flat(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1).astype(np.float32) / 255


answer(work)
