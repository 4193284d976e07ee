// Lanes under the same load, side by side.
import { ask, h, ms, page, wayName } from "/main.js";

const state = { lanes: ["cgi", "fastcgi", "uwsgi"], work: "python", connections: 8, rate: 0, workers: 2, running: false, moments: [], trouble: null };
const KEPT = 120;
let source = null;

/** The part of the page; `start` and `stop` are what the lesson drives. */
export function many() {
  return { draw, start, stop };
}

async function start(wish = {}) {
  Object.assign(state, wish, { moments: [], trouble: null, running: true });
  draw();
  try {
    const { lanes, work, connections, rate, workers } = state;
    await ask("POST", "/api/load", { lanes, work, connections, rate, workers });
    listen();
  } catch (error) {
    Object.assign(state, { running: false, trouble: error.message });
    draw();
  }
}

function listen() {
  source?.close();
  source = new EventSource("/api/load/moments");
  source.onmessage = (event) => {
    const moment = JSON.parse(event.data);
    if (moment.lanes.length) state.moments = [...state.moments, moment].slice(-KEPT);
    if (moment.ended) ended(moment.ended === "stopped" ? null : moment.ended);
    else drawMoment();
  };
  source.onerror = () => ended(page.t("many.lost"));
}

function ended(why) {
  source?.close();
  Object.assign(state, { running: false, trouble: why });
  draw();
}

async function stop() {
  await ask("DELETE", "/api/load");
  ended(null);
}

async function change() {
  if (!state.running) return;
  try {
    await ask("PATCH", "/api/load", { connections: state.connections, rate: state.rate });
  } catch (error) {
    state.trouble = error.message;
    draw();
  }
}

function draw() {
  document.getElementById("many").replaceChildren(controls(), h("div", { id: "lanes" }));
  drawMoment();
}

// Positions of a slider, so that a hand reaches one and a thousand alike.
const RATES = [0, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];
const CONNECTIONS = [1, 2, 4, 8, 16, 32, 64, 128, 256];

function slider(name, values, shown, disabled = false) {
  const output = h("output", {}, shown(state[name]));
  return h("label", {}, page.t(`many.${name}`), h("input", {
    type: "range", min: 0, max: values.length - 1, value: values.indexOf(state[name]), disabled, "aria-label": page.t(`many.${name}`),
    oninput: (event) => { state[name] = values[event.target.value]; output.textContent = shown(state[name]); },
    onchange: change,
  }), output);
}

function controls() {
  const toggle = (way) => {
    state.lanes = state.lanes.includes(way) ? state.lanes.filter((lane) => lane !== way) : page.about.ways.filter((lane) => lane === way || state.lanes.includes(lane));
    draw();
  };
  const works = ["compiled", "python", "wait"];
  return h("div", { class: "card" },
    h("h2", {}, page.t("many.title")), h("p", { class: "quiet" }, page.t("many.lead")),
    h("fieldset", {}, h("legend", {}, page.t("many.lanes")), page.about.ways.map((way) => h("button", {
      type: "button", disabled: state.running, "aria-pressed": String(state.lanes.includes(way)), onclick: () => toggle(way),
    }, wayName(way)))),
    h("fieldset", { style: "margin:.5rem 0" }, h("legend", {}, page.t("many.work")), works.map((work) => h("button", {
      type: "button", disabled: state.running, "aria-pressed": String(state.work === work), onclick: () => { state.work = work; draw(); },
    }, page.t(`work.${work}`)))),
    h("div", { class: "row" },
      slider("connections", CONNECTIONS, String),
      slider("rate", RATES, (rate) => (rate ? page.t("many.per-second", { rate }) : page.t("many.full"))),
      slider("workers", [1, 2, 4, 8, 16], String, state.running),
      h("button", { type: "button", class: "main", id: "load", disabled: !state.running && !state.lanes.length, onclick: () => (state.running ? stop() : start()) },
        page.t(state.running ? "many.stop" : "many.start"))),
    state.trouble ? h("p", { class: "notice", role: "alert" }, state.trouble) : "");
}

function drawMoment() {
  const at = document.getElementById("lanes");
  const moment = state.moments.at(-1);
  if (!at) return;
  if (!moment) {
    at.replaceChildren(state.running ? h("p", { class: "quiet" }, page.t("many.starting")) : "");
    return;
  }
  at.replaceChildren(notice(moment), h("div", { class: "columns" }, moment.lanes.map(lane)), plot());
}

