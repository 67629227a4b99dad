// The 2-D map of the codes: dots or pictures on a canvas, a legend, zoom, a sample kept beside it.
{
  const canvas = document.getElementById("map-canvas");
  const map = values.map;
  const count = map.ids.length;
  const stage = canvas.parentElement;
  const tip = stage.querySelector(".tip");
  const legend = document.getElementById("legend");
  const legendTitle = document.getElementById("legend-title");
  const kept = document.getElementById("kept");
  const pen = canvas.getContext("2d");
  const state = { colour: map.label ? "label" : "cluster", draw: "dots", hot: -1, kept: -1, group: null, zoom: 1, x: 0, y: 0 };
  let sprite = null;
  let pictures = []; // where pictures were drawn, when they were
  let size = { width: 0, height: 0 };
  let inks = {};

  const groups = () => map.groups[state.colour];
  const groupOf = (i) => map[state.colour][i]; // position in groups(), in the order of the legend
  const ink = (group) => inks[group.colour] ?? inks.none;
  const readInks = () => { inks = inksNow(); };

  // Positions are kept in [0, 1]; the margin leaves room for the largest mark.
  const margin = 18;
  const screen = (i) => [
    (margin + map.x[i] * (size.width - 2 * margin)) * state.zoom + state.x,
    (margin + (1 - map.y[i]) * (size.height - 2 * margin)) * state.zoom + state.y,
  ];
  const inside = (x, y, slack = 0) => x >= -slack && y >= -slack && x <= size.width + slack && y <= size.height + slack;

  const shapes = [
    (x, y, r) => pen.arc(x, y, r, 0, 2 * Math.PI),
    (x, y, r) => pen.rect(x - r * 0.9, y - r * 0.9, r * 1.8, r * 1.8),
    (x, y, r) => { pen.moveTo(x, y - r * 1.25); pen.lineTo(x + r * 1.15, y + r * 0.85); pen.lineTo(x - r * 1.15, y + r * 0.85); pen.closePath(); },
    (x, y, r) => { pen.moveTo(x, y - r * 1.35); pen.lineTo(x + r * 1.35, y); pen.lineTo(x, y + r * 1.35); pen.lineTo(x - r * 1.35, y); pen.closePath(); },
  ];
  const mark = (i, r) => {
    const [x, y] = screen(i);
    if (!inside(x, y, r)) return;
    const group = groups()[groupOf(i)];
    pen.beginPath();
    shapes[group.shape](x, y, r);
    pen.fillStyle = ink(group);
    pen.fill();
  };
  const faded = (i) => state.group !== null && groupOf(i) !== state.group;
  const radius = () => Math.max(2, Math.min(5, 90 / Math.sqrt(count) + size.width / 900)) * Math.min(2, Math.sqrt(state.zoom));

  const tile = (i) => {
    const { columns, width, height } = map.sheet;
    return [(i % columns) * width, Math.floor(i / columns) * height, width, height];
  };
  const thumbnail = (i, longest) => {
    const node = document.createElement("canvas");
    const [sx, sy, width, height] = tile(i);
    const scale = longest / Math.max(width, height);
    node.width = width;
    node.height = height;
    node.style.width = `${width * scale}px`;
    node.style.height = `${height * scale}px`;
    node.setAttribute("role", "img");
    node.setAttribute("aria-label", `thumbnail of ${map.ids[i]}`);
    if (sprite) node.getContext("2d").drawImage(sprite, sx, sy, width, height, 0, 0, width, height);
    return node;
  };

  const drawDots = () => {
    const r = radius();
    for (const wanted of [true, false]) { // the faded ones first, so that the others lie on top
      pen.globalAlpha = wanted ? 0.1 : 0.8;
      for (let i = 0; i < count; i += 1) if (faded(i) === wanted) mark(i, r);
    }
    pen.globalAlpha = 1;
  };
  const drawPictures = () => {
    const { width, height } = map.sheet;
    const long = size.width < 500 ? 20 : 26;
    const scale = long / Math.max(width, height);
    const w = width * scale;
    const h = height * scale;
    const taken = new Set();
    pen.imageSmoothingEnabled = scale < 1;
    for (let i = 0; i < count; i += 1) {
      const [x, y] = screen(i);
      if (!inside(x, y) || faded(i)) continue;
      const column = Math.floor(x / (w + 3));
      const row = Math.floor(y / (h + 3));
      if (taken.has(`${column} ${row}`)) continue; // one picture a cell: fewer, but each can be seen
      taken.add(`${column} ${row}`);
      const left = column * (w + 3) + 1.5;
      const top = row * (h + 3) + 1.5;
      pen.drawImage(sprite, ...tile(i), left, top, w, h);
      pictures.push({ i, left, top, right: left + w, bottom: top + h });
      pen.strokeStyle = ink(groups()[groupOf(i)]);
      pen.lineWidth = 1.6;
      pen.strokeRect(left, top, w, h);
    }
  };
  const drawNames = () => {
    if (groups().length > 30 || pictures.length) return; // too many to read, or pictures that speak for themselves
    pen.font = "600 13px system-ui, sans-serif";
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.lineJoin = "round";
    const taken = [];
    const largest = groups().map((group, code) => [group, code]).sort(([a], [b]) => b.count - a.count);
    largest.forEach(([group, code]) => {
      if (group.anchor === null || group.colour === null || (state.group !== null && state.group !== code)) return;
      const [x, y] = screen(group.anchor);
      if (!inside(x, y)) return;
      const name = group.short.length > 18 ? `${group.short.slice(0, 17)}…` : group.short;
      const half = pen.measureText(name).width / 2 + 2;
      if (taken.some((other) => Math.abs(other.x - x) < other.half + half && Math.abs(other.y - y) < 16)) return;
      taken.push({ x, y, half });
      pen.strokeStyle = inks.card;
      pen.lineWidth = 4;
      pen.strokeText(name, x, y);
      pen.fillStyle = inks.text;
      pen.fillText(name, x, y);
    });
  };
  const ring = (i, width) => {
    if (i < 0) return;
    const box = pictures.find((p) => p.i === i);
    pen.strokeStyle = inks.text;
    if (box) {
      pen.lineWidth = width + 1.5;
      pen.strokeRect(box.left - 1, box.top - 1, box.right - box.left + 2, box.bottom - box.top + 2);
      return;
    }
    const [x, y] = screen(i);
    mark(i, radius() * 1.5);
    pen.beginPath();
    pen.arc(x, y, radius() * 1.5 + 3, 0, 2 * Math.PI);
    pen.lineWidth = width;
    pen.stroke();
  };
  const draw = () => {
    const ratio = devicePixelRatio || 1;
    size = { width: canvas.clientWidth, height: canvas.clientHeight };
    canvas.width = Math.round(size.width * ratio);
    canvas.height = Math.round(size.height * ratio);
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pictures = [];
    if (state.draw === "pictures" && sprite) drawPictures();
    else drawDots();
    drawNames();
    ring(state.kept, 2.2);
    if (state.hot !== state.kept) ring(state.hot, 1.3);
  };

  const facts = (i) => {
    const list = make("dl");
    if (map.label) list.append(make("dt", "", "label"), make("dd", "", map.groups.label[map.label[i]].name));
    list.append(make("dt", "", map.noun), make("dd", "", map.groups.cluster[map.cluster[i]].short));
    (map.rows[i] ?? []).forEach((text, column) => list.append(make("dt", "", map.columns[column]), make("dd", "", text)));
    return list;
  };
  const line = (i) => (map.lines[i] ? [make("p", "line", map.lines[i])] : []);
  const showTip = (i) => {
    tip.replaceChildren();
    if (map.sheet) tip.append(thumbnail(i, 84));
    tip.append(make("b", "", map.ids[i]), ...line(i), facts(i));
    tip.hidden = false;
    place(tip, ...screen(i));
  };
  const showKept = () => {
    kept.replaceChildren();
    const i = state.kept;
    if (i < 0) {
      kept.append(make("p", "note", "Click a sample to keep it here, with the samples whose codes are nearest."));
      return;
    }
    const who = kept.appendChild(make("div", "who"));
    if (map.sheet) who.append(thumbnail(i, 92));
    const text = who.appendChild(make("div"));
    text.style.flex = "1";
    text.append(make("b", "", map.ids[i]), ...line(i), facts(i));
    if (!map.neighbours) return;
    kept.append(make("h3", "", "Nearest codes"));
    const near = kept.appendChild(make("div", "near"));
    map.neighbours[i].forEach((other) => {
      const button = near.appendChild(make("button"));
      button.type = "button";
      if (map.sheet) button.append(thumbnail(other, 40));
      else button.textContent = map.ids[other];
      const label = map.label ? `, ${map.groups.label[map.label[other]].name}` : "";
      button.title = `${map.ids[other]}${label}${map.lines[other] ? `: ${map.lines[other]}` : ""}`;
      button.setAttribute("aria-label", `Keep ${button.title}`);
      button.addEventListener("click", () => keep(other));
    });
  };
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
  };

  const swatch = (group) => {
    const node = document.createElement("canvas");
    node.className = "swatch";
    node.width = node.height = 22;
    const brush = node.getContext("2d");
    brush.fillStyle = ink(group);
    brush.beginPath();
    [
      () => brush.arc(11, 11, 10, 0, 2 * Math.PI),
      () => brush.rect(2, 2, 18, 18),
      () => { brush.moveTo(11, 1); brush.lineTo(21, 20); brush.lineTo(1, 20); },
      () => { brush.moveTo(11, 0); brush.lineTo(22, 11); brush.lineTo(11, 22); brush.lineTo(0, 11); },
    ][group.shape]();
    brush.fill();
    return node;
  };
  const showLegend = () => {
    legendTitle.textContent = state.colour === "label" ? "Labels" : `${map.noun[0].toUpperCase()}${map.noun.slice(1)}s`;
    legend.replaceChildren(...groups().map((group, code) => {
      const item = make("li");
      const button = item.appendChild(make("button"));
      button.type = "button";
      button.setAttribute("aria-pressed", String(state.group === code));
      button.append(swatch(group), make("span", "name", group.name), make("span", "count", group.count.toLocaleString("en")));
      button.addEventListener("click", () => {
        state.group = state.group === code ? null : code;
        all("button", legend).forEach((each, other) => each.setAttribute("aria-pressed", String(other === state.group)));
        draw();
      });
      return item;
    }));
  };

  // ---- looking, keeping, zooming --------------------------------------------------------------------------------
  const under = (x, y, reach) => {
    const on = pictures.find((p) => x >= p.left && x <= p.right && y >= p.top && y <= p.bottom);
    if (on) return on.i;
    let best = -1;
    let least = reach * reach;
    for (let i = 0; i < count; i += 1) {
      if (faded(i)) continue;
      const [px, py] = screen(i);
      const away = (px - x) ** 2 + (py - y) ** 2;
      if (away < least) { least = away; best = i; }
    }
    return best;
  };
  const pan = (x, y) => {
    const least = (length) => length * (1 - state.zoom);
    state.x = Math.max(least(size.width), Math.min(0, x));
    state.y = Math.max(least(size.height), Math.min(0, y));
  };
  const zoomTo = (zoom, x = size.width / 2, y = size.height / 2) => {
    const next = Math.max(1, Math.min(16, zoom));
    const ratio = next / state.zoom;
    const [oldX, oldY] = [state.x, state.y];
    state.zoom = next;
    pan(x - (x - oldX) * ratio, y - (y - oldY) * ratio);
    canvas.classList.toggle("zoomed", next > 1);
    look(-1);
  };
  const toward = (dx, dy) => {
    if (state.hot < 0) return look(state.kept >= 0 ? state.kept : under(size.width / 2, size.height / 2, Infinity));
    const [x, y] = screen(state.hot);
    let best = -1;
    let least = Infinity;
    for (let i = 0; i < count; i += 1) {
      if (i === state.hot || faded(i)) continue;
      const [px, py] = screen(i);
      const ahead = (px - x) * dx + (py - y) * dy;
      const aside = Math.abs((px - x) * dy) + Math.abs((py - y) * dx);
      if (ahead <= 0 || aside > ahead || !inside(px, py)) continue;
      if (ahead + aside < least) { least = ahead + aside; best = i; }
    }
    if (best >= 0) look(best);
    return undefined;
  };
  let drag = null;
  const local = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  canvas.addEventListener("pointerdown", (event) => {
    const [x, y] = local(event);
    drag = { x, y, fromX: state.x, fromY: state.y, moved: false };
    if (state.zoom > 1) canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    const [x, y] = local(event);
    if (drag && Math.hypot(x - drag.x, y - drag.y) > 5) drag.moved = true;
    if (drag && drag.moved && state.zoom > 1) {
      pan(drag.fromX + x - drag.x, drag.fromY + y - drag.y);
      look(-1);
    } else if (!drag) {
      const found = under(x, y, 14);
      if (found !== state.hot) look(found);
    }
  });
  canvas.addEventListener("pointerup", (event) => {
    if (drag && !drag.moved) {
      const [x, y] = local(event);
      const found = under(x, y, event.pointerType === "touch" ? 26 : 14);
      look(found);
      keep(found === state.kept ? -1 : found);
    }
    drag = null;
  });
  canvas.addEventListener("pointercancel", () => { drag = null; });
  canvas.addEventListener("pointerleave", () => { if (!drag) look(-1); });
  canvas.addEventListener("blur", () => look(-1));
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return; // a plain wheel scrolls the page; with Ctrl, or by pinching, it zooms
    event.preventDefault();
    zoomTo(state.zoom * Math.exp(-event.deltaY / 200), ...local(event));
  }, { passive: false });
  const keys = {
    ArrowLeft: () => toward(-1, 0),
    ArrowRight: () => toward(1, 0),
    ArrowUp: () => toward(0, -1),
    ArrowDown: () => toward(0, 1),
    Enter: () => keep(state.hot),
    " ": () => keep(state.hot),
    Escape: () => { look(-1); keep(-1); },
    "+": () => zoomTo(state.zoom * 1.6),
    "=": () => zoomTo(state.zoom * 1.6),
    "-": () => zoomTo(state.zoom / 1.6),
    0: () => zoomTo(1),
  };
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  const zooms = { in: () => zoomTo(state.zoom * 1.6), out: () => zoomTo(state.zoom / 1.6), all: () => zoomTo(1) };
  all("[data-zoom]").forEach((button) => button.addEventListener("click", zooms[button.dataset.zoom]));

  const colourButtons = all("[data-colour]");
  colourButtons.forEach((button) => button.addEventListener("click", () => {
    press(colourButtons, button);
    state.colour = button.dataset.colour;
    state.group = null;
    showLegend();
    draw();
  }));
  const drawButtons = all("[data-draw]");
  drawButtons.forEach((button) => button.addEventListener("click", () => {
    press(drawButtons, button);
    state.draw = button.dataset.draw;
    draw();
  }));

  const start = () => { readInks(); showLegend(); showKept(); draw(); };
  onTheme.push(() => { readInks(); showLegend(); draw(); });
  new ResizeObserver(draw).observe(stage);
  start();
  if (map.sheet) {
    const picture = new Image();
    picture.onload = () => { sprite = picture; showKept(); draw(); };
    picture.src = map.sheet.uri;
  }
}
