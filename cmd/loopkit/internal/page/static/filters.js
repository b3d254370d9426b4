// The filters: a form that is applied as it is filled in.

import { askText, setAddress } from "./address.js";
import { connect } from "./connection.js";
import { adopt } from "./live.js";

const pause = 180; // of typing
const patience = 700; // with what is not yet right

let typing = 0;
let complaint = 0;
let asking = new AbortController();

const form = document.getElementById("filters");

/** Makes the address what the form says, and the list what the address says. */
async function apply({ unfinished = false } = {}) {
  clearTimeout(typing);
  const values = new FormData(form);
  setAddress({ q: values.get("q").trim(), kind: values.getAll("kind"), warnings: values.get("warnings"), before: "" });
  await refresh(unfinished);
}

async function refresh(unfinished) {
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  const params = new URLSearchParams(location.search);
  params.set("fragment", "1");
  const html = await askText(`/?${params}`, { signal });
  if (!html || signal.aborted) return;
  const page = new DOMParser().parseFromString(html, "text/html");
  const error = page.getElementById("filter-error");
  if (error && unfinished) {
    complaint = setTimeout(complain, patience, error);
    return;
  }
  document.getElementById("results").replaceWith(page.getElementById("results"));
  adopt();
  connect();
}

// The list stays as it is until the filter is right again.
function complain(error) {
  document.getElementById("filter-error")?.remove();
  document.querySelector("#results .status-line").after(error);
}

/** Fills in the form from a link to another state of the page. */
function follow(link) {
  const params = new URL(link.href).searchParams;
  form.elements.q.value = params.get("q") ?? "";
  for (const box of form.querySelectorAll('[name="kind"]')) box.checked = params.getAll("kind").includes(box.value);
  form.elements.warnings.checked = params.get("warnings") === "1";
  setAddress({ user: params.get("user") });
  return apply();
}

export function watch() {
  form.addEventListener("input", () => {
    clearTimeout(typing);
    clearTimeout(complaint);
    typing = setTimeout(apply, pause, { unfinished: true });
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    await apply();
    document.getElementById("results").focus();
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-filter]");
    if (!link || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    follow(link);
    form.elements.q.focus();
  });
}