/** Who limits: the page says so rather than let a figure lie. */
function notice({ machine, at }) {
  const words = [page.t("many.machine", {
    at: at.toFixed(0), cpus: machine.cpus, busy: machine.busy?.toFixed(0) ?? "?", forks: machine.forks?.toFixed(0) ?? "?",
  })];
  if (machine.busy > 90) words.push(page.t("many.full-machine"));
  if (machine.stolen > 5) words.push(page.t("many.stolen", { stolen: machine.stolen.toFixed(0) }));
  return h("p", { class: machine.busy > 90 ? "notice" : "quiet", role: "status" }, words.join(" "));
}

function lane(lane) {
  const perRequest = lane.way === "cgi" || lane.way === "cgi-warm";
  const row = (key, value) => [h("dt", { class: "quiet" }, page.t(key)), h("dd", {}, value)];
  const badge = (pid, kind) => h("span", { class: `way-color ${kind}`, title: page.t(`many.${kind}`, { pid }) }, pid);
  const passing = lane.passing.slice(0, 60);
  return h("div", { class: `card lane way-lane ${lane.way}`, style: `color:var(--${lane.way})` },
    h("h3", {}, wayName(lane.way)),
    h("div", { class: "rps" }, Math.round(lane.rps).toLocaleString(), h("span", { class: "quiet" }, ` ${page.t("many.rps")}`)),
    h("dl", {},
      row("many.p50", lane.p50_us == null ? "—" : ms(lane.p50_us)), row("many.p99", lane.p99_us == null ? "—" : ms(lane.p99_us)),
      row("many.cpu", lane.cpu == null ? "—" : `${lane.cpu.toFixed(0)} %`),
      row("many.memory", lane.memory == null ? "—" : `${(lane.memory / 1048576).toFixed(1)} MiB`),
      lane.queued == null ? [] : row("many.queued", lane.queued.toFixed(lane.queued < 10 ? 1 : 0)),
      row("many.answered", lane.answered.toLocaleString()), row("many.waiting", lane.waiting.toLocaleString()),
      row("many.failed", lane.failed ? h("span", { class: "bad" }, `${lane.failed}: ${lane.failure ?? ""}`) : "0")),
    h("div", { class: "quiet" }, page.t(perRequest ? "many.come" : "many.stay")),
    h("div", { class: "processes", style: `color:var(--${lane.way})` }, lane.workers.map((pid) => badge(pid, "worker")), passing.map((pid) => badge(pid, "passing")),
      lane.passing.length > passing.length ? h("span", {}, `+${lane.passing.length - passing.length}`) : ""));
}

const SVG = "http://www.w3.org/2000/svg";

function svg(name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text) element.textContent = text;
  return element;
}

const DASHES = { cgi: "", "cgi-warm": "7 3", fastcgi: "2 3", uwsgi: "10 4 2 4", http: "4 4" };

/** Answered requests per second over time, on a logarithmic scale: the lanes are far apart. */
function plot() {
  // As wide as there is room, so that a phone does not shrink the words along with the picture.
  const room = document.getElementById("lanes").clientWidth - 40;
  const [width, height, left, bottom] = [Math.max(260, Math.min(800, room)), 180, 52, 20];
  const top = Math.max(10, ...state.moments.flatMap((moment) => moment.lanes.map((lane) => lane.rps)));
  const y = (rps) => (height - bottom) * (1 - Math.log10(Math.max(rps, 1)) / Math.log10(top * 1.2)) + 4;
  const x = (index) => left + (width - left - 70) * index / (KEPT - 1);
  const drawn = svg("svg", { class: "plot", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": page.t("many.plot") });
  for (let mark = 1; mark <= top * 1.2; mark *= 10) {
    drawn.append(svg("line", { x1: left, x2: width - 70, y1: y(mark), y2: y(mark) }), svg("text", { x: left - 6, y: y(mark) + 4, "text-anchor": "end" }, mark.toLocaleString()));
  }
  const lanes = state.moments.at(-1).lanes;
  lanes.forEach(({ way }, number) => {
    const points = state.moments.map((moment, index) => [x(index), y(moment.lanes[number]?.rps ?? 0)]);
    drawn.append(svg("polyline", { points: points.map((point) => point.join(",")).join(" "), stroke: `var(--${way})`, "stroke-dasharray": DASHES[way] }));
    const [endX, endY] = points.at(-1);
    const label = svg("text", { x: endX + 5, y: endY + 4 }, page.t(`way.${way}`));
    label.style.fill = `var(--${way})`;
    drawn.append(label);
  });
  return h("div", { class: "card" }, h("h3", {}, page.t("many.plot")), drawn);
}
