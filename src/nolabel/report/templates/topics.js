// The topics: circles on the intertopic map, words ranked by relevance under the slider, documents of the chosen topic.
{
  const shown = values.topics;
  const count = shown.topics.length;
  const svg = document.getElementById("topics-svg");
  const stage = document.getElementById("topics-stage");
  const tip = stage.querySelector(".tip");
  const slider = document.getElementById("lambda");
  const sliderValue = document.getElementById("lambda-value");
  const title = document.getElementById("topic-title");
  const list = document.getElementById("topic-words");
  const papers = document.getElementById("topic-documents");
  const everything = document.getElementById("topics-all");
  const rows = all("[data-topic]");
  const state = { topic: 0, word: null, peek: null, hot: -1 };
  const drawn = (tag, attributes) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    Object.entries(attributes).forEach(([name, value]) => node.setAttribute(name, value));
    return node;
  };
  const percent = (share) => `${(100 * share).toLocaleString("en", { maximumFractionDigits: 1 })} %`;
  const whole = (n) => Math.round(n).toLocaleString("en");

  // ---- the map --------------------------------------------------------------------------------------------------
  const span = (numbers) => [Math.min(...numbers), Math.max(...numbers)];
  const [west, east] = span(shown.topics.map((t) => t.x));
  const [south, north] = span(shown.topics.map((t) => t.y));
  let places = [];
  let size = { width: 0, height: 0 };
  const layOut = () => {
    const width = stage.clientWidth - 2;
    const height = Math.round(Math.max(260, Math.min(520, width * 0.9)));
    size = { width, height };
    const most = Math.sqrt((0.16 * width * height) / Math.PI); // all circles together fill that share of the map
    const radius = (share) => Math.max(4, Math.min(width / 6, most * Math.sqrt(share)));
    const margin = Math.min(width / 5, radius(Math.max(...shown.topics.map((t) => t.share))) + 10);
    const scale = Math.min((width - 2 * margin) / (east - west || 1), (height - 2 * margin) / (north - south || 1));
    const left = (width - scale * (east - west)) / 2;
    const top = (height - scale * (north - south)) / 2;
    places = shown.topics.map((t) => ({ x: left + (t.x - west) * scale, y: top + (north - t.y) * scale, r: radius(t.share), most }));
  };
  const circles = [];
  const build = () => {
    svg.replaceChildren();
    circles.length = 0;
    svg.setAttribute("viewBox", `0 0 ${size.width} ${size.height}`);
    svg.setAttribute("height", size.height);
    const axis = (d) => svg.append(drawn("path", { class: "grid", d }));
    axis(`M${size.width / 2} 0V${size.height}`);
    axis(`M0 ${size.height / 2}H${size.width}`);
    const groups = svg.appendChild(drawn("g", {}));
    const names = svg.appendChild(drawn("g", {}));
    places.forEach(({ x, y, r }, i) => { // the largest come first, so that small ones lie on top
      const circle = groups.appendChild(drawn("circle", { class: "topic", cx: x, cy: y, r }));
      const name = names.appendChild(drawn("text", { class: "topic-name", x, y: y + 4 }));
      name.textContent = shown.topics[i].topic;
      circle.addEventListener("click", () => choose(state.topic === i ? -1 : i));
      circle.addEventListener("pointerenter", () => look(i));
      circle.addEventListener("pointerleave", () => look(-1));
      circles.push({ circle, name });
    });
    paint();
  };
  const paint = () => {
    const word = state.peek ?? state.word;
    const where = word === null ? null : new Map(shown.elsewhere[word]);
    circles.forEach(({ circle, name }, i) => {
      const { r, most } = places[i];
      const share = where ? where.get(i) ?? 0 : null;
      circle.setAttribute("r", share === null ? r : share > 0 ? Math.max(3, 0.45 * most * Math.sqrt(share)) : 0);
      circle.classList.toggle("chosen", i === state.topic);
      circle.classList.toggle("hot", i === state.hot);
      circle.classList.toggle("word", where !== null);
      name.classList.toggle("faint", where !== null && !share);
    });
  };
  const look = (i) => {
    state.hot = i;
    tip.hidden = i < 0;
    if (i >= 0) {
      const topic = shown.topics[i];
      tip.replaceChildren(make("b", "", `Topic ${topic.topic} · ${topic.label}`));
      const facts = tip.appendChild(make("dl"));
      const known = [["of all words", percent(topic.share)], ["leads documents", whole(topic.leading)]];
      if (topic.coherence !== null) known.push(["coherence", readable(topic.coherence)]);
      known.forEach(([name, value]) => facts.append(make("dt", "", name), make("dd", "", value)));
      place(tip, places[i].x, places[i].y);
    }
    paint();
  };

  // ---- the words ------------------------------------------------------------------------------------------------
  const ranked = () => {
    if (state.topic < 0) return shown.salient.map((word) => ({ word, here: null }));
    const topic = shown.topics[state.topic];
    const weight = Number(slider.value);
    const found = topic.word.map((word, n) => ({
      word,
      here: topic.tokens * Math.exp(topic.log_phi[n]),
      relevance: weight * topic.log_phi[n] + (1 - weight) * topic.log_lift[n],
    }));
    return found.sort((a, b) => b.relevance - a.relevance).slice(0, shown.most);
  };
  const showWords = () => {
    const words = ranked();
    const longest = Math.max(...words.map(({ word }) => shown.overall[word]), 1e-9);
    sliderValue.textContent = Number(slider.value).toFixed(2);
    slider.disabled = state.topic < 0;
    list.replaceChildren(...words.map(({ word, here }) => {
      const total = shown.overall[word];
      const item = make("li");
      const button = item.appendChild(make("button"));
      button.type = "button";
      button.dataset.word = word;
      button.setAttribute("aria-pressed", String(state.word === word));
      const bar = make("span", "word-bar");
      const part = (name, amount) => { bar.appendChild(make("i", name)).style.width = `${(100 * amount) / longest}%`; };
      part("all", total);
      if (here !== null) part("in", Math.min(here, total));
      const text = here === null ? whole(total) : `${whole(here)} of ${whole(total)}`;
      button.append(make("span", "name", shown.words[word]), bar, make("span", "count", text));
      button.title = `${shown.words[word]}: ${text}`;
      button.addEventListener("click", () => mark(state.word === word ? null : word));
      button.addEventListener("pointerenter", () => { state.peek = word; paint(); });
      button.addEventListener("pointerleave", () => { state.peek = null; paint(); });
      return item;
    }));
  };
  const mark = (word) => {
    state.word = word;
    all("[data-word]", list).forEach((b) => b.setAttribute("aria-pressed", String(Number(b.dataset.word) === word)));
    paint();
  };

  // ---- the documents --------------------------------------------------------------------------------------------
  const showDocuments = () => {
    papers.replaceChildren(make("h3", "", "Documents"));
    if (state.topic < 0) {
      papers.append(make("p", "note", "Choose a topic to see the documents that are most about it."));
      return;
    }
    const topic = shown.topics[state.topic];
    papers.append(make("p", "note", `Topic ${topic.topic} has the largest share in ${whole(topic.leading)} document${topic.leading === 1 ? "" : "s"}${topic.coherence === null ? "" : `; its coherence is ${readable(topic.coherence)}`}. Most about it:`));
    const items = papers.appendChild(make("ol", "papers"));
    topic.typical.forEach(([id, line, share]) => {
      const item = items.appendChild(make("li"));
      item.append(make("span", "share", percent(share)), make("b", "", id));
      if (line) item.append(make("p", "line", line));
    });
    if (!topic.classes.length) return;
    papers.append(make("h3", "", "Labels of the documents that it leads"));
    const most = Math.max(...topic.classes.map(([, n]) => n));
    const bars = papers.appendChild(make("ul", "class-bars"));
    topic.classes.forEach(([name, n]) => {
      const item = bars.appendChild(make("li"));
      const bar = make("span", "bar");
      bar.appendChild(make("i")).style.width = `${(100 * n) / most}%`;
      item.append(make("span", "name", name), bar, make("span", "count", whole(n)));
    });
  };

  // ---- choosing -------------------------------------------------------------------------------------------------
  const choose = (i) => {
    state.topic = i;
    state.word = state.peek = null;
    rows.forEach((row, other) => row.setAttribute("aria-pressed", String(other === i)));
    everything.setAttribute("aria-pressed", String(i < 0));
    const topic = shown.topics[i];
    title.textContent = topic ? `Topic ${topic.topic} · ${topic.label} · ${percent(topic.share)}` : "All topics: the words that tell them apart most";
    showWords();
    showDocuments();
    paint();
  };
  const toward = (dx, dy) => {
    if (state.topic < 0) return choose(0);
    const from = places[state.topic];
    let best = -1;
    let least = Infinity;
    places.forEach(({ x, y }, i) => {
      const ahead = (x - from.x) * dx + (y - from.y) * dy;
      const aside = Math.abs((x - from.x) * dy) + Math.abs((y - from.y) * dx);
      if (i !== state.topic && ahead > 0 && aside <= ahead && ahead + aside < least) { least = ahead + aside; best = i; }
    });
    if (best >= 0) choose(best);
    return undefined;
  };
  const keys = {
    ArrowLeft: () => toward(-1, 0),
    ArrowRight: () => toward(1, 0),
    ArrowUp: () => toward(0, -1),
    ArrowDown: () => toward(0, 1),
    Escape: () => choose(-1),
  };
  svg.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  rows.forEach((row, i) => row.addEventListener("click", () => choose(state.topic === i ? -1 : i)));
  all("[data-topic-step]").forEach((button) => button.addEventListener("click", () => {
    choose((state.topic + Number(button.dataset.topicStep) + count) % count);
  }));
  everything.addEventListener("click", () => choose(-1));
  slider.addEventListener("input", showWords);
  const lay = () => {
    if (stage.clientWidth - 2 === size.width) return; // its own new height is no reason to begin again
    layOut();
    build();
  };
  new ResizeObserver(lay).observe(stage);
  lay();
  choose(state.topic);
}
