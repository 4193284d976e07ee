// The page: language, tabs, and the parts that fill them.
import { WORDS } from "/words.js";
import { one } from "/one.js";
import { many } from "/many.js";
import { breaks } from "/breaks.js";
import { lesson } from "/lesson.js";

const LANGUAGES = Object.keys(WORDS);

export const page = {
  about: { ways: [], apps: [], troubles: [] },
  language: "en",
  parts: {},

  /** The text of a key; `{name}` is filled from `values`. */
  t(key, values = {}) {
    const text = WORDS[this.language][key] ?? WORDS.en[key] ?? key;
    return text.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
  },

  /** A translation if there is one, else the given text. */
  or(key, text) {
    return WORDS[this.language][key] ?? text;
  },

  show(tab) {
    for (const name of ["one", "many", "breaks"]) {
      document.getElementById(name).hidden = name !== tab;
      const button = document.getElementById(`tab-${name}`);
      button.setAttribute("aria-selected", name === tab);
      button.tabIndex = name === tab ? 0 : -1;
    }
    this.tab = tab;
  },
};

/** An element: `h("p", { class: "quiet" }, "text", child)`. Text is never read as HTML. */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value != null) element.setAttribute(key, value);
  }
  element.append(...children.flat().filter((child) => child != null && child !== false));
  return element;
}

/** A way's name in its colour. */
export const wayName = (way) => h("span", { class: `way ${way}` }, page.t(`way.${way}`));

/** Asks the demo; throws with its own words. */
export async function ask(method, path, body) {
  const answer = await fetch(path, {
    method,
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (answer.status === 204) return null;
  const kind = answer.headers.get("Content-Type") ?? "";
  const told = kind.includes("json") ? await answer.json() : { error: await answer.text() };
  if (!answer.ok) throw new Error(told.error);
  return told;
}

/** A configuration with a button that copies it. */
export function configuration(shown) {
  return shown.map(({ name, text }) => {
    const copy = h("button", { type: "button", onclick: async () => {
      await navigator.clipboard.writeText(text);
      copy.textContent = page.t("copied");
    } }, page.t("copy"));
    return h("div", {}, h("div", { class: "row" }, h("strong", {}, name), copy), h("pre", { tabindex: "0" }, text));
  });
}

export const ms = (micros) => `${(micros / 1000).toFixed(micros < 10_000 ? 2 : 1)} ms`;

function speak(language) {
  page.language = LANGUAGES.includes(language) ? language : "en";
  localStorage.setItem("language", page.language);
  document.documentElement.lang = page.language;
  document.title = page.t("title");
  for (const element of document.querySelectorAll("[data-t]")) element.textContent = page.t(element.dataset.t);
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", button.dataset.language === page.language);
  }
  const { gateway, gatebench, cpus } = page.about;
  document.getElementById("about").textContent = page.t("about", { gateway, gatebench, cpus });
  for (const part of Object.values(page.parts)) part.draw();
  page.show(page.tab ?? "one");
}

async function begin() {
  page.about = await ask("GET", "/api/about");
  page.parts = { one: one(), many: many(), breaks: breaks(), lesson: lesson() };
  for (const button of document.querySelectorAll("[data-language]")) {
    button.addEventListener("click", () => speak(button.dataset.language));
  }
  const tabs = [...document.querySelectorAll("[role=tab]")];
  tabs.forEach((tab, index) => {
    tab.addEventListener("click", () => page.show(tab.id.slice(4)));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = tabs[(index + step + tabs.length) % tabs.length];
      next.focus();
      next.click();
    });
  });
  const wanted = new URLSearchParams(location.search).get("language");
  speak(wanted ?? localStorage.getItem("language") ?? navigator.language.slice(0, 2));
  document.body.dataset.ready = "yes";
}

begin();
