// The list of what arrived: batches from the stream go in at the top, unless
// that would move what somebody reads; then they are counted.

import { askJSON, parameter, setAddress } from "./address.js";
import { countsAddress } from "./connection.js";
import { number, plural } from "./counters.js";

const mostRows = 500; // in the document, those of requests included
const mostLive = 300; // of them while they come by themselves
const mostShining = 20; // rows at once, or the light is a glare
const quiet = 2000; // between two announcements
const mostRounds = 5; // of catching up with what comes meanwhile

const $ = (id) => document.getElementById(id);

let instance, shown; // the cursor: what is in the list
let seen; // what the stream told of
let oldest = 0; // the entries before it are no longer kept
let matched = Infinity; // events that are kept
let waiting = []; // batches that the list does not show yet
let generation = 0; // of the list: an answer about an earlier one is of no use
let paused = false;
let detached = false; // the list does not begin with the newest
let catching = false;
let announcing = 0;

/** Takes over a list that the server rendered. */
export function adopt() {
  const results = $("results");
  [instance, shown] = results.dataset.cursor.split(".");
  shown = seen = Number(shown);
  detached = results.dataset.before !== "0";
  waiting = [];
  oldest = 0;
  matched = Infinity;
  generation++;
  prepare($("events"));
  reachRows();
  showWaiting();
}

/** The address of something about the events that the list is to show. */
function filtered(path, extra) {
  const params = new URLSearchParams($("results").dataset.filters);
  for (const [name, value] of Object.entries(extra)) params.set(name, value);
  return `${path}?${params}`;
}

/** Where the stream begins. A filter that is wrong leaves only the numbers. */
export function streamAddress() {
  if ($("filter-error")) return countsAddress();
  return filtered("/live", { after: `${instance}.${seen}` });
}

export const rows = () => Array.from($("events").querySelectorAll("tr[data-seq]"));

export const rowOf = (seq) => $("events").querySelector(`tr[data-seq="${seq}"]`);

/** The row that Tab reaches, and the arrows leave from. */
export function focusRow(row) {
  $("events").querySelector('tr[tabindex="0"]')?.setAttribute("tabindex", "-1");
  row.tabIndex = 0;
  row.focus({ preventScroll: true });
  const box = row.getBoundingClientRect();
  const top = $("events").tHead.getBoundingClientRect().bottom + 40;
  if (box.top < top) scrollBy(0, box.top - top);
  else if (box.bottom > innerHeight - 16) scrollBy(0, box.bottom - innerHeight + 16);
}

/** Marks the row whose event is in the drawer. */
export function markSelected() {
  for (const row of $("events").querySelectorAll('tr[aria-selected="true"]')) row.ariaSelected = "false";
  const row = rowOf(parameter("sel"));
  if (row) row.ariaSelected = "true";
}

export function togglePause() {
  setPaused(!paused);
  release();
}

function setPaused(on) {
  paused = on;
  $("pause").ariaPressed = paused;
  $("announcer").textContent = paused ? "Paused" : "Resumed";
  showWaiting();
}

/** Catches up if nothing stands against it any more. */
export function release() {
  if (waiting.length > 0 && !held()) catchUp();
}

/** Shows the newest, whatever the list shows now. */
export async function catchUp() {
  if (paused) setPaused(false);
  if (catching) return;
  catching = true;
  const asked = generation;
  try {
    let rounds = 0;
    do {
      const batch = await askJSON(filtered("/rows", detached ? {} : { after: `${instance}.${shown}` }));
      if (!batch || asked !== generation) break;
      detached = false;
      setAddress({ before: "" });
      apply(batch);
    } while (waiting.length > 0 && ++rounds < mostRounds);
  } finally {
    catching = false;
    if (asked !== generation) release();
  }
}

async function loadOlder(link) {
  if (link.ariaBusy === "true") return;
  link.ariaBusy = "true";
  const asked = generation;
  const batch = await askJSON(filtered("/rows", { before: link.dataset.before }));
  link.ariaBusy = null;
  if (!batch || asked !== generation) return;
  const last = Array.from($("events").tBodies).at(-1);
  for (const body of parse(batch.html)) {
    if (body.dataset.request === last?.dataset.request) last.append(...body.querySelectorAll("tr.event"));
    else $("events").append(body);
  }
  if (trim(mostRows, () => $("events").tBodies[0].rows[1] ?? $("events").tBodies[0].rows[0]) > 0) detached = true;
  markSelected();
  showOlder(batch.older);
  showWaiting();
}

function held() {
  return paused || detached || scrollY > 40 || !$("drawer").hidden || $("events").contains(document.activeElement);
}

function take({ detail: batch }) {
  seen = batch.last;
  oldest = batch.oldest;
  matched = batch.matched;
  waiting = waiting.filter((earlier) => earlier.last >= oldest);
  for (const row of rows()) if (Number(row.dataset.seq) < batch.oldest) drop(row);
  for (const person of batch.people ?? []) rename(person);
  for (const cell of document.querySelectorAll("[data-total]:not(#results)")) cell.textContent = number(batch.total);
  for (const cell of document.querySelectorAll("[data-matched]")) cell.textContent = number(batch.matched);
  if (!held() && (batch.replace || batch.after <= shown)) {
    apply(batch);
  } else {
    if (batch.rows > 0 || batch.replace) waiting.push({ last: batch.last, rows: batch.rows });
    release();
  }
  showEmpty(batch);
  showWaiting();
}

