// The map of units: hexagons or squares on a canvas, one view at a time, and the component planes as small copies of it.
{
  const map = values.units;
  const count = map.hits.length;
  const canvas = document.getElementById("units-canvas");
  const stage = document.getElementById("units-stage");
  const tip = stage.querySelector(".tip");
  const title = document.getElementById("units-view");
  const how = document.getElementById("units-how");
  const key = document.getElementById("units-key");
  const kept = document.getElementById("units-kept");
  const viewButtons = all("[data-view]");
  const planeButtons = all("[data-plane]");
  const state = { view: viewButtons[0].dataset.view, plane: null, group: null, hot: -1, kept: -1 };
  let sprite = null;
  let inks = inksNow();

  // ---- where the cells are --------------------------------------------------------------------------------------
  const reach = Math.max(...map.corners.map(([x]) => Math.abs(x)));
  const rise = Math.max(...map.corners.map(([, y]) => Math.abs(y)));
  const extent = { width: Math.max(...map.x) + 2 * reach, height: Math.max(...map.y) + 2 * rise };
  const fitted = (width, height, margin) => {
    const scale = Math.min((width - 2 * margin) / extent.width, (height - 2 * margin) / extent.height);
    return { scale, left: (width - extent.width * scale) / 2, top: (height - extent.height * scale) / 2 };
  };
  const at = (frame, i) => [frame.left + (map.x[i] + reach) * frame.scale, frame.top + (map.y[i] + rise) * frame.scale];
  const outline = (pen, frame, i, share) => {
    const [x, y] = at(frame, i);
    pen.beginPath();
    map.corners.forEach(([dx, dy]) => pen.lineTo(x + dx * frame.scale * share, y + dy * frame.scale * share));
    pen.closePath();
  };
  const prepared = (node, height) => {
    const ratio = devicePixelRatio || 1;
    const width = node.clientWidth;
    node.style.height = `${height}px`;
    node.width = Math.round(width * ratio);
    node.height = Math.round(height * ratio);
    const pen = node.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    return { pen, width, height };
  };

  // ---- colours --------------------------------------------------------------------------------------------------
  const channels = (colour) => colour.match(/[\d.]+/g).slice(0, 3).map(Number);
  let steps = inks.scale.map(channels);
  const shade = (share) => {
    const place = Math.max(0, Math.min(1, share)) * (steps.length - 1);
    const low = Math.min(steps.length - 2, Math.floor(place));
    const mixed = steps[low].map((value, c) => Math.round(value + (place - low) * (steps[low + 1][c] - value)));
    return `rgb(${mixed.join(" ")})`;
  };
  const range = (numbers) => {
    const known = numbers.filter((value) => value !== null);
    return known.length ? [Math.min(...known), Math.max(...known)] : [0, 0];
  };
  const shares = (numbers) => {
    const [low, high] = range(numbers);
    return numbers.map((value) => (value === null ? null : high > low ? (value - low) / (high - low) : 0.5));
  };

  // ---- drawing --------------------------------------------------------------------------------------------------
  const gap = (frame) => (frame.scale > 12 ? 0.95 : 1.01); // small cells would vanish between gaps
  const drawShades = (pen, frame, numbers) => {
    shares(numbers).forEach((share, i) => {
      outline(pen, frame, i, gap(frame));
      pen.fillStyle = share === null ? inks.line : shade(share);
      pen.fill();
    });
  };
  const drawHits = (pen, frame) => {
    const top = Math.max(1, ...map.hits);
    map.hits.forEach((hits, i) => {
      outline(pen, frame, i, gap(frame));
      pen.fillStyle = steps.length ? shade(0) : inks.line;
      pen.fill();
      if (!hits) return;
      outline(pen, frame, i, gap(frame) * Math.max(0.12, Math.sqrt(hits / top)));
      pen.fillStyle = shade(0.75);
      pen.fill();
    });
  };
  const marks = [
    null,
    (pen, x, y, r) => pen.rect(x - r * 0.8, y - r * 0.8, r * 1.6, r * 1.6),
    (pen, x, y, r) => { pen.moveTo(x, y - r); pen.lineTo(x + r, y + r * 0.8); pen.lineTo(x - r, y + r * 0.8); pen.closePath(); },
    (pen, x, y, r) => { pen.moveTo(x, y - r); pen.lineTo(x + r, y); pen.lineTo(x, y + r); pen.lineTo(x - r, y); pen.closePath(); },
  ];
  const bright = (colour) => {
    const [r, g, b] = channels(colour);
    return 0.299 * r + 0.587 * g + 0.114 * b > 140;
  };
  const short = (name) => (name.length > 3 ? `${name.slice(0, 2)}…` : name);
  const drawGroups = (pen, frame, codes, groups, written) => {
    codes.forEach((code, i) => {
      outline(pen, frame, i, gap(frame));
      const group = groups[code];
      const faded = state.group !== null && state.group !== code;
      const total = map.votes && written ? map.votes[i].reduce((sum, [, n]) => sum + n, 0) : 1;
      const pure = map.votes && written && total ? map.votes[i][0][1] / total : 1;
      const colour = group ? inks[group.colour] : inks.line;
      pen.globalAlpha = faded ? 0.12 : group ? 0.35 + 0.65 * pure ** 2 : 1;
      pen.fillStyle = colour;
      pen.fill();
      pen.globalAlpha = 1;
      if (!group || faded) return;
      const [x, y] = at(frame, i);
      const ink = pure > 0.7 ? (bright(colour) ? "#111" : "#fff") : inks.text;
      if (group.shape) {
        pen.beginPath();
        marks[group.shape](pen, x, y, frame.scale * 0.2);
        pen.strokeStyle = ink;
        pen.lineWidth = Math.max(1, frame.scale / 16);
        pen.stroke();
      } else if (written && frame.scale >= 15) {
        pen.fillStyle = ink;
        pen.font = `600 ${Math.min(15, frame.scale * 0.45)}px system-ui, sans-serif`;
        pen.textAlign = "center";
        pen.textBaseline = "middle";
        pen.fillText(short(group.name), x, y);
      }
    });
  };
  const drawWeights = (pen, frame) => {
    const { columns, width, height } = map.sheet;
    const cover = (2 * Math.max(reach, rise) * frame.scale) / Math.min(width, height);
    const whole = (2 * Math.min(reach, rise) * frame.scale) / Math.min(width, height);
    pen.imageSmoothingEnabled = true;
    for (let i = 0; i < count; i += 1) {
      const [x, y] = at(frame, i);
      pen.save();
      outline(pen, frame, i, gap(frame));
      pen.clip();
      [cover, whole].forEach((scale) => { // the first fills the corners of a hexagon, the second is seen
        const [w, h] = [width * scale, height * scale];
        pen.drawImage(sprite, (i % columns) * width, Math.floor(i / columns) * height, width, height, x - w / 2, y - h / 2, w, h);
      });
      pen.restore();
    }
  };
  const edge = (pen, frame, i, width) => {
    if (i < 0) return;
    outline(pen, frame, i, 1.02);
    pen.strokeStyle = inks.card;
    pen.lineWidth = width + 2;
    pen.stroke();
    pen.strokeStyle = inks.text;
    pen.lineWidth = width;
    pen.stroke();
  };
  const views = {
    distances: { name: "U-matrix", how: "Mean distance of a unit to its neighbours: pale areas are clusters, dark ridges part them.", paint: (pen, frame) => drawShades(pen, frame, map.distances), numbers: () => map.distances },
    hits: { name: "Hits", how: "The area of a mark is the number of samples nearest to the unit; units without a mark have none.", paint: drawHits },
    label: { name: "Labels", how: "The label that most samples at a unit carry, the fainter the more mixed; grey units have no labelled sample.", paint: (pen, frame) => drawGroups(pen, frame, map.label, map.groups.label, true), groups: () => map.groups.label },
    cluster: { name: "Clusters", how: "Ward's clusters of the weights of the units, each in one piece on the map.", paint: (pen, frame) => drawGroups(pen, frame, map.cluster, map.groups.cluster, false), groups: () => map.groups.cluster },
    weights: { name: "Weights", how: "What each unit looks like: the mean of the samples around it on the map.", paint: (pen, frame) => { if (sprite) drawWeights(pen, frame); } },
  };
  const view = () => {
    if (state.view !== "plane") return views[state.view];
    const plane = map.planes[state.plane];
    return { name: plane.name, how: "The value of this column at each unit, in the data's own units.", paint: (pen, frame) => drawShades(pen, frame, plane.values), numbers: () => plane.values };
  };
  let frame = fitted(1, 1, 0);
  const draw = () => {
    const room = canvas.clientWidth;
    const height = Math.max(160, Math.min(660, (room - 24) * (extent.height / extent.width) + 24));
    const made = prepared(canvas, height);
    frame = fitted(made.width, made.height, 12);
    view().paint(made.pen, frame);
    edge(made.pen, frame, state.kept, 2.4);
    if (state.hot !== state.kept) edge(made.pen, frame, state.hot, 1.4);
  };
  const drawPlanes = () => planeButtons.forEach((button) => {
    const node = button.querySelector("canvas");
    const made = prepared(node, node.clientWidth * Math.min(1.2, extent.height / extent.width));
    const plane = map.planes[Number(button.dataset.plane)];
    const small = fitted(made.width, made.height, 2);
    drawShades(made.pen, small, plane.values);
    edge(made.pen, small, state.kept, 1.6);
    button.querySelector(".range").textContent = range(plane.values).map(readable).join(" to ");
  });

  // ---- words ----------------------------------------------------------------------------------------------------
  const pair = (list, name, value) => list.append(make("dt", "", name), make("dd", "", value));
  const facts = (i, whole) => {
    const list = make("dl");
    pair(list, "samples", map.hits[i].toLocaleString("en"));
    if (map.votes) map.votes[i].slice(0, whole ? 5 : 3).forEach(([code, n]) => pair(list, `label ${map.groups.label[code].name}`, n.toLocaleString("en")));
    pair(list, "cluster", String(map.cluster[i]));
    pair(list, "to neighbours", readable(map.distances[i]));
    const planes = whole ? map.planes.slice(0, 8) : state.view === "plane" ? [map.planes[state.plane]] : [];
    planes.forEach((plane) => pair(list, plane.name, readable(plane.values[i])));
    return list;
  };
  const picture = (i, longest) => {
    const { columns, width, height } = map.sheet;
    const node = make("canvas");
    const scale = longest / Math.max(width, height);
    node.width = width;
    node.height = height;
    node.style.width = `${width * scale}px`;
    node.style.height = `${height * scale}px`;
    node.setAttribute("role", "img");
    node.setAttribute("aria-label", `weights of unit ${i}`);
    if (sprite) node.getContext("2d").drawImage(sprite, (i % columns) * width, Math.floor(i / columns) * height, width, height, 0, 0, width, height);
    return node;
  };
  const named = (i) => `Unit ${i}`;
  const where = (i) => `row ${Math.floor(i / map.columns)}, column ${i % map.columns}`;
  const showTip = (i) => {
    tip.replaceChildren();
    if (map.sheet) tip.append(picture(i, 84));
    tip.append(make("b", "", named(i)), make("p", "line", where(i)), facts(i, false));
    tip.hidden = false;
    place(tip, ...at(frame, i));
  };
  const showKept = () => {
    kept.replaceChildren();
    if (state.kept < 0) {
      kept.append(make("p", "note", "Click a unit to keep it here."));
      return;
    }
    const who = kept.appendChild(make("div", "who"));
    if (map.sheet) who.append(picture(state.kept, 92));
    const text = who.appendChild(make("div"));
    text.style.flex = "1";
    text.append(make("b", "", named(state.kept)), make("p", "line", where(state.kept)), facts(state.kept, true));
  };
  const scaleBar = ([low, high]) => {
    const box = make("div", "scale");
    const bar = box.appendChild(make("div", "ramp"));
    bar.style.background = `linear-gradient(to right, ${inks.scale.join(", ")})`;
    const ends = box.appendChild(make("div", "ends"));
    ends.append(make("span", "", readable(low)), make("span", "", readable(high)));
    return box;
  };
  const legend = (groups) => {
    const list = make("ul", "legend");
    groups.forEach((group, code) => {
      const button = list.appendChild(make("li")).appendChild(make("button"));
      button.type = "button";
      button.setAttribute("aria-pressed", String(state.group === code));
      const swatch = button.appendChild(make("i", "tile-swatch"));
      swatch.style.background = inks[group.colour];
      swatch.textContent = ["", "□", "△", "◇"][group.shape];
      swatch.style.color = bright(inks[group.colour]) ? "#111" : "#fff";
      button.append(make("span", "name", group.name), make("span", "count", `${group.count} unit${group.count === 1 ? "" : "s"}`));
      button.addEventListener("click", () => {
        state.group = state.group === code ? null : code;
        all("button", list).forEach((each, other) => each.setAttribute("aria-pressed", String(other === state.group)));
        draw();
      });
    });
    return list;
  };
  const showKey = () => {
    const shown = view();
    title.textContent = shown.name;
    how.textContent = state.view === "distances" && isDark() ? shown.how.replace("pale", "dark").replace("dark ridges", "pale ridges") : shown.how;
    key.replaceChildren();
    if (shown.numbers) key.append(scaleBar(range(shown.numbers())));
    if (shown.groups) key.append(legend(shown.groups()));
    if (state.view === "hits") key.append(make("p", "note", `Largest: ${Math.max(...map.hits).toLocaleString("en")} samples. Units with none: ${map.hits.filter((n) => n === 0).length} of ${count.toLocaleString("en")}.`));
  };

  // ---- looking and keeping --------------------------------------------------------------------------------------
  const look = (i) => {
    state.hot = i;
    if (i < 0) tip.hidden = true;
    else showTip(i);
    draw();
  };
  const keep = (i) => {
    state.kept = i;
    showKept();
    draw();
    drawPlanes();
  };
  const show = (name, plane = null) => {
    state.view = name;
    state.plane = plane;
    state.group = null;
    viewButtons.forEach((b) => b.setAttribute("aria-pressed", String(b.dataset.view === name)));
    planeButtons.forEach((b) => b.setAttribute("aria-pressed", String(name === "plane" && Number(b.dataset.plane) === plane)));
    showKey();
    draw();
  };
  const under = (event) => {
    const box = canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    let best = -1;
    let least = (0.6 * frame.scale) ** 2; // the nearest centre owns the cell
    for (let i = 0; i < count; i += 1) {
      const [cx, cy] = at(frame, i);
      const away = (cx - x) ** 2 + (cy - y) ** 2;
      if (away < least) { least = away; best = i; }
    }
    return best;
  };
  const toward = (dx, dy) => {
    if (state.hot < 0) return look(Math.max(0, state.kept));
    let best = -1;
    let least = Infinity;
    for (let i = 0; i < count; i += 1) {
      const ahead = (map.x[i] - map.x[state.hot]) * dx + (map.y[i] - map.y[state.hot]) * dy;
      const aside = Math.abs((map.x[i] - map.x[state.hot]) * dy) + Math.abs((map.y[i] - map.y[state.hot]) * dx);
      if (ahead > 0.1 && aside <= ahead && ahead + aside < least) { least = ahead + aside; best = i; }
    }
    if (best >= 0) look(best);
    return undefined;
  };
  canvas.addEventListener("pointermove", (event) => {
    const found = under(event);
    if (found !== state.hot) look(found);
  });
  canvas.addEventListener("click", (event) => {
    const found = under(event);
    look(found);
    keep(found === state.kept ? -1 : found);
  });
  canvas.addEventListener("pointerleave", () => look(-1));
  canvas.addEventListener("blur", () => look(-1));
  const keys = {
    ArrowLeft: () => toward(-1, 0),
    ArrowRight: () => toward(1, 0),
    ArrowUp: () => toward(0, -1),
    ArrowDown: () => toward(0, 1),
    Enter: () => keep(state.hot),
    " ": () => keep(state.hot),
    Escape: () => { look(-1); keep(-1); },
  };
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  viewButtons.forEach((button) => button.addEventListener("click", () => show(button.dataset.view)));
  planeButtons.forEach((button) => button.addEventListener("click", () => {
    const plane = Number(button.dataset.plane);
    const on = state.view === "plane" && state.plane === plane;
    if (on) show(viewButtons[0].dataset.view);
    else show("plane", plane);
  }));

  onTheme.push(() => {
    inks = inksNow();
    steps = inks.scale.map(channels);
    showKey();
    draw();
    drawPlanes();
  });
  let wide = 0;
  new ResizeObserver(() => {
    if (stage.clientWidth === wide) return; // its own new height is no reason to begin again
    wide = stage.clientWidth;
    draw();
    drawPlanes();
  }).observe(stage);
  show(state.view);
  showKept();
  if (map.sheet) {
    const loaded = new Image();
    loaded.onload = () => { sprite = loaded; showKept(); draw(); };
    loaded.src = map.sheet.uri;
  }
}
