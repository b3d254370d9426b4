// Keeps elements with data-live="address" up to date with what the server
// renders there, at most once a second, and never under the user's hands.

import { ask } from "./address.js";

const interval = 1000;

let shown = Number(document.body.dataset.version);
let newest = shown;
let timer = 0;

document.addEventListener("loopkit:counts", ({ detail }) => {
  newest = detail.version;
  if (newest !== shown && !timer) timer = setTimeout(refresh, 0);
});
document.addEventListener("loopkit:reset", () => { shown = -1; });

async function refresh() {
  const version = newest;
  let complete = true;
  for (const element of document.querySelectorAll("[data-live]")) {
    complete = await swap(element) && complete;
  }
  if (complete) shown = version;
  timer = setTimeout(() => {
    timer = 0;
    if (newest !== shown) timer = setTimeout(refresh, 0);
  }, interval);
}

function inUse(element) {
  const selection = getSelection();
  return element.contains(document.activeElement)
    || (!selection.isCollapsed && selection.rangeCount > 0 && selection.getRangeAt(0).intersectsNode(element));
}

async function swap(element) {
  if (inUse(element)) return false;
  const answer = await ask(element.dataset.live);
  if (!answer?.ok && answer?.status !== 404) return false;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = (element.id && page.getElementById(element.id)) || page.body;
  if (inUse(element)) return false;
  if (fresh.innerHTML === element.innerHTML) return true;
  const open = new Set(Array.from(element.querySelectorAll("details[id][open]"), (details) => details.id));
  for (const details of fresh.querySelectorAll("details[id]")) details.open ||= open.has(details.id);
  element.replaceChildren(...fresh.childNodes);
  element.dispatchEvent(new CustomEvent("loopkit:swap", { bubbles: true }));
  return true;
}
