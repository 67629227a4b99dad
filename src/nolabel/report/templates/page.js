// What moves on every page: the theme, the copy button, the values under the pointer in a chart. The figures that a page
// has (codes_map.js, units.js, topics.js) follow in the same function and use what is defined here.
// All values come from the JSON in #values; they are only ever put into the page as text.
const values = JSON.parse(document.getElementById("values").textContent);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const make = (tag, className, text) => {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
};
const press = (buttons, chosen) => buttons.forEach((b) => b.setAttribute("aria-pressed", String(b === chosen)));

// A tip beside a point of its box, turned inwards near the edges.
const place = (tip, x, y) => {
  const box = tip.parentElement;
  const left = x + 16 + tip.offsetWidth > box.clientWidth ? x - 16 - tip.offsetWidth : x + 16;
  const top = Math.min(y + 14, box.clientHeight - tip.offsetHeight - 4);
  tip.style.left = `${Math.max(4, Math.min(left, box.clientWidth - tip.offsetWidth - 4))}px`;
  tip.style.top = `${Math.max(4, top)}px`;
};

// The colours of the theme that is on, as a canvas needs them: groups 0 to 9, steps of the scale, and a few by name.
const inksNow = () => {
  const probe = document.body.appendChild(make("i"));
  const read = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const found = { none: read("none"), card: read("card"), text: read("ink"), soft: read("soft"), line: read("line") };
  for (let i = 0; i < 10; i += 1) found[i] = read(`p${i}`);
  found.scale = [0, 1, 2, 3, 4].map((step) => read(`u${step}`));
  probe.remove();
  return found;
};

// ---- theme ----------------------------------------------------------------------------------------------------
const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
const themeButton = document.getElementById("theme");
const onTheme = [() => themeButton.setAttribute("aria-pressed", String(isDark()))];
const themeChanged = () => onTheme.forEach((act) => act());
themeButton.addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  themeChanged();
});
system.addEventListener("change", themeChanged);
let beforePrint;
addEventListener("beforeprint", () => {
  beforePrint = root.dataset.theme;
  root.dataset.theme = "light";
  themeChanged();
});
addEventListener("afterprint", () => {
  if (beforePrint) root.dataset.theme = beforePrint;
  else delete root.dataset.theme;
  themeChanged();
});
onTheme[0]();

// ---- copy -----------------------------------------------------------------------------------------------------
const selectAll = (node) => {
  const range = document.createRange();
  range.selectNodeContents(node);
  getSelection().removeAllRanges();
  getSelection().addRange(range);
};
all("[data-copy]").forEach((button) => {
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    let done = true;
    try {
      await navigator.clipboard.writeText(source.textContent);
    } catch {
      selectAll(source);
      done = document.execCommand("copy");
    }
    button.textContent = done ? "Copied" : "Press Ctrl+C";
    setTimeout(() => { button.textContent = "Copy"; }, 1800);
  });
});

// ---- charts ---------------------------------------------------------------------------------------------------
const readable = (value) => {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) return value.toExponential(2).replace("-", "−");
  return value.toLocaleString("en", { maximumSignificantDigits: 4 }).replace("-", "−");
};
const nearest = (numbers, wanted) => {
  let best = 0;
  numbers.forEach((each, i) => { if (Math.abs(each - wanted) < Math.abs(numbers[best] - wanted)) best = i; });
  return best;
};
const watchChart = (plot) => {
  const chart = values.charts[plot.dataset.chart];
  const figure = plot.closest("figure");
  const tip = figure.querySelector(".tip");
  const guide = plot.querySelector(".guide");
  const hide = () => { tip.hidden = true; guide.setAttribute("hidden", ""); };
  plot.addEventListener("pointerleave", hide);
  plot.addEventListener("pointermove", (event) => {
    const box = plot.getBoundingClientRect();
    const at = nearest(chart.pixels, ((event.clientX - box.left) / box.width) * values.frame.width);
    guide.setAttribute("d", `M${chart.pixels[at]} ${values.frame.top}V${values.frame.bottom}`);
    guide.removeAttribute("hidden");
    tip.replaceChildren(make("b", "", `${chart.x_label} ${readable(chart.xs[at])}`));
    const list = tip.appendChild(make("dl"));
    chart.lines.forEach((line) => {
      if (line.ys[at] !== null) list.append(make("dt", "", line.name), make("dd", "", readable(line.ys[at])));
    });
    tip.hidden = false;
    const frame = figure.getBoundingClientRect();
    place(tip, event.clientX - frame.left, event.clientY - frame.top);
  });
};
all("svg[data-chart]").forEach(watchChart);
const scaleButtons = all("[data-scale]");
scaleButtons.forEach((button) => button.addEventListener("click", () => {
  press(scaleButtons, button);
  all("#curves figure.chart").forEach((figure) => {
    const log = figure.querySelector("svg.log");
    const useLog = button.dataset.scale === "log" && log !== null;
    figure.querySelector("svg.linear").toggleAttribute("hidden", useLog);
    if (log) log.toggleAttribute("hidden", !useLog);
  });
}));
