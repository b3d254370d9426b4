// Keeps elements with data-live="address" up to date with what the server
// renders there, about once a second. It waits while somebody types or has
// selected text, and says so.

import { askText } from "./address.js";

const interval = 1000;
const idle = 10; // times what a refresh takes, so that many people do not keep the machine busy

let shown = Number(document.body.dataset.version);
let newest = shown;
let timer = 0;

document.addEventListener("loopkit:counts", ({ detail }) => {
  newest = detail.version;
  schedule();
});
document.addEventListener("loopkit:reset", () => { shown = -1; });
for (const name of ["selectionchange", "focusout"]) document.addEventListener(name, () => setTimeout(release, 0));

function schedule() {
  if (newest !== shown && !timer) timer = setTimeout(refresh, 0);
}

async function refresh() {
  const version = newest;
  const begun = performance.now();
  try {
    let complete = true;
    for (const element of document.querySelectorAll("[data-live]")) {
      complete = await swap(element) && complete;
    }
    if (complete) shown = version;
  } finally {
    timer = setTimeout(() => {
      timer = 0;
      schedule();
    }, Math.max(interval, idle * (performance.now() - begun)));
  }
}

const note = document.getElementById("waits");

/** Says whether updates wait, with what for; nothing if they do not. */
function tell(why) {
  note.hidden = !why;
  if (note.textContent !== why) note.textContent = why;
}

function release() {
  if (!note.hidden && !Array.from(document.querySelectorAll("[data-live]")).some(inUse)) tell("");
}

/** Returns why an element must stay as it is, or nothing. */
function inUse(element) {
  const selection = getSelection();
  if (element.contains(document.activeElement) && document.activeElement.matches("input, textarea, select")) {
    return "Updates wait while you are in this field";
  }
  if (!selection.isCollapsed && selection.rangeCount > 0 && selection.getRangeAt(0).intersectsNode(element)) {
    return "Updates wait while text is selected";
  }
  return "";
}

async function swap(element) {
  if (!note.hidden && inUse(element)) return false;
  const html = await askText(element.dataset.live, { statuses: [200, 404] });
  if (html === null) return false;
  const page = new DOMParser().parseFromString(html, "text/html");
  const fresh = (element.id && page.getElementById(element.id)) || page.body;
  if (fresh.dataset.title) document.title = `${fresh.dataset.title} · LoopKit dev`;
  if (fresh.innerHTML === element.innerHTML) return true;
  const why = inUse(element);
  tell(why);
  if (why) return false;
  const open = new Set(Array.from(element.querySelectorAll("details[id][open]"), (details) => details.id));
  for (const details of fresh.querySelectorAll("details[id]")) details.open ||= open.has(details.id);
  const focus = placeOfFocus(element);
  element.replaceChildren(...fresh.childNodes);
  element.dispatchEvent(new CustomEvent("loopkit:swap", { bubbles: true }));
  focus?.restore();
  return true;
}

/** Remembers what has the focus by what it does, since it will be another element. */
function placeOfFocus(element) {
  const focused = document.activeElement;
  if (!element.contains(focused) || focused === element) return null;
  const selector = selectorOf(focused);
  const nth = Array.from(element.querySelectorAll(selector)).indexOf(focused);
  return {
    restore() {
      const same = element.querySelectorAll(selector);
      const next = same[nth] ?? same[same.length - 1] ?? document.getElementById("main");
      next.focus({ preventScroll: true });
    },
  };
}

function selectorOf(focused) {
  if (focused.id) return `#${CSS.escape(focused.id)}`;
  for (const name of ["href", "data-copy", "data-mute"]) {
    const value = focused.getAttribute(name);
    if (value !== null) return `[${name}="${CSS.escape(value)}"]`;
  }
  if (focused.matches("summary") && focused.parentElement.id) return `#${CSS.escape(focused.parentElement.id)} > summary`;
  return focused.localName;
}
