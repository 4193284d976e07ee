// What breaks, broken and mended.
import { ask, configuration, h, page, wayName } from "/main.js";

const state = { way: "fastcgi", chosen: null, played: {}, busy: false, trouble: null };

/** The part of the page; `play` is what the lesson drives. */
export function breaks() {
  return { draw, play };
}

async function play(id, way = state.way) {
  Object.assign(state, { chosen: id, way, busy: true, trouble: null, played: {} });
  draw();
  try {
    for (const mended of [false, true]) {
      state.played[mended ? "mended" : "broken"] = await ask("POST", `/api/breaks/${id}`, { way, mended });
      draw();
    }
  } catch (error) {
    state.trouble = error.message;
  }
  state.busy = false;
  draw();
}

function draw() {
  const { played } = state;
  document.getElementById("breaks").replaceChildren(controls(),
    ...(state.chosen ? [story()] : []),
    h("div", { class: "columns" }, ["broken", "mended"].filter((how) => played[how]).map((how) => outcome(how, played[how]))));
}

function controls() {
  return h("div", { class: "card" }, h("h2", {}, page.t("breaks.title")), h("p", { class: "quiet" }, page.t("breaks.lead")),
    h("fieldset", {}, h("legend", {}, page.t("one.way")), page.about.ways.map((way) => h("button", {
      type: "button", disabled: state.busy, "aria-pressed": String(way === state.way), onclick: () => { state.way = way; draw(); },
    }, wayName(way)))),
    h("div", { class: "row", style: "margin-top:.6rem" }, page.about.troubles.map(({ id }) => h("button", {
      type: "button", disabled: state.busy, "data-trouble": id, "aria-pressed": String(id === state.chosen), onclick: () => play(id),
    }, page.t(`trouble.${id}`)))),
    state.trouble ? h("p", { class: "bad", role: "alert" }, state.trouble) : "");
}

function story() {
  const { options } = page.about.troubles.find(({ id }) => id === state.chosen);
  return h("div", { class: "card" }, h("h2", {}, page.t(`trouble.${state.chosen}`), " · ", wayName(state.way)),
    h("p", {}, page.t(`trouble.${state.chosen}.story`)),
    h("p", {}, page.t("breaks.option"), " ", h("code", {}, options[state.way])),
    state.busy ? h("p", { class: "quiet", role: "status" }, page.t("breaks.busy")) : "");
}

function outcome(how, played) {
  const end = Math.max(1, ...played.clients.map((client) => client.from_ms + client.took_ms));
  const rows = played.clients.flatMap((client) => {
    const good = client.status && client.status < 400 && !client.trouble;
    const word = client.trouble ?? page.t("one.status", { status: client.status });
    const by = client.pid ? page.t("breaks.by", { pid: client.pid, served: client.served }) : "";
    return [
      h("code", {}, client.query.replace("&show=1", "").replace("?show=1", "/")),
      h("span", { class: "track" }, h("span", { class: `bar from-${good ? "server" : "application"}`, style: `left:${100 * client.from_ms / end}%;width:${100 * client.took_ms / end}%` })),
      h("span", {}, h("span", { class: good ? "good" : "bad" }, word), ` ${client.took_ms.toFixed(0)} ms `, h("span", { class: "quiet" }, by)),
    ];
  });
  const gone = played.before.filter(({ pid }) => !played.after.some((process) => process.pid === pid));
  const born = played.after.filter(({ pid }) => !played.before.some((process) => process.pid === pid));
  const pids = (list) => list.map(({ pid }) => pid).join(", ") || "—";
  return h("div", { class: "card", "data-how": how }, h("h2", {}, page.t(`breaks.${how}`)),
    h("div", { class: "steps" }, rows),
    h("p", { class: "quiet" }, page.t("breaks.processes", { gone: pids(gone), born: pids(born), memory: played.memory ? (played.memory / 1048576).toFixed(0) : "?" })),
    played.logs.filter(([, text]) => text).map(([who, text]) => h("div", {}, h("h3", {}, page.t("logs.of", { who })), h("pre", { class: "wrap", tabindex: "0" }, text))),
    h("details", {}, h("summary", {}, page.t("one.running")), configuration(played.shown)));
}
