// Draws the matrix from the data on the page, and one case when its link is followed.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const grid = document.getElementById("grid"), form = document.getElementById("filter"), panel = document.getElementById("case");
  if (!grid) return;
  const make = (name, attributes = {}, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) value === true ? element.setAttribute(key, "") : value && element.setAttribute(key, value);
    element.append(...children.filter((child) => child !== null && child !== undefined));
    return element;
  };
  const anchor = (row, column) => `${row.id}--${column.gateway}--${column.model}--${column.backend}`.replace(/[^A-Za-z0-9]/gu, "-");
  const violations = new Set(["fail", "crash", "hang", "known"]);
  const rows = [], cases = new Map();
  for (const topic of data.topics) {
    for (const row of topic.rows) {
      row.topic = topic;
      row.name = row.id.slice(topic.name.length + 1);
      row.text = [row.id, row.says, row.level, ...row.rules].join(" ").toLowerCase();
      rows.push(row);
      data.columns.forEach((column, at) => row.cells[at] !== " " && cases.set(anchor(row, column), [row, at]));
    }
  }
  const small = rows.length * data.columns.length <= 2500;
  const open = new Set(small ? data.topics.map((topic) => topic.name) : []);
  const lone = new Set(data.lone), changed = new Set(data.changed);

  // What is asked for stands in the address, so that a view can be handed on.
  const asked = new URLSearchParams(location.search);
  const choose = (name, values) => {
    for (const value of [...new Set(values)]) form.elements[name].append(make("option", { value }, value));
    form.elements[name].value = asked.get(name) || "";
  };
  choose("gateway", data.columns.map((column) => column.gateway));
  choose("model", data.columns.map((column) => column.model));
  choose("backend", data.columns.map((column) => column.backend));
  form.elements.text.value = asked.get("q") || "";
  for (const box of form.querySelectorAll("[name=mark]")) box.checked = asked.getAll("mark").includes(box.value);
  const remember = () => {
    const now = new URLSearchParams();
    const values = new FormData(form);
    for (const [key, value] of values) if (value) now.append(key === "text" ? "q" : key, value);
    const query = now.toString();
    try { history.replaceState(null, "", (query ? `?${query}` : location.pathname) + location.hash); } catch { /* a file may not change its address */ }
  };

  const sign = (letter) => data.marks[letter];
  const shown = () => data.columns.map((column, at) => [column, at]).filter(([column]) =>
    ["gateway", "model", "backend"].every((key) => !form.elements[key].value || form.elements[key].value === column[key]));
  const head = (columns) => {
    const bands = make("tr", {}, make("td")), names = make("tr", {}, make("td"));
    columns.forEach(([column], at) => {
      column.first = !at || columns[at - 1][0].gateway !== column.gateway;
      if (column.first) {
        const span = columns.filter(([other]) => other.gateway === column.gateway).length;
        bands.append(make("th", { scope: "colgroup", colspan: String(span), class: "first" }, column.gateway));
      }
      names.append(make("th", { scope: "col", class: column.first && "first" }, column.model,
        column.carrier ? make("small", {}, ` via ${column.carrier}`) : null, make("small", { class: "backend" }, column.backend)));
    });
    return make("thead", {}, bands, names);
  };
  const tally = (of, at) => {
    const counts = {};
    for (const row of of) if (row.cells[at] !== " ") counts[row.cells[at]] = (counts[row.cells[at]] || 0) + 1;
    return Object.keys(data.marks).sort((a, b) => "pfchskube".indexOf(a) - "pfchskube".indexOf(b)).filter((letter) => counts[letter])
      .map((letter) => make("span", { class: sign(letter).class }, `${counts[letter]}${sign(letter).symbol}`));
  };
  const cell = (row, [column, at]) => {
    const letter = row.cells[at];
    if (letter === " ") return make("td", { class: column.first && "first" });
    const { class: kind, symbol, word } = sign(letter), told = row.told[at];
    const why = told && told.facts && (told.facts.find(([name]) => name === "reason") || told.facts.find(([name]) => name === "actual"));
    return make("td", { class: column.first && "first" }, make("a", { class: `mark ${kind}`, href: `#${anchor(row, column)}`, title: word + (why ? `: ${why[1].slice(0, 300)}` : "") },
      make("i", { "aria-hidden": "true" }, symbol), make("span", { class: "quiet" }, word), told && told.differs ? make("sup", { title: "the models differ" }, "≠") : null));
  };
  const line = (row, columns) => make("tr", { class: "row" },
    make("th", { scope: "row" }, make("details", {}, make("summary", {}, row.name, " ", row.level === "required" ? null : make("em", {}, row.level)),
      make("p", {}, row.says), make("p", { class: "rules" }, ...row.rules.flatMap((rule) => [make("code", { title: data.rules[rule] }, rule), " "])))),
    ...columns.map((column) => cell(row, column)));

  const draw = () => {
    const words = form.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const ticked = new Set([...form.querySelectorAll("[name=mark]:checked")].map((box) => box.value));
    const columns = shown();
    const holds = (row) => !ticked.size || columns.some(([, at]) => row.cells[at] !== " " &&
      (ticked.has(sign(row.cells[at]).class) || (ticked.has("differs") && row.told[at] && row.told[at].differs))) ||
      (ticked.has("lone") && lone.has(row.id)) || (ticked.has("changed") && changed.has(row.id));
    const fits = (row) => columns.some(([, at]) => row.cells[at] !== " ") && words.every((word) => row.text.includes(word)) && holds(row);
    const narrowed = words.length || ticked.size;
    const all = [];
    const bodies = data.topics.map((topic) => {
      const found = topic.rows.filter(fits);
      if (!found.length) return null;
      all.push(...found);
      const isOpen = open.has(topic.name) || (narrowed && found.length <= 400);
      const button = make("button", { type: "button", "aria-expanded": String(Boolean(isOpen)) }, topic.name, make("small", {}, ` ${found.length}`));
      button.addEventListener("click", () => { open.has(topic.name) ? open.delete(topic.name) : open.add(topic.name); draw(); });
      return make("tbody", {}, make("tr", { class: "topic" }, make("th", { scope: "rowgroup" }, button),
        ...columns.map(([column, at]) => make("td", { class: column.first && "first" }, ...tally(found, at)))),
        ...(isOpen ? found.map((row) => line(row, columns)) : []));
    });
    const heads = head(columns);
    const foot = make("tfoot", {}, make("tr", { class: "topic" }, make("th", { scope: "row" }, "together"),
      ...columns.map(([column, at]) => make("td", { class: column.first && "first" }, ...tally(all, at)))));
    grid.replaceChildren(heads, ...bodies.filter(Boolean), foot);
    form.elements.shown.value = `${all.length} of ${rows.length} scenarios, ${columns.length} of ${data.columns.length} columns`;
    remember();
  };

  const isTold = (row, at) => violations.has(sign(row.cells[at]).class);
  const show = (row, at) => {
    const column = data.columns[at], { class: kind, symbol, word } = sign(row.cells[at]), told = row.told[at] || {};
    const close = make("button", { type: "button", class: "close", "aria-label": "close" }, "×");
    close.addEventListener("click", () => panel.close());
    const facts = (told.facts || []).flatMap(([name, value]) => [make("dt", {}, name), make("dd", { class: name.replace(" ", "-") }, value)]);
    const rules = row.rules.flatMap((rule) => [make("dt", {}, "rule"), make("dd", {}, make("code", {}, rule), ` ${data.rules[rule] || ""}`)]);
    const observed = (told.observed || []).flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, make("code", {}, value))]);
    const elsewhere = data.columns.map((other, index) => [other, index]).filter(([, index]) => row.cells[index] !== " ").map(([other, index]) =>
      make("li", {}, make("a", { href: `#${anchor(row, other)}`, class: index === at && "here" }, make("span", { class: `mark ${sign(row.cells[index]).class}` }, sign(row.cells[index]).symbol), ` ${other.label}`)));
    panel.replaceChildren(...[close,
      make("h3", { id: "case-title" }, make("span", { class: `mark ${kind}` }, `${symbol} ${word}`), " ", make("code", {}, row.id), " ", make("em", {}, row.level)),
      make("p", { class: "place" }, column.label), make("p", {}, row.says), make("dl", {}, ...facts, ...observed, ...rules),
      told.replay ? make("p", { class: "replay" }, "again: ", make("code", {}, told.replay)) : null,
      told.wire !== undefined ? make("pre", { tabindex: "0" }, data.wires[told.wire]) : told.path ? make("p", { class: "place" }, make("small", {}, "transcript in ", make("code", {}, told.path))) : null,
      make("details", { open: elsewhere.length <= 12 || isTold(row, at) }, make("summary", {}, `the same case on ${elsewhere.length} pairings`), make("ul", { class: "elsewhere" }, ...elsewhere))].filter(Boolean));
    if (!panel.open) panel.showModal();
    panel.scrollTop = 0;
  };
  panel.addEventListener("close", () => { if (cases.has(location.hash.slice(1))) try { history.replaceState(null, "", location.pathname + location.search); } catch { location.hash = "matrix"; } });
  panel.addEventListener("click", (event) => { if (event.target === panel) panel.close(); });
  const follow = () => {
    const name = decodeURIComponent(location.hash.slice(1));
    if (cases.has(name)) return show(...cases.get(name));
    const row = name.startsWith("of-") && rows.find((row) => `of-${row.id}`.replace(/[^A-Za-z0-9]/gu, "-") === name);
    if (row) { if (panel.open) panel.close(); form.reset(); form.elements.text.value = row.id; draw(); document.getElementById("matrix").scrollIntoView(); }
  };
  addEventListener("hashchange", follow);
  form.addEventListener("input", draw);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  // Paper cannot unfold.
  addEventListener("beforeprint", () => { for (const details of document.querySelectorAll("details")) details.open = true; });
  draw();
  follow();
})();
