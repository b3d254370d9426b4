// What this browser remembers of the page. Storage may be forbidden; then
// everything lasts as long as the page.

const kept = new Map();

export function recall(name) {
  try {
    return localStorage.getItem(`loopkit.${name}`) ?? kept.get(name) ?? "";
  } catch {
    return kept.get(name) ?? "";
  }
}

export function remember(name, value) {
  kept.set(name, String(value));
  try {
    localStorage.setItem(`loopkit.${name}`, value);
  } catch { /* kept for the page */ }
}
