// The live panel: the server sends its HTML whenever something changed, and this
// puts it in place without touching what stayed the same, so that neither an
// open JSON nor the focus is lost. Everything else works without scripts.
"use strict";
(() => {
  const aside = document.getElementById("received");
  const panel = document.getElementById("panel");
  const live = document.getElementById("live");
  const news = document.getElementById("news");
  const received = new WeakMap(); // element → its HTML as the server sent it

  const html = (element) => received.get(element) ?? element.outerHTML;
  for (const element of panel.querySelectorAll("[data-key]")) received.set(element, element.outerHTML);

  // replacement is fresh in place of kept, with the same details open.
  function replacement(kept, fresh) {
    const open = [...kept.querySelectorAll("details")].map((d) => d.open);
    fresh.querySelectorAll("details").forEach((d, i) => { d.open = open[i] ?? false; });
    return fresh;
  }

  // update makes list hold what next holds, and returns what is new.
  function update(list, next) {
    const kept = new Map([...list.children].map((element) => [element.dataset.key, element]));
    const added = [];
    let at = list.firstElementChild;
    for (const fresh of [...next.children]) {
      received.set(fresh, fresh.outerHTML);
      const old = kept.get(fresh.dataset.key);
      kept.delete(fresh.dataset.key);
      if (old && html(old) === html(fresh)) {
        if (old === at) at = at.nextElementSibling;
        else list.insertBefore(old, at);
        continue;
      }
      if (old) {
        if (old === at) at = at.nextElementSibling;
        fresh.classList.add("changed");
        old.replaceWith(replacement(old, fresh));
        list.insertBefore(fresh, at);
        continue;
      }
      fresh.classList.add("new");
      list.insertBefore(fresh, at);
      added.push(fresh);
    }
    for (const old of kept.values()) old.remove();
    return added;
  }

  function show(text) {
    const next = document.createElement("template");
    next.innerHTML = text; // the server's template has escaped it
    const said = [];
    for (const list of panel.querySelectorAll("[data-part]")) {
      const same = next.content.querySelector(`[data-part="${list.dataset.part}"]`);
      if (!same) continue;
      for (const element of update(list, same)) {
        if (element.dataset.say) said.push(element.dataset.say);
      }
    }
    if (said.length > 0) news.textContent = "Received: " + said.reverse().join(", ");
  }

  let source = null;
  let again = 0;

  function state(text) {
    live.textContent = text;
    live.classList.toggle("on", text === "live");
  }

  function open() {
    close();
    source = new EventSource(aside.dataset.stream);
    source.addEventListener("open", () => state("live"));
    source.addEventListener("panel", (event) => show(JSON.parse(event.data)));
    source.addEventListener("error", () => {
      state("not live");
      // A browser gives up on a refusal, as of one stream too many.
      if (source.readyState === EventSource.CLOSED) again = setTimeout(open, 5000);
    });
  }

  function close() {
    clearTimeout(again);
    if (source) source.close();
    source = null;
    state("not live");
  }

  // A browser has few connections to a server: pages that nobody looks at need none.
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", () => { if (!document.hidden) open(); });
})();
