// Filters the matrix, moves through it by keyboard, and opens its cells. Whatever comes from a
// loader is put in as text: no markup is made of it here.
"use strict";

const find = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const parsed = (id) => JSON.parse(document.getElementById(id).textContent);
const data = parsed("data");
const lazily = (id) => { let value; return () => (value ??= parsed(id)); };
const details = lazily("details"), kills = lazily("kills");

/** An element with attributes and children; a text child is a text. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== null && child !== ""));
  return element;
}

// Theme: the reader's choice, or the system's.
const theme = find(".theme");
const remembered = { get() { try { return localStorage.theme; } catch { return ""; } },
                     set(value) { try { localStorage.theme = value; } catch { /* not kept */ } } };
const dark = () => (document.documentElement.dataset.theme ||
  (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
function wear(name) {
  if (name) document.documentElement.dataset.theme = name;
  theme.setAttribute("aria-pressed", dark());
}
theme.addEventListener("click", () => { wear(dark() ? "light" : "dark"); remembered.set(dark() ? "dark" : "light"); });
wear(["light", "dark"].includes(remembered.get()) ? remembered.get() : "");

// Filters.
const form = find(".controls"), matrix = find("#matrix"), table = find("table", matrix);
const shown = document.head.appendChild(make("style"));
const bodies = all("tbody:not(.group)", table).map((body) => ({
  body, level: body.dataset.level, toggle: find("button[aria-expanded]", body), open: false,
  rows: all("tr[data-r]", body).map((row) => {
    const about = data.requirements[row.dataset.r];
    const choice = "c" in row.dataset ? data.choices[row.dataset.c] : null;
    const said = [about.chapter, about.name, about.name.replaceAll("_", " "), about.sentence, choice ? choice[0] : ""];
    return { row, about, cells: choice ? choice[1] : about.cells, text: said.join("\n").toLowerCase(),
             outcomes: choice ? [] : about.cells, hit: true };
  }),
}));
for (const each of bodies) each.open = each.atFirst = each.toggle.getAttribute("aria-expanded") === "true";

const columns = () => all("[name=loader]", form).filter((box) => box.checked).map((box) => Number(box.value));
const filtering = () => Boolean(form.elements.text.value.trim() || form.elements.chapter.value ||
  form.elements.level.value || form.elements.outcome.value || form.elements.differences.checked);

function filter() {
  const { text, chapter, level, outcome, differences } = form.elements;
  const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
  const wanted = outcome.value ? data.outcomes.findIndex(([word]) => word === outcome.value) : -1;
  const seen = columns();
  for (const each of bodies) {
    for (const row of each.rows) {
      row.hit = (!chapter.value || row.about.chapter === chapter.value) &&
        (!level.value || each.level === level.value) &&
        words.every((word) => row.text.includes(word)) &&
        (wanted < 0 || seen.some((column) => row.outcomes[column] === wanted)) &&
        (!differences.checked || new Set(seen.map((column) => row.cells[column])).size > 1);
    }
    each.open = filtering() || each.atFirst;
  }
  // Columns are hidden by their place, so that a loader's name has no part in it.
  const hidden = data.loaders.map((_, column) => column).filter((column) => !seen.includes(column));
  shown.textContent = hidden.map((column) =>
    `.matrix tr:not(.whole) > :nth-child(${column + 2}) { display: none }`).join("\n");
  find(".picked", form).textContent = `${seen.length} of ${data.loaders.length}`;
  draw();
}

function draw() {
  const left = new Set();
  for (const { body, rows, toggle, open } of bodies) {
    const hits = rows.filter((row) => row.hit);
    body.hidden = hits.length === 0;
    toggle.setAttribute("aria-expanded", open);
    for (const { row, hit } of rows) row.hidden = !(hit && open);
    for (const { about } of hits) left.add(about);
  }
  for (const group of all("tbody.group", table)) {
    group.hidden = bodies.every(({ body, level }) => level !== group.dataset.level || body.hidden);
  }
  find(".nothing", matrix).hidden = left.size > 0;
  find(".status").textContent = `${left.size} of ${data.requirements.length} requirements`;
  form.elements.expand.textContent = bodies.every(({ body, open }) => open || body.hidden) ? "Collapse all" : "Expand all";
  settle();
}

form.addEventListener("input", filter);
form.addEventListener("change", filter);  // all that some drivers and helpers of readers send
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("reset", () => setTimeout(filter));
for (const [name, checked] of [["every", true], ["none", false]]) {
  form.elements[name].addEventListener("click", () => {
    for (const box of all("[name=loader]", form)) box.checked = checked;
    filter();
  });
}
form.elements.expand.addEventListener("click", () => {
  const open = form.elements.expand.textContent === "Expand all";
  for (const each of bodies) each.open = open;
  draw();
});

// One cell of the matrix is a stop of the Tab key; the arrows go from there.
const cells = () => all("tr[data-r]:not([hidden])", table).filter((row) => !row.parentElement.hidden);
const visible = (button) => button.offsetParent !== null;
let stop = null;
function settle(button = null) {
  const next = button || (stop && visible(stop) ? stop : all("td button", table).find(visible)) || null;
  if (stop) stop.tabIndex = -1;
  if (next) next.tabIndex = 0;
  stop = next;
}
table.addEventListener("keydown", (event) => {
  const cell = event.target.closest("td");
  if (!cell || event.ctrlKey || event.metaKey || event.altKey) return;
  const along = (list, step) => {
    for (let at = list.indexOf(event.target) + step; list[at]; at += step) if (visible(list[at])) return list[at];
    return null;
  };
  const row = () => all("td button", cell.parentElement);
  const column = () => cells().map((each) => find("button", each.cells[cell.cellIndex]));
  const moves = {
    ArrowRight: () => along(row(), 1), ArrowLeft: () => along(row(), -1),
    ArrowDown: () => along(column(), 1), ArrowUp: () => along(column(), -1),
    Home: () => row().find(visible), End: () => row().findLast(visible),
  };
  if (!Object.hasOwn(moves, event.key)) return;
  event.preventDefault();
  const next = moves[event.key]();
  if (next) { settle(next); next.focus(); next.scrollIntoView({ block: "nearest", inline: "nearest" }); }
});
addEventListener("keydown", (event) => {
  if (event.key === "/" && !dialog.open && !/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) {
    event.preventDefault();
    form.elements.text.focus();
  }
});
table.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const body = bodies.find(({ toggle }) => toggle === button);
  if (body) {
    body.open = !body.open;
    draw();
  } else {
    settle(button);
    const cell = button.closest("td");
    open(Number(cell.parentElement.dataset.r), cell.cellIndex - 1);
  }
});