function apply(batch) {
  if (batch.last < shown) return; // what came by itself was faster
  const table = $("events");
  const bodies = parse(batch.html);
  if (batch.replace) empty();
  for (const row of bodies.flatMap((body) => Array.from(body.querySelectorAll("tr[data-seq]")))) {
    const seq = Number(row.dataset.seq);
    if (seq < oldest || !batch.replace && seq <= shown) drop(row);
    else if (batch.replace) continue;
    else if (batch.rows <= mostShining) row.classList.add("fresh");
  }
  table.tHead.after(...bodies.filter((body) => body.querySelector("tr[data-seq]")));
  shown = batch.last;
  waiting = waiting.filter((later) => later.last > shown);
  const cut = trim(mostLive, () => table.rows[table.rows.length - 1]);
  markSelected();
  if (batch.replace || cut > 0) showOlder(cut > 0 ? rows().at(-1).dataset.seq : batch.older);
  showEmpty(batch);
  showWaiting();
}

function parse(html) {
  const template = document.createElement("template");
  template.innerHTML = `<table>${html}</table>`;
  prepare(template.content);
  return Array.from(template.content.querySelectorAll("tbody"));
}

// With a script, rows are what can be focused, and one of them by Tab.
function prepare(root) {
  for (const row of root.querySelectorAll("tr[data-seq]")) row.tabIndex = -1;
  for (const link of root.querySelectorAll("tbody a")) link.tabIndex = -1;
}

/** Removes a row, and its request with the last one. Returns how many rows of the table that were. */
function drop(row) {
  const body = row.parentElement;
  row.remove();
  if (body.querySelector("tr[data-seq]")) return 1;
  const left = body.rows.length;
  body.remove();
  return 1 + left;
}

/** Removes the rows that next returns until there are few enough. */
function trim(most, next) {
  const over = $("events").rows.length - $("events").tHead.rows.length - most;
  let cut = 0;
  while (cut < over) cut += drop(next());
  return cut;
}

function rename({ user, anonymous, person, groups, forgotten }) {
  for (const row of $("events").querySelectorAll("tr.event")) {
    const cell = row.querySelector(".cell-person");
    const named = forgotten && cell.querySelector(".person")?.getAttribute("href") === forgotten;
    if (row.dataset.user ? row.dataset.user !== user : !named && !anonymous?.includes(row.dataset.anon)) continue;
    if (person) name(cell, person);
    else if (named && !row.dataset.user) cell.replaceChildren(...cell.querySelectorAll(".anonymous"));
    row.querySelector(".cell-groups").innerHTML = groups;
    prepare(row);
  }
}

// The anonymous ID stays the row's own: a person may have several.
function name(cell, link) {
  const own = cell.querySelector(".anonymous, .person-anonymous");
  cell.innerHTML = link;
  if (!own) return;
  const anonymous = document.createElement("bdi");
  anonymous.className = "anonymous";
  anonymous.title = own.title;
  anonymous.textContent = own.textContent;
  cell.append(" ", anonymous);
}

function showEmpty({ total, matched }) {
  const filtering = $("results").dataset.filters !== "";
  if ($("filter-error")) return;
  $("nothing-yet").hidden = total > 0;
  $("no-match").hidden = !filtering || total === 0 || matched > 0;
  $("events").hidden = rows().length === 0;
  reachRows();
}

function reachRows() {
  if (!$("events").querySelector('tr[tabindex="0"]')) rows()[0]?.setAttribute("tabindex", "0");
}

function showOlder(before) {
  $("older").hidden = !before;
  const link = $("older").firstElementChild;
  link.dataset.before = before;
  link.href = filtered("/", { before });
}

function showWaiting() {
  const button = $("pending");
  const unseen = countWaiting();
  button.hidden = unseen === 0 && !detached;
  const text = unseen > 0 ? plural(unseen, "new event") : "Back to the newest";
  button.lastElementChild.textContent = paused && unseen > 0 ? `${text} while paused` : text;
  if (unseen > 0) announcing ||= setTimeout(announce, quiet);
}

const countWaiting = () => Math.min(matched, waiting.reduce((sum, batch) => sum + batch.rows, 0));

function announce() {
  announcing = 0;
  const unseen = countWaiting();
  if (unseen > 0) $("announcer").textContent = plural(unseen, "new event");
}

function reset({ detail }) {
  instance = detail.instance;
  shown = seen = oldest = 0;
  waiting = [];
  detached = false;
  generation++;
  empty();
}

function empty() {
  for (const body of Array.from($("events").tBodies)) body.remove();
}

export function watch() {
  document.addEventListener("loopkit:batch", take);
  document.addEventListener("loopkit:reset", reset);
  document.addEventListener("click", (event) => {
    if (event.target.closest("#pending")) {
      document.activeElement.blur();
      scrollTo(0, 0);
      catchUp();
    }
    const older = event.target.closest("#older a");
    if (older && !event.metaKey && !event.ctrlKey) {
      event.preventDefault();
      loadOlder(older);
    }
  });
  $("pause").addEventListener("click", togglePause);
  addEventListener("scroll", release, { passive: true });
  document.addEventListener("focusout", () => setTimeout(release, 0));
  adopt();
}
