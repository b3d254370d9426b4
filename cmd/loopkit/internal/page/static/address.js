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

/** Fetches from the server; null if that cannot be reached, which the banner says. */
export async function ask(address, options) {
  try {
    return await fetch(address, options);
  } catch {
    return null;
  }
}
