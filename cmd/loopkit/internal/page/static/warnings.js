// Muting of rules. Which ones are muted is kept in this browser.
import { recall, remember } from "./remember.js";

function muted() {
  return new Set(recall("muted").split(" ").filter(Boolean));
}

function toggle(id) {
  const set = muted();
  if (!set.delete(id)) set.add(id);
  remember("muted", [...set].join(" "));
  show(set);
}

function show(set) {
  let count = 0;
  for (const rule of document.querySelectorAll("[data-rule]")) {
    const on = set.has(rule.dataset.rule);
    const button = rule.querySelector("[data-mute]");
    rule.classList.toggle("rule-muted", on);
    button.setAttribute("aria-pressed", on);
    if (on) count++;
  }
  const note = document.getElementById("muted-count");
  if (note) note.textContent = count ? ` ${count} muted in this browser.` : "";
  report(set);
}

const whole = new WeakMap(); // the Markdown as the server wrote it, by its element

// report leaves muted rules out of the Markdown.
function report(set) {
  const area = document.getElementById("report");
  if (!area) return;
  if (!whole.has(area)) whole.set(area, area.textContent);
  const parts = whole.get(area).split(/\n(?=## W-)/);
  area.textContent = parts.filter((part) => !set.has(/^## (\S+):/.exec(part)?.[1])).join("\n");
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-mute]");
  if (button) toggle(button.dataset.mute);
});

document.addEventListener("loopkit:swap", () => show(muted()));
show(muted());
