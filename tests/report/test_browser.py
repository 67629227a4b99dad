"""The page in a real browser: it draws, reacts, is silent, fits a phone, and asks nothing of any network."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nolabel.evaluation.intertopic import marginal, relevance
from nolabel.report import write_report
from nolabel.report.content import Content

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed: pip install selenium")
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
SCREENS = [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None or DRIVER is None, reason="needs Chromium and chromedriver on the PATH"),
]


class Tab:
    """A page opened in the browser, and what may be asked of it."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(self, page: Path, width: int, scheme: str) -> None:
        self.driver.get("about:blank")
        self.driver.get_log("browser")
        self.driver.get_log("performance")
        features = [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},  # a page that glides cannot be clicked at once
        ]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        self.driver.get(page.as_uri())
        self.wait("document.readyState === 'complete'")

    def run(self, script: str) -> Any:
        return self.driver.execute_script(f"return {script}")

    def wait(self, condition: str) -> None:
        WebDriverWait(self.driver, 20, poll_frequency=0.05).until(lambda _: self.run(condition), condition)

    def one(self, selector: str) -> Any:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def click(self, selector: str) -> None:
        self.driver.execute_script(f"document.querySelector({json.dumps(selector)}).scrollIntoView({{block:'center'}})")
        self.one(selector).click()

    def pressed(self, selector: str) -> bool:
        return bool(self.one(selector).get_attribute("aria-pressed") == "true")

    def ink(self, canvas: str = "#map-canvas") -> list[int]:
        """A digest of what a canvas shows: how many dots of its picture are filled, and the sum of their colours."""
        script = """(() => {
            const map = document.querySelector('CANVAS');
            const c = document.createElement('canvas'); // a copy: the page's own is not made for reading
            c.width = map.width; c.height = map.height;
            const pen = c.getContext('2d', { willReadFrequently: true });
            pen.drawImage(map, 0, 0);
            const d = pen.getImageData(0, 0, c.width, c.height).data;
            let filled = 0, sum = 0;
            for (let i = 0; i < d.length; i += 4) if (d[i + 3]) { filled += 1; sum += d[i] + 3 * d[i+1] + 7 * d[i+2]; }
            return [filled, sum];
        })()"""
        return list(self.run(script.replace("CANVAS", canvas)))

    def background(self) -> str:
        return str(self.run("getComputedStyle(document.body).backgroundColor"))

    def complaints(self) -> list[str]:
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for argument in (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        f"--user-data-dir={tmp_path_factory.mktemp('chromium')}",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield Tab(driver)
    driver.quit()


@pytest.fixture
def page(images: Content, tmp_path: Path) -> Path:
    return write_report(images, tmp_path / "report of toys.html")


@pytest.fixture
def table_page(rows: Content, tmp_path: Path) -> Path:
    return write_report(rows, tmp_path / "table.html")


@pytest.fixture
def generated_page(with_generated: Content, tmp_path: Path) -> Path:
    return write_report(with_generated, tmp_path / "generated.html")


@pytest.fixture
def units_page(with_units: Content, tmp_path: Path) -> Path:
    return write_report(with_units, tmp_path / "units.html")


@pytest.fixture
def planes_page(with_planes: Content, tmp_path: Path) -> Path:
    return write_report(with_planes, tmp_path / "planes.html")


@pytest.fixture
def topics_page(with_topics: Content, tmp_path: Path) -> Path:
    return write_report(with_topics, tmp_path / "topics.html")


@pytest.fixture(autouse=True)
def silent_and_alone(tab: Tab) -> Iterator[None]:
    """After every test: nothing in the console, nothing asked of the network, nothing of the user's ran."""
    yield
    assert tab.complaints() == []
    assert [url for url in tab.requests() if not url.startswith(("file:", "data:", "about:"))] == []
    assert tab.run("window.hacked === undefined")


def hover_a_sample(tab: Tab) -> None:
    """Move over the map, point by point, until a tip shows."""
    canvas = tab.one("#map-canvas")
    tab.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", canvas)
    width, height = canvas.size["width"], canvas.size["height"]
    for across in range(-4, 5):
        for down in range(-4, 5):
            chain = ActionChains(tab.driver, duration=0)
            chain.move_to_element_with_offset(canvas, across * width // 9, down * height // 9).perform()
            if tab.run("!document.querySelector('#map .stage .tip').hidden"):
                return
    pytest.fail("nowhere on the map did a tip show")


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_the_page_fits_the_screen_and_follows_the_scheme(tab: Tab, page: Path, width: int, scheme: str) -> None:
    tab.open(page, width, scheme)
    assert tab.run("innerWidth") == width
    assert tab.run("document.documentElement.scrollWidth") <= width
    bright = sum(map(int, tab.background().removeprefix("rgb(").removesuffix(")").split(",")))
    assert bright > 700 if scheme == "light" else bright < 100
    assert tab.ink()[0] > 1000


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_a_table_s_page_fits_the_screen_too(tab: Tab, table_page: Path, width: int, scheme: str) -> None:
    tab.open(table_page, width, scheme)
    assert tab.run("document.documentElement.scrollWidth") <= width
    hover_a_sample(tab)
    assert "age" in tab.one(".stage .tip").text


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_what_was_made_fits_the_screen_and_is_drawn(tab: Tab, generated_page: Path, width: int, scheme: str) -> None:
    tab.open(generated_page, width, scheme)
    assert tab.run("document.documentElement.scrollWidth") <= width
    side_by_side = "[...document.querySelectorAll('.pair > div')].map((one) => one.getBoundingClientRect().top)"
    tops = tab.run(side_by_side)
    assert (tops[0] == tops[1]) == (width == 1280)
    assert tab.run("document.querySelector('.clouds use').getBoundingClientRect().width") > 50
    assert not tab.one("details.how dl").is_displayed()
    tab.click("details.how summary")
    assert tab.one("details.how dl").is_displayed()


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_hovering_shows_a_sample_and_clicking_keeps_it(tab: Tab, page: Path, width: int, scheme: str) -> None:
    tab.open(page, width, scheme)
    assert "Click a sample" in tab.one("#kept").text
    hover_a_sample(tab)
    tip = tab.one(".stage .tip")
    assert {"label", "cluster"} <= set(tip.text.split())
    assert tip.find_elements(By.TAG_NAME, "canvas")
    ActionChains(tab.driver).click().perform()
    kept = tab.one("#kept")
    assert kept.text.split("\n")[0] == tip.text.split("\n")[0]
    neighbours = kept.find_elements(By.CSS_SELECTOR, ".near button")
    assert len(neighbours) == 3
    name = neighbours[0].get_attribute("title").split(",")[0]
    tab.click(".near button")
    assert tab.one("#kept b").text == name


def test_colour_switches_between_clusters_and_labels(tab: Tab, page: Path) -> None:
    tab.open(page, 1280, "light")
    assert tab.pressed("[data-colour=label]")
    by_label, names = tab.ink(), tab.one("#legend").text
    tab.click("[data-colour=cluster]")
    assert tab.pressed("[data-colour=cluster]")
    assert not tab.pressed("[data-colour=label]")
    assert tab.ink() != by_label
    assert "Cluster 0" in tab.one("#legend").text
    tab.click("[data-colour=label]")
    assert (tab.ink(), tab.one("#legend").text) == (by_label, names)


def test_the_legend_highlights_a_group(tab: Tab, page: Path) -> None:
    tab.open(page, 1280, "light")
    before = tab.ink()
    tab.click("#legend li:nth-child(2) button")
    assert tab.pressed("#legend li:nth-child(2) button")
    assert tab.ink() != before
    tab.click("#legend li:nth-child(2) button")
    assert tab.ink() == before


def test_samples_can_be_drawn_as_pictures(tab: Tab, page: Path) -> None:
    tab.open(page, 1280, "light")
    dots = tab.ink()
    tab.click("[data-draw=pictures]")
    assert tab.ink()[0] > 2 * dots[0]
    hover_a_sample(tab)


def test_the_map_zooms_and_comes_back(tab: Tab, page: Path) -> None:
    tab.open(page, 1280, "light")
    whole = tab.ink()
    tab.click("[data-zoom=in]")
    assert tab.ink() != whole
    hover_a_sample(tab)
    tab.click("[data-zoom=all]")
    assert tab.ink() == whole


def test_the_map_can_be_walked_by_keyboard(tab: Tab, page: Path) -> None:
    tab.open(page, 1280, "light")
    tab.run("document.getElementById('map-canvas').focus()")

    def press(*keys: str) -> None:
        ActionChains(tab.driver).send_keys(*keys).perform()

    press(Keys.ARROW_RIGHT)
    first = tab.one(".stage .tip b").text
    press(Keys.ARROW_LEFT)
    assert tab.one(".stage .tip b").text != first
    press(Keys.ENTER)
    assert tab.one("#kept b").text == tab.one(".stage .tip b").text
    press(Keys.ESCAPE)
    assert "Click a sample" in tab.one("#kept").text
    assert not tab.one(".stage .tip").is_displayed()


def test_the_theme_button_turns_the_page_and_the_map(tab: Tab, page: Path) -> None:
    tab.open(page, 1280, "light")
    light, drawn = tab.background(), tab.ink()
    tab.click("#theme")
    assert tab.pressed("#theme")
    assert tab.background() != light
    assert tab.ink() != drawn
    tab.click("#theme")
    assert (tab.background(), tab.ink()) == (light, drawn)


@pytest.mark.parametrize("width", [1280, 390])
def test_curves_switch_to_a_logarithmic_scale_and_back(tab: Tab, page: Path, width: int) -> None:
    tab.open(page, width, "light")
    tab.click("[data-scale=log]")
    shown = "[...document.querySelectorAll('#curves svg.plot')].filter(s => s.getBoundingClientRect().width > 0)"
    assert tab.run(f"{shown}.every(s => s.classList.contains('log'))")
    tab.click("[data-scale=linear]")
    assert tab.run(f"{shown}.every(s => s.classList.contains('linear'))")
    assert tab.run(f"{shown}.length") == 3


def test_a_curve_tells_its_values_under_the_pointer(tab: Tab, page: Path) -> None:
    tab.open(page, 1280, "light")
    plot = tab.one("#curves svg.linear")
    tab.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", plot)
    ActionChains(tab.driver, duration=0).move_to_element(plot).perform()
    tip = tab.one("#curves .tip").text.split("\n")
    assert tip[0].startswith("epoch ")
    epoch = float(tip[0].split()[1])
    assert [tip[1], tip[3]] == ["train", "held out"]
    assert float(tip[2]) == pytest.approx(1 / epoch + 0.2, rel=1e-3)


def test_the_command_is_copied_whole(tab: Tab, page: Path) -> None:
    tab.open(page, 1280, "light")
    tab.driver.execute_script("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    tab.click("#copy")
    tab.wait("document.getElementById('copy').textContent === 'Copied'")
    assert tab.run("window.copied") == "nolabel fit autoencoder toys --latent 9 && true"


def test_names_are_shown_as_they_are(tab: Tab, page: Path, images: Content) -> None:
    tab.open(page, 1280, "light")
    assert images.map is not None
    assert tab.one("#legend .name").text == images.map.classes[0]


def test_a_script_from_elsewhere_would_not_run(tab: Tab, page: Path) -> None:
    tab.open(page, 1280, "light")
    tab.driver.execute_script(
        "const s = document.createElement('script'); s.textContent = 'window.hacked = 1'; document.body.append(s)"
    )
    assert tab.run("window.hacked === undefined")
    assert any("Content Security Policy" in message for message in tab.complaints())


# --- the map of units ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_units_show_themselves_and_are_kept(tab: Tab, units_page: Path, width: int, scheme: str) -> None:
    tab.open(units_page, width, scheme)
    assert tab.run("document.documentElement.scrollWidth") <= width
    assert tab.ink("#units-canvas")[0] > 10_000
    assert "Click a unit" in tab.one("#units-kept").text
    tab.click("#units-canvas")
    tip = tab.one("#units-stage .tip")
    assert tip.is_displayed()
    assert tip.find_elements(By.TAG_NAME, "canvas")
    assert {"samples", "label two", "cluster", "to neighbours"} <= set(tip.text.split("\n"))
    assert tab.one("#units-kept b").text == tip.find_element(By.TAG_NAME, "b").text


def test_every_view_of_the_units_is_another_picture(tab: Tab, units_page: Path) -> None:
    tab.open(units_page, 1280, "light")
    seen = []
    for view in ("distances", "hits", "label", "cluster", "weights"):
        tab.click(f"[data-view={view}]")
        assert tab.pressed(f"[data-view={view}]")
        seen.append(tuple(tab.ink("#units-canvas")))
    assert len(set(seen)) == 5
    tab.click("[data-view=label]")
    plain = tab.ink("#units-canvas")
    tab.click("#units-key li:nth-child(2) button")
    assert tab.ink("#units-canvas") != plain
    tab.click("#theme")
    assert tab.one("#units-view").text == "Labels"


def test_units_can_be_walked_by_keyboard(tab: Tab, units_page: Path) -> None:
    tab.open(units_page, 1280, "light")
    tab.run("document.getElementById('units-canvas').focus()")

    def press(*keys: str) -> str:
        ActionChains(tab.driver).send_keys(*keys).perform()
        return str(tab.one("#units-stage .tip b").text)

    assert press(Keys.ARROW_RIGHT) == "Unit 0"
    assert press(Keys.ARROW_RIGHT) == "Unit 1"
    assert press(Keys.ARROW_DOWN) in ("Unit 6", "Unit 7")
    press(Keys.ENTER)
    assert tab.one("#units-kept b").text in ("Unit 6", "Unit 7")
    ActionChains(tab.driver).send_keys(Keys.ESCAPE).perform()
    assert "Click a unit" in tab.one("#units-kept").text


@pytest.mark.parametrize("width", [1280, 390])
def test_a_component_plane_is_shown_large(tab: Tab, planes_page: Path, width: int) -> None:
    tab.open(planes_page, width, "light")
    assert tab.run("document.documentElement.scrollWidth") <= width
    assert all(tab.ink(f"#planes li:nth-child({n}) canvas")[0] > 500 for n in (1, 2))
    before = tab.ink("#units-canvas")
    tab.click("[data-plane='1']")
    assert tab.one("#units-view").text == "age"
    assert tab.ink("#units-canvas") != before
    tab.click("[data-plane='1']")
    assert tab.ink("#units-canvas") == before


# --- topics ----------------------------------------------------------------------------------------------------------


def words(tab: Tab) -> list[str]:
    return list(tab.run("[...document.querySelectorAll('#topic-words .name')].map(n => n.textContent)"))


def slide(tab: Tab, to: float) -> None:
    tab.driver.execute_script(
        "const s = document.getElementById('lambda'); s.value = arguments[0]; s.dispatchEvent(new Event('input'));", to
    )


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_a_topic_is_chosen_and_the_slider_ranks_its_words(
    tab: Tab, topics_page: Path, with_topics: Content, width: int, scheme: str
) -> None:
    tab.open(topics_page, width, scheme)
    assert tab.run("document.documentElement.scrollWidth") <= width
    topics = with_topics.topics
    assert topics is not None
    order = np.argsort(-topics.shares)
    first = words(tab)
    tab.click("#topics-svg circle:nth-child(2)")
    assert tab.one("#topic-title").text.startswith(f"Topic {order[1]} · label of {order[1]}")
    assert tab.pressed("#topic-list li:nth-child(2) button")
    assert words(tab) != first
    for weight in (0.0, 0.35, 1.0):
        slide(tab, weight)
        ranked = relevance(topics.phi, marginal(topics.phi, topics.shares), weight)[order[1]]
        best = [topics.words[int(word)] for word in np.argsort(-ranked)[:3]]
        shown = words(tab)
        assert len(shown) == 30
        np.testing.assert_allclose(
            [ranked[topics.words.index(word)] for word in shown[:3]],
            [ranked[topics.words.index(word)] for word in best],
            atol=2e-4,
        )
        assert tab.one("#lambda-value").text == f"{weight:.2f}"
    assert f"post {order[1]}" in tab.one("#topic-documents").text


def test_the_slider_moves_by_keyboard(tab: Tab, topics_page: Path) -> None:
    tab.open(topics_page, 1280, "light")
    before = words(tab)
    tab.run("document.getElementById('lambda').focus()")
    ActionChains(tab.driver).send_keys(*[Keys.ARROW_LEFT] * 12).perform()
    assert tab.one("#lambda-value").text == "0.00"
    assert words(tab) != before


def test_topics_are_walked_by_keyboard_and_let_go(tab: Tab, topics_page: Path) -> None:
    tab.open(topics_page, 1280, "light")
    chosen = "[...document.querySelectorAll('[data-topic]')].findIndex(b => b.getAttribute('aria-pressed') === 'true')"
    assert tab.run(chosen) == 0
    tab.run("document.getElementById('topics-svg').focus()")
    seen = {0}
    for key in (Keys.ARROW_UP, Keys.ARROW_RIGHT, Keys.ARROW_DOWN, Keys.ARROW_LEFT):
        ActionChains(tab.driver).send_keys(key).perform()
        seen.add(tab.run(chosen))
    assert len(seen) > 2
    ActionChains(tab.driver).send_keys(Keys.ESCAPE).perform()
    assert tab.run(chosen) == -1
    assert tab.pressed("#topics-all")
    assert len(words(tab)) == 30
    tab.click("[data-topic-step='1']")
    assert tab.run(chosen) == 0


def test_a_word_shows_its_topics(tab: Tab, topics_page: Path) -> None:
    tab.open(topics_page, 1280, "light")
    sizes = "[...document.querySelectorAll('#topics-svg circle')].map(c => Number(c.getAttribute('r')))"
    before = tab.run(sizes)
    tab.click("#topic-words li:first-child button")
    assert tab.pressed("#topic-words li:first-child button")
    assert tab.run(sizes) != before
    tab.click("#topic-words li:first-child button")
    ActionChains(tab.driver).move_to_element(tab.one("#topic-title")).perform()
    assert tab.run(sizes) == before


def test_a_text_s_first_line_stands_on_the_map(tab: Tab, topics_page: Path) -> None:
    tab.open(topics_page, 390, "light")
    hover_a_sample(tab)
    tip = tab.one("#map .stage .tip")
    assert "first line" in tip.text
    assert "topic" in tip.text.split("\n")
    assert not tip.find_elements(By.TAG_NAME, "canvas")
