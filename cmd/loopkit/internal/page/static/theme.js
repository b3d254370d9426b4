// Runs before the first paint, so that a page in the dark never flashes white.
(() => {
  try {
    const theme = localStorage.getItem("loopkit.theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch { /* storage may be forbidden; the system's theme will do */ }
  document.documentElement.classList.add("js");
})();
