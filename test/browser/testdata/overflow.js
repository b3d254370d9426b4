// Returns what reaches beyond the window to the side, where nobody can see it
// without scrolling the page.
(() => {
  const page = document.scrollingElement;
  if (page.scrollWidth <= page.clientWidth) return [];
  const hidden = (e) => e && e !== page && (getComputedStyle(e).overflowX !== "visible" || hidden(e.parentElement));
  const wide = Array.from(document.body.querySelectorAll("*")).filter((e) => e.getBoundingClientRect().right > page.clientWidth && !hidden(e.parentElement));
  return [`the page is ${page.scrollWidth} wide in a window of ${page.clientWidth}`]
    .concat(wide.slice(0, 5).map((e) => `${e.localName}.${e.className.baseVal ?? e.className}`));
})()
