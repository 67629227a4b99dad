"""MNIST 784-32-784, BCE, Adam, batch 256: test loss after 50 epochs, and seconds an epoch beside Keras and PyTorch.

Quality: nolabel for 50 epochs, a few seeds; Keras for 50 epochs, one seed on JAX (more with --keras-quality). Speed:
every repeat trains every contender for a few epochs in a process of its own; the number is the median over repeats of
the median epoch after the first.
"""

import statistics

from harness import mnist, options, verdicts
from harness.contender import Answer, Contender, interleaved, run
from harness.environments import python_of
from harness.verdicts import Row, Spread, Target, faster

OURS = "nolabel"
SPEED_TARGETS = {"Keras on TensorFlow": 4.0, "Keras on JAX": 1.2, "PyTorch DataLoader loop": 1.5}


def main() -> None:
    """Measure, print, keep."""
    made = options.parser(__doc__ or "", repeats=5, seeds=3)
    made.add_argument("--epochs", type=int, default=50, help="of the quality runs")
    made.add_argument("--speed-epochs", type=int, default=6, help="of the speed runs; the first does not count")
    made.add_argument("--keras-quality", nargs="*", default=["jax"], choices=["jax", "tensorflow"], help="backends")
    chosen = options.parsed(made)
    if chosen.quick:
        chosen.epochs, chosen.speed_epochs = 2, 3
    everyone = _contenders(mnist.exported(chosen.quick))

    print("speed")
    timed = [_with(one, epochs=chosen.speed_epochs, seed=0, test=False) for one in everyone.values()]
    speed = interleaved(timed, chosen.repeats, chosen.threads, lambda found: f"{_epoch(found):.3f} s an epoch")
    print("quality")
    ours = [_quality(everyone[OURS], chosen, seed) for seed in range(chosen.seeds)]
    theirs = [_quality(everyone[_keras_name(backend)], chosen, 0) for backend in chosen.keras_quality]

    loss = Row(
        f"mnist 784-32-784, {chosen.epochs} epochs: test loss",
        "BCE per pixel",
        Spread.of(ours),
        f"Keras ({', '.join(chosen.keras_quality)})" if theirs else "",
        Spread.of(theirs) if theirs else None,
        target=Target("<=", 0.0920),
        digits=5,
    )
    epochs = {name: [_epoch(found) for found in answers] for name, answers in speed.items()}
    rows = [
        faster("mnist 784-32-784: an epoch", epochs[OURS], name, epochs[name], Target(">=", ratio))
        for name, ratio in SPEED_TARGETS.items()
    ]
    settings = {"epochs": chosen.epochs, "speed_epochs": chosen.speed_epochs, "batch_size": 256, "seeds": chosen.seeds}
    verdicts.conclude("dense_autoencoder", [loss, *rows], chosen, settings=settings, details={"speed": speed})


def _contenders(folder: str) -> dict[str, Contender]:
    keras, torch = python_of("keras"), python_of("torch")
    common = {"folder": folder, "hidden": [32]}
    return {
        one.name: one
        for one in (
            Contender(OURS, "nolabel_dense.py", common),
            Contender("PyTorch DataLoader loop", "torch_dense.py", common, torch),
            *(
                Contender(_keras_name(backend), "keras_dense.py", common, keras, {"KERAS_BACKEND": backend})
                for backend in ("jax", "tensorflow")
            ),
        )
    }


def _keras_name(backend: str) -> str:
    return {"jax": "Keras on JAX", "tensorflow": "Keras on TensorFlow"}[backend]


def _with(one: Contender, **more: object) -> Contender:
    return Contender(one.name, one.script, {**one.arguments, **more}, one.python, one.environment)


def _epoch(found: Answer) -> float:
    """The median epoch after the first, which compiles, warms up and allocates."""
    return statistics.median(found["epoch_seconds"][1:])


def _quality(one: Contender, chosen: options.Options, seed: int) -> float:
    found = run(one, chosen.threads, epochs=chosen.epochs, seed=seed, test=True)
    print(f"  {one.name}, seed {seed}: {found['test_bce']:.5f}", flush=True)
    return float(found["test_bce"])


if __name__ == "__main__":
    main()
