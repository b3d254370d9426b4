// The state of the Live page is its address, so that it survives a reload.

/** Changes parameters of the address; those that are empty leave it. */
export function setAddress(changes) {
  const params = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    params.delete(name);
    for (const one of [value].flat()) if (one) params.append(name, one);
  }
  const query = params.toString();
  history.replaceState(null, "", location.pathname + (query ? `?${query}` : ""));
}

export function parameter(name) {
  return new URLSearchParams(location.search).get(name) ?? "";
}

/** Fetches text; null if the server cannot be reached, which the banner says, or answers otherwise. */
export async function askText(address, { statuses = [200], ...options } = {}) {
  try {
    const answer = await fetch(address, options);
    return statuses.includes(answer.status) ? await answer.text() : null;
  } catch {
    return null;
  }
}

/** Fetches JSON; null if there is none to have. */
export async function askJSON(address, options) {
  try {
    return JSON.parse(await askText(address, options));
  } catch {
    return null;
  }
}
