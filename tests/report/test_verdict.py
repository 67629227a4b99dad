from typing import Any

import pytest

from nolabel.report.verdict import TELLING_OF_MAPS, headlines, summarise

GOOD = {"level": "good", "name": "healthy", "text": "The loss fell.", "knob": ""}
DEAD = {"level": "warning", "name": "dead units", "text": "3 of 9 do nothing.", "knob": "a smaller latent width"}
GONE = {"level": "bad", "name": "collapse", "text": "All codes are the same.", "knob": "a lower learning_rate"}


def test_the_key_number_stands_beside_its_baselines(evidence: dict[str, Any]) -> None:
    made = summarise(evidence, [GOOD], subject="The model", raw="pixels")
    assert made.first == (
        "The model: k-NN accuracy 0.972 against 0.961 on raw pixels, 0.940 on PCA of the same width and 0.910 for the "
        "untrained network, better than every baseline."
    )
    assert made.parts == ("The model: k-NN accuracy ", "0.972", made.first.split("0.972")[1])
    assert made.second == "Training was healthy: the loss fell."
    assert made.level == "good"


@pytest.mark.parametrize(
    ("model", "sd", "words", "level"),
    [
        (0.93, 0.001, "better than the untrained network but worse than raw pixels and PCA", "warning"),
        (0.962, 0.004, "better than PCA and the untrained network but level with raw pixels", "good"),
        (0.905, 0.001, "level with the untrained network but worse than raw pixels and PCA", "warning"),
        (0.5, 0.001, "worse than raw pixels, PCA and the untrained network", "warning"),
    ],
)
def test_it_says_so_when_a_baseline_is_not_beaten(
    evidence: dict[str, Any], model: float, sd: float, words: str, level: str
) -> None:
    evidence["rows"][2]["values"]["model"] = {"mean": model, "sd": sd, "n": 5}
    made = summarise(evidence, [GOOD], subject="The model", raw="pixels")
    assert made.first.endswith(f", {words}.")
    assert made.level == level


def test_lower_can_be_better(evidence: dict[str, Any]) -> None:
    evidence["rows"] = evidence["rows"][:2]
    made = summarise(evidence, [GOOD], subject="It", raw="pixels")
    assert "MSE per pixel 0.010 against 0.020 on PCA" in made.first
    assert made.first.endswith("better than every baseline.")


def test_trouble_comes_with_its_knob(evidence: dict[str, Any]) -> None:
    warned = summarise(evidence, [DEAD, GOOD], subject="It")
    assert warned.level == "warning"
    assert warned.second == "Training needs a look: 3 of 9 do nothing. Try a smaller latent width."
    bad = summarise(evidence, [DEAD, GONE], subject="It")
    assert bad.level == "bad"
    assert bad.second == "Training went wrong: all codes are the same. Try a lower learning_rate (1 more below)."


def test_nothing_known_is_said_plainly() -> None:
    made = summarise({}, [], subject="The model turns 9 rows into 2 numbers")
    assert made.first == "The model turns 9 rows into 2 numbers; how good that is has not been measured yet."
    assert made.parts == (made.first, "", "")
    assert "Nothing is known" in made.second


def test_headlines_are_the_first_ranked_measure_of_each_family(evidence: dict[str, Any]) -> None:
    found = headlines(evidence)
    assert [each.measure for each in found] == ["k-NN accuracy", "MSE per pixel"]
    assert list(found[0].values) == ["model", "raw", "PCA", "untrained"]
    assert headlines({}) == []


def test_a_measure_that_failed_for_the_model_is_no_headline(evidence: dict[str, Any]) -> None:
    evidence["rows"][2]["values"]["model"]["mean"] = None
    assert [each.measure for each in headlines(evidence)] == ["MSE per pixel"]


def test_a_model_s_own_measures_stand_before_the_health(evidence: dict[str, Any]) -> None:
    own = [("Quantization error", "4.717"), ("Topographic error", "0.142"), ("PSNR", "3")]
    made = summarise({}, [GOOD], subject="The map places 9 rows", own=own)
    assert made.first == "The map places 9 rows."
    assert made.second.startswith("Quantization error 4.717, topographic error 0.142, PSNR 3. Training was healthy")
    assert summarise(evidence, [GOOD], subject="The map", own=own).first.startswith("The map: k-NN accuracy 0.972")


def test_a_map_is_told_by_how_near_its_units_are(evidence: dict[str, Any]) -> None:
    made = summarise(evidence, [GOOD], subject="The map", telling=TELLING_OF_MAPS)
    assert made.first.startswith("The map: MSE per pixel 0.010 against 0.020 on PCA")
    assert [each.measure for each in headlines(evidence, TELLING_OF_MAPS)] == ["MSE per pixel", "k-NN accuracy"]
