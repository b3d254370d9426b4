// The buttons: copy, clear, demo, theme, help and chaos.

import { recall, remember } from "./remember.js";

const $ = (id) => document.getElementById(id);

export async function copyText(text) {
  if (!text) return;
  await navigator.clipboard.writeText(text);
  $("announcer").textContent = "Copied";
}

async function copy(button) {
  await copyText($(button.dataset.copy).textContent);
  const label = button.lastElementChild;
  const before = button.dataset.label ??= label.textContent;
  label.textContent = "Copied";
  setTimeout(() => { label.textContent = before; }, 1500);
}

/** Calls the server's API. The error is what the server says. */
async function call(method, path, body) {
  const answer = await fetch(path, { method, headers: { "Content-Type": "application/json" }, body: body && JSON.stringify(body) });
  const text = await answer.text();
  let said = {};
  try { said = JSON.parse(text); } catch { /* it is no JSON, so it is for people */ }
  if (!answer.ok) throw new Error(said.message ?? (text.slice(0, 300) || `the server answered ${answer.status}`));
  return said;
}

const confirmFor = 4000;

// The first press asks, the second does it.
async function clear(button) {
  const label = button.querySelector(".label");
  if (!button.classList.contains("button-danger")) {
    button.classList.add("button-danger");
    label.textContent = "Sure?";
    $("announcer").textContent = "Press again to forget everything received";
    setTimeout(() => {
      button.classList.remove("button-danger");
      label.textContent = "Clear";
    }, confirmFor);
    return;
  }
  await call("POST", "/api/reset", {});
  button.classList.remove("button-danger");
  label.textContent = "Clear";
  $("announcer").textContent = "Cleared";
}

async function demo(button) {
  button.disabled = true;
  try {
    await call("POST", "/api/demo", {});
  } finally {
    button.disabled = false;
  }
}

const themes = { "": "automatic", light: "light", dark: "dark" };

function nextTheme() {
  const names = Object.keys(themes);
  const next = names[(names.indexOf(document.documentElement.dataset.theme ?? "") + 1) % names.length];
  if (next) document.documentElement.dataset.theme = next;
  else delete document.documentElement.dataset.theme;
  remember("theme", next);
  nameTheme();
  $("announcer").textContent = $("theme").title;
}

function nameTheme() {
  const button = $("theme");
  button.title = `Theme: ${themes[document.documentElement.dataset.theme ?? ""]}`;
  button.querySelector(".unseen").textContent = button.title;
}

export const shortcutsOn = () => recall("shortcuts") !== "off";

export const setShortcuts = (on) => remember("shortcuts", on ? "on" : "off");

export async function toggleHelp() {
  const help = $("help");
  if (help.open) return help.close();
  help.showModal();
  try {
    fillChaos(await call("GET", "/api/chaos"));
  } catch (error) {
    $("chaos-result").textContent = error.message;
  }
}

function fillChaos(chaos) {
  for (const input of $("chaos").querySelectorAll("input")) input.value = chaos[input.name] ?? "";
}

async function putChaos(event) {
  event.preventDefault();
  const result = $("chaos-result");
  const wanted = event.submitter?.value === "off" ? {} : Object.fromEntries(new FormData(event.target));
  try {
    await call("PUT", "/api/chaos", { fail: "", latency: "", ratelimit: "", ...wanted });
    fillChaos(await call("GET", "/api/chaos"));
    result.textContent = Object.values(wanted).some(Boolean) ? "Chaos is on." : "Chaos is off.";
  } catch (error) {
    result.textContent = error.message;
  }
}

const clicks = { clear, demo, theme: nextTheme, "help-open": toggleHelp };

export function watch() {
  nameTheme();
  document.addEventListener("click", async (event) => {
    const control = event.target.closest("button, a");
    if (!control) return;
    const act = control.dataset.copy ? copy : clicks[control.id];
    if (!act) return;
    event.preventDefault();
    try {
      await act(control);
    } catch (error) {
      $("announcer").textContent = error.message;
      $("failure").textContent = error.message;
      $("failure").hidden = false;
      setTimeout(() => { $("failure").hidden = true; }, 8000);
    }
  });
  $("chaos").addEventListener("submit", putChaos);
}
