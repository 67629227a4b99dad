"""Self-organizing maps: seconds and both errors beside MiniSom, TorchSOM and the batch rule in plain NumPy.

First work: MNIST's 60,000 training images on 20 x 20 units, 10 epochs, Gaussian of radius 10 to 0.5; MiniSom's and
TorchSOM's speed is taken on a part of it (--peer-epochs, --minisom-samples) and compared by the sample. Then two sizes
of TorchSOM's own table, 16,000 x 300 normal numbers for 100 epochs. Then quality: MiniSom to its own end, 10 epochs
over all images with σ = 10 (half of the grid, which its schedule takes down to 10 / 3) and its default rate 0.5, from
random samples; nolabel for as many epochs with radius 10 to 2.5: a last radius that, as MiniSom's, keeps
neighbourhoods. Errors are on MNIST's 10,000 test images.
"""

import statistics

from harness import mnist, options, verdicts
from harness.contender import Answer, Contender, interleaved, run
from harness.environments import python_of
from harness.verdicts import Row, Spread, Target, faster

OURS, PLAIN, MINISOM, TORCHSOM = "nolabel", "plain NumPy", "MiniSom", "TorchSOM"


def main() -> None:
    """Measure, print, keep."""
    made = options.parser(__doc__ or "", repeats=5, seeds=5)
    made.add_argument("--epochs", type=int, default=10, help="on MNIST")
    made.add_argument("--peer-epochs", type=int, default=1, help="of the peers, for their speed")
    made.add_argument("--minisom-samples", type=int, default=5_000, help="that MiniSom's speed is taken on")
    made.add_argument("--long", type=int, default=100, help="epochs of the two large maps")
    chosen = options.parsed(made)
    if chosen.quick:
        chosen.epochs, chosen.minisom_samples, chosen.long = 2, 300, 2
    folder = mnist.exported(chosen.quick)
    rows, speed = _speed(folder, chosen)
    rows += [_large((25, 15), 10.0, chosen), _large((90, 70), 120.0, chosen)]
    quality, seen = _quality(folder, chosen)
    settings = {name: getattr(chosen, name) for name in ("epochs", "peer_epochs", "minisom_samples", "long", "seeds")}
    verdicts.conclude("som", rows + quality, chosen, settings=settings, details={"speed": speed, "quality": seen})


def _speed(folder: str, chosen: options.Options) -> tuple[list[Row], dict[str, list[Answer]]]:
    print("speed")
    python = python_of("som")
    common = {"folder": folder, "shape": [20, 20], "sigma": 10.0, "radius": [10.0, 0.5], "judge": False}
    everyone = [
        Contender(OURS, "nolabel_som.py", {**common, "epochs": chosen.epochs}),
        Contender(PLAIN, "plain_som.py", {**common, "epochs": chosen.epochs}),
        Contender(
            MINISOM,
            "minisom_map.py",
            {**common, "epochs": chosen.peer_epochs, "samples": chosen.minisom_samples},
            python,
        ),
        Contender(TORCHSOM, "torchsom_map.py", {**common, "epochs": chosen.peer_epochs, "batch_size": 256}, python),
    ]
    found = interleaved(everyone, chosen.repeats, chosen.threads, lambda one: f"{1e6 * _each(one):.2f} µs a sample")
    work = f"mnist, 20 x 20 units, {chosen.epochs} epochs"
    seconds = [one["fit_seconds"] for one in found[OURS]]
    near = [one["quantization"] for one in found[OURS]]
    each = {name: [1e6 * _each(one) for one in answers] for name, answers in found.items()}
    rows = [
        Row(f"{work}: fit", "s", Spread.of(seconds), target=Target("<=", 3.5)),
        Row(f"{work}: quantization error", "", Spread.of(near), target=Target("<=", 5.0)),
    ]
    for name, wanted in ((MINISOM, Target(">=", 100)), (TORCHSOM, Target(">=", 10)), (PLAIN, None)):
        rows.append(faster("mnist, 20 x 20 units: a sample", each[OURS], name, each[name], wanted, "µs"))
    return rows, found


def _each(found: Answer) -> float:
    return float(found["fit_seconds"] / found["samples_seen"])


def _large(shape: tuple[int, int], most: float, chosen: options.Options) -> Row:
    size = [1_600, 300] if chosen.quick else [16_000, 300]
    arguments = {"noise": size, "shape": list(shape), "radius": [max(shape) / 2, 0.5], "epochs": chosen.long}
    repeats = min(chosen.repeats, 3)
    ours = Contender(OURS, "nolabel_som.py", arguments)
    seconds = [float(run(ours, chosen.threads, seed=seed)["fit_seconds"]) for seed in range(repeats)]
    print(f"  {shape}: {statistics.median(seconds):.2f} s", flush=True)
    work = f"{size[0]:,} x {size[1]}, {shape[0]} x {shape[1]} units, {chosen.long} epochs: fit"
    return Row(work, "s", Spread.of(seconds), target=Target("<", most))


def _quality(folder: str, chosen: options.Options) -> tuple[list[Row], dict[str, list[Answer]]]:
    print("quality")
    common = {"folder": folder, "shape": [20, 20], "epochs": chosen.epochs}
    ours = Contender(OURS, "nolabel_som.py", {**common, "radius": [10.0, 2.5]})
    theirs = Contender(MINISOM, "minisom_map.py", {**common, "sigma": 10.0}, python_of("som"))
    found = interleaved([ours, theirs], chosen.seeds, chosen.threads, _errors, seeded=True)
    rows = []
    for name in ("quantization", "topographic"):
        mine, other = ([one[name] for one in found[who]] for who in (OURS, MINISOM))
        behind = statistics.fmean(mine) - statistics.fmean(other)
        rows.append(
            Row(
                f"mnist, 20 x 20 units, {chosen.epochs} epochs, {chosen.seeds} seeds: {name} error",
                "",
                Spread.of(mine),
                MINISOM,
                Spread.of(other),
                judged=behind,
                judged_as="above MiniSom's mean",
                target=Target("<=", 0.0),
                digits=4,
                judged_digits=4,
                deviation=True,
            )
        )
    return rows, found


def _errors(found: Answer) -> str:
    return f"quantization {found['quantization']:.3f}, topographic {found['topographic']:.4f}"


if __name__ == "__main__":
    main()
