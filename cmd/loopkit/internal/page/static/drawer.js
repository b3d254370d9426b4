// The details of one event, beside the list.

import { askText, parameter, setAddress } from "./address.js";
import { focusRow, markSelected, release, rowOf } from "./live.js";
import { recall, remember } from "./remember.js";

const drawer = document.getElementById("drawer");
const narrowest = 320;

let wanted = null; // the event that was asked for last
let asking = new AbortController();

export const isOpen = () => !drawer.hidden;

/** Shows an event. The focus stays in the list while somebody walks through it. */
export async function open(seq, { focus = true } = {}) {
  wanted = seq;
  asking.abort(); // or the server renders what nobody looks at any more
  asking = new AbortController();
  const html = await askText(`/event/${seq}${location.search}`, { statuses: [200, 404], signal: asking.signal });
  if (wanted !== seq || html === null) return;
  drawer.innerHTML = html;
  drawer.hidden = false;
  document.body.classList.add("with-drawer");
  setAddress({ sel: seq });
  markSelected();
  setWidth(width());
  if (focus) drawer.focus();
}

export function close() {
  wanted = null;
  if (!isOpen()) return;
  const row = rowOf(parameter("sel"));
  const within = drawer.contains(document.activeElement) || document.activeElement === document.body;
  drawer.hidden = true;
  document.body.classList.remove("with-drawer");
  drawer.replaceChildren();
  setAddress({ sel: "", tab: "" });
  markSelected();
  if (within && row) focusRow(row);
  else if (within) document.getElementById("results").focus();
  release();
}

function show(tab) {
  for (const other of drawer.querySelectorAll('[role="tab"]')) {
    const front = other === tab;
    other.ariaSelected = front;
    other.tabIndex = front ? 0 : -1;
    document.getElementById(other.getAttribute("aria-controls")).hidden = !front;
  }
  setAddress({ tab: tab.id === "tab-summary" ? "" : tab.id.slice("tab-".length) });
}

function arrows(event) {
  const tab = event.target.closest('[role="tab"]');
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (tab && step) {
    const tabs = Array.from(drawer.querySelectorAll('[role="tab"]'));
    const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
    show(next);
    next.focus();
    event.preventDefault();
  } else if (step && event.target.id === "drawer-grip") {
    chooseWidth(width() - 16 * step);
    event.preventDefault();
  }
}

// The search marks text without changing it, where the browser can do that.
function search(text) {
  const found = [];
  const code = document.getElementById("json");
  const walker = document.createTreeWalker(code, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); text && node; node = walker.nextNode()) {
    const content = node.data.toLowerCase();
    for (let at = content.indexOf(text); at >= 0; at = content.indexOf(text, at + text.length)) {
      const range = new Range();
      range.setStart(node, at);
      range.setEnd(node, at + text.length);
      found.push(range);
    }
  }
  document.getElementById("json-found").textContent = text ? `${found.length} found` : "";
  if (globalThis.CSS?.highlights) CSS.highlights.set("json-search", new Highlight(...found));
  found[0]?.startContainer.parentElement.scrollIntoView({ block: "nearest" });
}

function width() {
  return Number(recall("drawer")) || 480;
}

function setWidth(wanted) {
  const pixels = Math.round(Math.max(narrowest, Math.min(wanted, innerWidth * 0.7)));
  document.documentElement.style.setProperty("--drawer-width", `${pixels}px`);
  document.getElementById("drawer-grip")?.setAttribute("aria-valuenow", pixels);
  return pixels;
}

// What a narrow window takes away comes back in a wider one.
const chooseWidth = (wanted) => remember("drawer", setWidth(wanted));

function drag(event) {
  if (event.target.id !== "drawer-grip") return;
  const grip = event.target;
  grip.setPointerCapture(event.pointerId);
  const move = (event) => chooseWidth(innerWidth - event.clientX);
  grip.addEventListener("pointermove", move);
  grip.addEventListener("lostpointercapture", () => grip.removeEventListener("pointermove", move), { once: true });
}

export function watch() {
  setWidth(width());
  document.getElementById("main").addEventListener("click", (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    const link = event.target.closest("a, button");
    const row = event.target.closest("#events tr[data-seq]");
    if (row && (!link || link.matches(".row-link")) && (link || getSelection().isCollapsed)) {
      event.preventDefault();
      focusRow(row);
      open(row.dataset.seq);
    }
  });
  drawer.addEventListener("click", (event) => {
    const tab = event.target.closest('[role="tab"]');
    if (tab) show(tab);
    if (event.target.closest("#drawer-close")) close();
    if (tab || event.target.closest("#drawer-close")) event.preventDefault();
  });
  drawer.addEventListener("keydown", arrows);
  drawer.addEventListener("pointerdown", drag);
  drawer.addEventListener("input", (event) => event.target.id === "json-search" && search(event.target.value.toLowerCase()));
  document.addEventListener("loopkit:reset", close);
}
