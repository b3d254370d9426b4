// The one stream of a page: what it says is dispatched on document as
// "loopkit:batch", "loopkit:counts" and "loopkit:reset".

const lostFor = 3; // seconds between attempts
const hiddenFor = 30_000; // a browser has six connections to a server; hidden tabs give theirs back

let source = null;
let address = countsAddress;
let countdown = 0;
let asleep = 0;

/** The stream of the numbers alone. The cursor tells the server which run of it the page is from. */
export function countsAddress() {
  return `/live?rows=0&after=${document.body.dataset.instance}.0`;
}

/** @param {() => string} [liveAddress] gives the address anew for each connection */
export function start(liveAddress) {
  if (liveAddress) address = liveAddress;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(asleep);
    if (document.hidden) asleep = setTimeout(stop, hiddenFor);
    else if (!source && !countdown) connect();
  });
  addEventListener("pagehide", stop);
  addEventListener("pageshow", (event) => event.persisted && connect());
  connect();
}

/** Connects anew, after a change of what the page shows. */
export function connect() {
  stop();
  source = new EventSource(address());
  source.addEventListener("open", connected);
  source.addEventListener("error", lost);
  for (const name of ["batch", "counts", "reset"]) {
    source.addEventListener(name, (event) => {
      const detail = JSON.parse(event.data);
      if (name === "reset") document.body.dataset.instance = detail.instance;
      document.dispatchEvent(new CustomEvent(`loopkit:${name}`, { detail }));
    });
  }
}

function stop() {
  clearInterval(countdown);
  countdown = 0;
  source?.close();
  source = null;
}

function connected() {
  show("connected", "connected");
  document.getElementById("disconnected").hidden = true;
}

// The browser would try again by itself, but could not say when.
function lost() {
  stop();
  show("lost", "connection lost");
  const banner = document.getElementById("disconnected");
  const seconds = document.createElement("span");
  seconds.ariaHidden = "true"; // or a screen reader counts along
  banner.replaceChildren("Connection lost", seconds);
  banner.hidden = false;
  let left = lostFor;
  const tick = () => {
    seconds.textContent = left > 0 ? `, retrying in ${left} s` : ", retrying…";
    if (left-- === 0) connect();
  };
  tick();
  countdown = setInterval(tick, 1000);
}

function show(state, text) {
  document.getElementById("connection").classList.remove("connected", "lost");
  document.getElementById("connection").classList.add(state);
  document.getElementById("connection-text").textContent = text;
}
