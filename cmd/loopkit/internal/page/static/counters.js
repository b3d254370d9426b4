// The numbers in the header and in the title.

const format = new Intl.NumberFormat("en-US");

export function number(n) {
  return format.format(n);
}

export function plural(n, one) {
  return `${number(n)} ${one}${n === 1 ? "" : "s"}`;
}

function update({ detail }) {
  for (const [name, n] of Object.entries(detail.counts)) {
    const cell = document.querySelector(`[data-count="${name}"]`);
    if (!cell || cell.textContent === number(n)) continue;
    cell.textContent = number(n);
    const label = cell.previousElementSibling;
    label.textContent = n === 1 ? label.dataset.one : label.dataset.many;
  }
  if (document.body.dataset.page === "live") {
    document.title = document.title.replace(/\([\d,]+\)/, `(${number(detail.counts.events)})`);
  }
}

document.addEventListener("loopkit:batch", update);
document.addEventListener("loopkit:counts", update);
