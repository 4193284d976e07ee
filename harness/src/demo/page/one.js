// One request: timeline, bytes, environment, processes.
import { ask, configuration, h, ms, page, wayName } from "/main.js";
import { bytes } from "/bytes.js";

const state = { way: "cgi", app: "python", rest: "?show=1", body: "", sent: null, trouble: null, busy: false };

/** The part of the page; `send(way)` is what the lesson drives. */
export function one() {
  return { draw, async send(way, app = "python", body = "") {
    Object.assign(state, { way, app, rest: app === "python" ? "?show=1" : "", body });
    await send();
  } };
}

async function send() {
  Object.assign(state, { busy: true, trouble: null });
  draw();
  try {
    const { way, app, rest, body } = state;
    state.sent = { ...(await ask("POST", "/api/send", { way, app, rest, body })), way };
  } catch (error) {
    state.trouble = error.message;
  }
  state.busy = false;
  draw();
}

function draw() {
  document.getElementById("one").replaceChildren(controls(), ...(state.sent ? result(state.sent) : []));
}

function controls() {
  const choose = (name, value, label) => h("button", {
    type: "button", "aria-pressed": String(state[name] === value), onclick: () => { state[name] = value; draw(); },
  }, label);
  const field = (name) => (event) => { state[name] = event.target.value; };
  return h("form", { class: "card", onsubmit: (event) => { event.preventDefault(); send(); } },
    h("h2", {}, page.t("one.title")),
    h("p", { class: "quiet" }, page.t("one.lead")),
    h("div", { class: "row" },
      h("fieldset", {}, h("legend", {}, page.t("one.way")), page.about.ways.map((way) => choose("way", way, wayName(way)))),
      h("fieldset", {}, h("legend", {}, page.t("one.app")), page.about.apps.map((app) => choose("app", app, page.t(`app.${app}`)))),
    ),
    h("div", { class: "row" },
      h("label", {}, "/app", h("input", { value: state.rest, oninput: field("rest"), size: 24, spellcheck: "false", "aria-label": page.t("one.rest") })),
      h("label", {}, page.t("one.body"), h("input", { value: state.body, oninput: field("body"), size: 16 })),
      h("button", { class: "main", id: "send", disabled: state.busy }, page.t(state.busy ? "one.busy" : "one.send")),
    ),
    state.trouble ? h("p", { class: "bad", role: "alert" }, state.trouble) : "");
}

function result(sent) {
  return [summary(sent), timeline(sent), processes(sent), wires(sent), environment(sent), rest(sent)];
}

function summary(sent) {
  const born = newcomers(sent).length;
  const told = sent.told?.pid ? page.t("one.told", { pid: sent.told.pid, served: sent.told.served }) : "";
  return h("div", { class: "card", role: "status" },
    h("div", { class: "row" }, wayName(sent.way),
      h("span", { class: sent.status && sent.status < 400 ? "good" : "bad" }, sent.status ? page.t("one.status", { status: sent.status }) : page.t("one.none")),
      h("strong", {}, ms(sent.took_us)), h("span", {}, page.t(born ? "one.born" : "one.unborn", { born })), h("span", { class: "quiet" }, told)),
    sent.trouble ? h("p", { class: "bad" }, sent.trouble) : "");
}

function timeline({ steps }) {
  const end = Math.max(...steps.map((step) => step.at_us), 1);
  const rows = steps.slice(1).flatMap((step, index) => {
    const before = steps[index].at_us;
    const [left, width] = [100 * before / end, 100 * (step.at_us - before) / end];
    return [
      h("span", { title: page.t(`step.${step.name}.note`) }, page.t(`step.${step.name}`)),
      h("span", { class: "track" }, h("span", { class: `bar from-${step.from}`, style: `left:${left}%;width:${width}%` })),
      h("span", { class: "quiet number" }, `+${ms(step.at_us - before)}`),
    ];
  });
  const legend = ["client", "wire", "server", "application"].map((from) => h("span", {}, h("i", { class: `from-${from}` }), page.t(`from.${from}`)));
  return h("div", { class: "card" }, h("h2", {}, page.t("one.timeline")),
    h("p", { class: "quiet" }, page.t("one.timeline.lead")),
    h("div", { class: "steps" }, rows), h("p", { class: "legend" }, legend));
}

/** Processes that were not there before. */
function newcomers(sent) {
  const before = new Set(sent.before.map((process) => process.pid));
  return sent.during.filter((process) => !before.has(process.pid));
}

function processes(sent) {
  const born = new Set(newcomers(sent).map((process) => process.pid));
  const depths = new Map();
  const tree = (list) => h("ul", { class: "tree" }, list.map((process) => {
    const depth = (depths.get(process.parent) ?? -1) + 1;
    depths.set(process.pid, depth);
    const lived = process.gone_us ? page.t("one.lived", { time: ms(process.gone_us - process.from_us) }) : "";
    return h("li", { class: born.has(process.pid) ? "new" : "" }, `${"  ".repeat(depth)}${process.pid} ${process.command} ${lived}`);
  }));
  return h("div", { class: "card" }, h("h2", {}, page.t("one.processes")),
    h("p", { class: "quiet" }, page.t("one.processes.lead")),
    h("div", { class: "columns" }, ["before", "during", "after"].map((when) => h("div", {}, h("h3", {}, page.t(`one.${when}`)), tree(sent[when])))));
}

function wires(sent) {
  const first = sent.wires[0]?.at_us ?? 0;
  const bursts = sent.wires.map((burst) => h("div", { class: "burst" },
    h("h4", {}, `${page.t(`leg.${burst.leg}.${burst.direction}`)} `,
      h("span", { class: "quiet" }, `${ms(burst.at_us - first)} · ${burst.event || page.t("bytes.octets", { count: burst.octets.length / 2 })}`)),
    burst.octets ? bytes(burst) : ""));
  return h("div", { class: "card" }, h("h2", {}, page.t("one.bytes")), h("p", { class: "quiet" }, page.t("one.bytes.lead")), bursts);
}

function environment({ told }) {
  if (!told?.environ) return h("div", { class: "card" }, h("h2", {}, page.t("one.environment")), h("p", { class: "quiet" }, page.t("one.environment.none")));
  const rows = Object.entries(told.environ).map(([name, value]) => h("tr", {}, h("td", { class: "mono" }, name), h("td", { class: "mono" }, value)));
  return h("div", { class: "card" }, h("h2", {}, page.t("one.environment")), h("p", { class: "quiet" }, page.t("one.environment.lead")),
    h("div", { class: "scroll", tabindex: "0" }, h("table", {}, h("tbody", {}, rows))));
}

function rest(sent) {
  const logs = sent.logs.filter(([, text]) => text).map(([who, text]) => h("div", {}, h("h3", {}, page.t("logs.of", { who })), h("pre", { class: "wrap", tabindex: "0" }, text)));
  return h("div", { class: "card" }, h("h2", {}, page.t("one.running")), configuration(sent.shown), logs);
}
