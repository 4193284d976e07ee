// The bytes of a wire, field by field: pointing at one shows the other, and what it is for.
import { h, page } from "/main.js";

const SHOWN = 4096;

/** Leaves of the field tree, which together are the octets. */
function leaves(fields) {
  return fields.flatMap((field) => (field.parts?.length ? leaves(field.parts) : [field]));
}

function printable(octets) {
  return octets.length > 0 && octets.every((octet) => octet === 9 || octet === 10 || octet === 13 || (octet >= 32 && octet < 127));
}

function octetsOf(hex) {
  return Uint8Array.from(hex.slice(0, SHOWN * 2).match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** Variables and text as text, everything else in hexadecimal. */
function spelled(octets) {
  if (printable(octets)) return new TextDecoder().decode(octets);
  return [...octets].map((octet) => (octet >= 33 && octet < 127 && octets.length > 12
    ? String.fromCharCode(octet)
    : octet.toString(16).padStart(2, "0") + " ")).join("");
}

/** One burst: its octets beside its fields, and what the chosen one is for. */
export function bytes(burst) {
  const octets = octetsOf(burst.octets);
  const explain = h("div", { class: "explain", "aria-live": "polite" }, page.t("bytes.point"));
  const spans = new Map();
  const buttons = new Map();
  const choose = (field) => {
    for (const element of [...spans.values(), ...buttons.values()]) element.classList.remove("on");
    buttons.get(field)?.classList.add("on");
    for (const leaf of field.parts?.length ? leaves(field.parts) : [field]) spans.get(leaf)?.classList.add("on");
    const place = page.t("bytes.place", { from: field.from, to: field.to, count: field.to - field.from });
    explain.replaceChildren(
      h("strong", {}, `${field.name}: `), h("code", {}, field.value), h("br"),
      page.or(`note.${field.key}`, null) ?? field.note ?? "", " ",
      h("span", { class: "quiet" }, [field.section, place].filter(Boolean).join(" · ")),
      field.warning ? h("div", { class: "bad" }, field.warning) : "",
    );
  };
  const hex = h("div", { class: "hex", tabindex: "0" });
  for (const leaf of leaves(burst.fields)) {
    const part = octets.slice(leaf.from, leaf.to);
    if (!part.length) continue;
    const span = h("span", { class: printable(part) ? "text" : "", onmouseenter: () => choose(leaf), onclick: () => choose(leaf) }, spelled(part));
    spans.set(leaf, span);
    hex.append(span);
  }
  const list = (fields) => h("ul", {}, fields.map((field) => {
    const button = h("button", { type: "button", onmouseenter: () => choose(field), onfocus: () => choose(field), onclick: () => choose(field) },
      h("strong", {}, field.name), field.value ? `: ${field.value}` : "", field.warning ? " ⚠" : "");
    buttons.set(field, button);
    return h("li", {}, button, field.parts?.length ? list(field.parts) : "");
  }));
  const cut = burst.octets.length > SHOWN * 2 ? h("p", { class: "quiet" }, page.t("bytes.cut", { shown: SHOWN })) : "";
  return h("div", {}, h("div", { class: "bytes" }, h("div", { class: "fields" }, list(burst.fields)), h("div", {}, hex, cut)), explain);
}