// What a cell opens to.
const dialog = find("dialog");
const outcomeOf = (about, column) => data.outcomes[about.cells[column]];

function open(row, column) {
  const about = data.requirements[row], loader = data.loaders[column];
  const said = details()[`${row},${column}`] || {};
  const [word, mark, kind] = outcomeOf(about, column);
  const close = make("button", { type: "button", class: "close", "aria-label": "Close" }, "×");
  close.addEventListener("click", () => dialog.close());
  const list = make("dl", {});
  const tell = (term, ...parts) => {
    if (parts.flat().length) list.append(make("div", {}, make("dt", {}, term), make("dd", {}, ...parts.flat())));
  };
  const code = (text) => (text ? [make("code", {}, text)] : []);
  tell("why", said.message || []);
  tell(word === "documented otherwise" ? "documented" : "known as", said.known ? [make("p", {}, said.known)] : [], said.link ? [source(said.link)] : []);
  tell("asked", code(said.asked));
  tell("with", code(said.example));
  tell("came", (said.came || []).map(([name, value]) => make("p", {}, make("code", {}, `${name} = ${value}`))));
  tell("observed", (said.observations || []).map((text) => make("p", {}, text)));
  tell("source", about.source.map(source));
  find(".detail", dialog).replaceChildren(
    make("header", {},
      make("p", { class: "what" }, make("span", { class: `sign ${kind}`, "aria-hidden": "true" }, mark),
        make("b", { class: kind }, ` ${word}`), " ", make("bdi", {}, loader.name), " ", make("small", {}, make("bdi", {}, loader.version))),
      close),
    make("h2", { id: "detail-title" }, about.sentence),
    make("p", { class: "id" }, make("code", {}, `${about.chapter}.${about.name}`), make("small", {}, ` ${about.level}, from ${about.basis}`)),
    list,
    ...(said.script ? copied("The script that reproduces it", said.script) : []),
    ...[["traceback", "Traceback"], ["output", "What was printed"]].filter(([key]) => said[key]).map(([key, title]) =>
      make("details", {}, make("summary", {}, title), make("pre", { tabindex: "0" }, said[key]))),
    others(row, column),
    ...proofs(about.name));
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  close.focus();
  history.replaceState(null, "", `#${encodeURIComponent(about.name)}&${encodeURIComponent(loader.name)}`);
}

