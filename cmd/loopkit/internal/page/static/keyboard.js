// Shortcuts, each of one or two keys. They can be switched off in the help.

import { askText } from "./address.js";
import * as drawer from "./drawer.js";
import { copyText, setShortcuts, shortcutsOn, toggleHelp } from "./actions.js";
import { focusRow, rows, togglePause } from "./live.js";

const live = document.body.dataset.page === "live";
const pages = { l: "/", p: "/people", g: "/groups", w: "/warnings", s: "/schema" };
const sequence = 1500; // to wait for the key after g

let going = 0; // until when a key after g counts
let handled = ""; // the key that just did something

function move(step) {
  const all = rows();
  if (all.length === 0) return;
  const at = all.indexOf(document.activeElement.closest("tr[data-seq]"));
  const selected = all.findIndex((row) => row.ariaSelected === "true");
  const from = at >= 0 ? at : selected;
  const row = all[Math.max(0, Math.min(from < 0 ? 0 : from + step, all.length - 1))];
  focusRow(row);
  if (drawer.isOpen()) drawer.open(row.dataset.seq, { focus: false });
}

function currentRow() {
  return document.activeElement.closest("#events tr[data-seq]") ?? document.querySelector('#events tr[aria-selected="true"]');
}

async function copyJSON() {
  const row = currentRow();
  if (!row) return;
  const html = await askText(`/event/${row.dataset.seq}`);
  if (!html) return;
  const page = new DOMParser().parseFromString(html, "text/html");
  await copyText(page.getElementById("json")?.textContent);
}

const onLive = {
  j: () => move(1),
  k: () => move(-1),
  ArrowDown: () => move(1),
  ArrowUp: () => move(-1),
  Enter: () => drawer.open(currentRow().dataset.seq),
  p: togglePause,
  c: copyJSON,
};

function act(key) {
  if (Date.now() < going) {
    going = 0;
    if (!pages[key]) return false;
    location.href = pages[key];
    return true;
  }
  if (key === "g") going = Date.now() + sequence;
  else if (key === "?") toggleHelp();
  else if (key === "/" && live) document.getElementById("q").select();
  else if (live && onLive[key]) onLive[key]();
  else return false;
  return true;
}

// Arrows and Enter have a meaning of their own outside the list.
function applies(event) {
  const inList = event.target.closest("#events tr[data-seq]");
  if (event.key === "Enter") return inList && event.target === inList;
  if (event.key.startsWith("Arrow")) return Boolean(inList);
  return shortcutsOn();
}

function press(event) {
  handled = "";
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || document.querySelector("dialog[open]")) return;
  const typing = event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");
  if (event.key === "Escape" && live) {
    if (typing?.id === "q") document.getElementById("results").focus();
    else drawer.close();
  } else if (!typing && applies(event) && act(event.key)) {
    event.preventDefault();
    handled = event.key;
  }
}

// What drives browsers by program types the / into the field that it opened.
function type(event) {
  if (event.key === handled) event.preventDefault();
}

export function watch() {
  document.addEventListener("keydown", press);
  document.addEventListener("keypress", type);
  const box = document.getElementById("shortcuts-on");
  box.checked = shortcutsOn();
  box.addEventListener("change", () => setShortcuts(box.checked));
}
