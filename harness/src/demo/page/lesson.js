// The guided tour: chapters that drive the page.
import { h, page } from "/main.js";

const show = (tab) => page.show(tab);

// What each chapter lets happen on the page; its words are in words.js.
const CHAPTERS = [
  { id: "wsgi", act: async () => { show("one"); await page.parts.one.send("http"); } },
  { id: "cgi", act: async () => { show("one"); await page.parts.one.send("cgi"); } },
  { id: "warm", act: async () => { show("one"); await page.parts.one.send("cgi-warm"); } },
  { id: "fastcgi", act: async () => { show("one"); await page.parts.one.send("fastcgi"); } },
  { id: "uwsgi", act: async () => { show("one"); await page.parts.one.send("uwsgi", "python", "name=value"); } },
  { id: "load", act: async () => { show("many"); await page.parts.many.start({ lanes: ["cgi", "fastcgi", "uwsgi"], work: "python", connections: 8, rate: 0 }); } },
  { id: "nginx", act: async () => { show("breaks"); await page.parts.breaks.play("headers", "uwsgi"); } },
  { id: "options", act: async () => { show("breaks"); await page.parts.breaks.play("slow", "uwsgi"); } },
];

const state = { chapter: 0, busy: false, open: true };

/** The part of the page. */
export function lesson() {
  return { draw };
}

function go(chapter) {
  if (CHAPTERS[state.chapter].id === "load" && chapter !== state.chapter) page.parts.many.stop();
  state.chapter = chapter;
  draw();
}

async function act() {
  state.busy = true;
  draw();
  try {
    await CHAPTERS[state.chapter].act();
  } finally {
    state.busy = false;
    draw();
  }
  document.getElementById("lesson").dataset.done = CHAPTERS[state.chapter].id;
}

function draw() {
  const at = document.getElementById("lesson");
  const { id } = CHAPTERS[state.chapter];
  const toggle = h("button", { type: "button", "aria-expanded": String(state.open), onclick: () => { state.open = !state.open; draw(); } }, page.t(state.open ? "lesson.close" : "lesson.open"));
  if (!state.open) {
    at.replaceChildren(h("p", {}, toggle));
    return;
  }
  const chapters = CHAPTERS.map((chapter, index) => h("li", {}, h("button", {
    type: "button", "aria-pressed": String(index === state.chapter), "data-chapter": chapter.id, onclick: () => go(index),
  }, `${index + 1}. ${page.t(`lesson.${chapter.id}`)}`)));
  at.replaceChildren(h("div", { class: "card" },
    h("div", { class: "row" }, h("h2", { id: "lesson-title", style: "flex:1" }, page.t("lesson.title")), toggle),
    h("ol", {}, chapters),
    h("h3", {}, page.t(`lesson.${id}`)),
    page.t(`lesson.${id}.text`).split("\n").map((line) => h("p", {}, line)),
    h("div", { class: "row" },
      h("button", { type: "button", class: "main", id: "act", disabled: state.busy, onclick: act }, page.t(state.busy ? "lesson.busy" : `lesson.${id}.act`)),
      state.chapter + 1 < CHAPTERS.length ? h("button", { type: "button", id: "next", onclick: () => go(state.chapter + 1) }, page.t("lesson.next")) : "",
    )));
}