/** A claim with what it says, or a link if it is one to the web. */
function source(text) {
  if (/^https?:\/\//.test(text)) return make("p", {}, make("a", { href: text, rel: "noopener noreferrer" }, text));
  const says = Object.hasOwn(data.claims, text) ? data.claims[text] : "";
  return make("p", {}, make("b", {}, text), says ? ` ${says}` : "");
}

function copied(title, text) {
  const button = make("button", { type: "button", class: "copy" }, "Copy");
  const pre = make("pre", { tabindex: "0" }, text);
  button.addEventListener("click", async () => {
    let done = true;
    try {
      await navigator.clipboard.writeText(text);
    } catch {  // where a page from a file may not write to the clipboard
      getSelection().selectAllChildren(pre);
      done = document.execCommand("copy");
    }
    button.textContent = done ? "Copied" : "Select it and copy";
    find("#said").textContent = button.textContent;
    setTimeout(() => { button.textContent = "Copy"; find("#said").textContent = ""; }, 2000);
  });
  return [make("div", { class: "bar-of" }, make("h3", {}, title), button), pre];
}

/** What became of the same requirement on the other loaders, each of them a way there. */
function others(row, column) {
  const about = data.requirements[row];
  const list = make("ul", { class: "others" });
  data.loaders.forEach((loader, other) => {
    if (other === column) return;
    const [word, mark, kind] = outcomeOf(about, other);
    const button = make("button", { type: "button" }, make("span", { class: `sign ${kind}`, "aria-hidden": "true" }, mark),
      make("span", { class: "unseen" }, `${word}: `), make("bdi", {}, loader.name));
    button.addEventListener("click", () => open(row, other));
    list.append(make("li", {}, button));
  });
  return list.children.length ? make("section", {}, make("h3", {}, "The other loaders"), list) : "";
}

function proofs(name) {
  const mutants = Object.hasOwn(kills(), name) ? Object.entries(kills()[name]) : [];
  if (!mutants.length) return [];
  return [make("h3", {}, "Mutants it has to catch"), make("ul", { class: "mutants" },
    ...mutants.map(([mutant, by]) => make("li", {}, caught(by, name), ` ${mutant.replaceAll("_", " ")}`)))];
}
/** Whether a requirement is among those that catch a mutant; a text says why that was not judged. */
function caught(by, name) {
  if (typeof by === "string") return make("span", { class: "absent" }, `· not judged: ${by}`);
  return by.includes(name) ? make("span", { class: "kept" }, "✓ caught") : make("span", { class: "broken" }, "✗ not caught");
}

dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
dialog.addEventListener("close", () => { history.replaceState(null, "", location.pathname + location.search); stop?.focus(); });

// The kill matrix is drawn when it is asked for.
find(".kills")?.addEventListener("toggle", (event) => {
  const place = find(".scroll", event.target);
  if (place.children.length) return;
  const rows = Object.entries(kills()).flatMap(([name, mutants]) => Object.entries(mutants).map(([mutant, by]) => {
    const judged = typeof by !== "string";
    const more = judged ? by.filter((each) => each !== name) : [];
    return make("tr", {}, make("th", { scope: "row" }, name.replaceAll("_", " ")), make("td", {}, mutant.replaceAll("_", " ")),
      make("td", {}, caught(by, name)),
      make("td", {}, more.length ? make("details", {}, make("summary", {}, `${more.length} more`), more.join(", ").replaceAll("_", " ")) : judged ? "alone" : ""));
  }));
  place.append(make("table", { class: "plain" }, make("thead", {}, make("tr", {},
    ...["Requirement", "Mutant", "By its requirement", "Also caught by"].map((title) => make("th", { scope: "col" }, title)))),
  make("tbody", {}, ...rows)));
});

/** An address with a cell in it opens that cell. */
function follow() {
  let parts;
  try { parts = location.hash.slice(1).split("&").map(decodeURIComponent); } catch { return; }
  const row = data.requirements.findIndex(({ name }) => name === parts[0]);
  const column = data.loaders.findIndex(({ name }) => name === parts[1]);
  if (row >= 0 && column >= 0) open(row, column);
}
addEventListener("hashchange", follow);
draw();
follow();
