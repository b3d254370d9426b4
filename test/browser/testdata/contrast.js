// Returns what in the page has less contrast than WCAG 2.2 AA asks for: texts
// as they are seen, and the outlines of fields. Colours are mixed as the
// browser mixes them: by their own opacity, and that of all around them.
(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const parsed = new Map();
  // A canvas knows every notation of colours that style sheets do.
  function parse(colour) {
    if (!parsed.has(colour)) {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
      parsed.set(colour, [r, g, b, a / 255]);
    }
    return parsed.get(colour);
  }
  const over = ([r, g, b, a], below) => [r, g, b].map((value, i) => value * a + below[i] * (1 - a)).concat(1);
  const withAlpha = ([r, g, b, a], opacity) => [r, g, b, a * opacity];

  function luminance(colour) {
    const [r, g, b] = colour.map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }
  function contrast(one, other) {
    const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
    return (light + 0.05) / (dark + 0.05);
  }

  function ancestors(element) {
    const all = [];
    for (let e = element; e; e = e.parentElement) all.unshift(e);
    return all;
  }
  function background(element) {
    let colour = getComputedStyle(document.documentElement).colorScheme.includes("dark") ? [18, 18, 18, 1] : [255, 255, 255, 1];
    let opacity = 1;
    for (const e of ancestors(element)) {
      const style = getComputedStyle(e);
      opacity *= Number(style.opacity);
      if (style.backgroundImage !== "none") throw new Error(`a background image of ${e.className}`);
      colour = over(withAlpha(parse(style.backgroundColor), opacity), colour);
    }
    return { colour, opacity };
  }
  function seen(element) {
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true })) return false;
    if (element.closest(".unseen, [disabled]")) return false;
    return Array.from(element.getClientRects()).some((box) => box.width > 1 && box.height > 1);
  }

  const found = [];
  let checked = 0;
  function check(element, style, text, least) {
    const { colour, opacity } = background(element);
    const ratio = contrast(over(withAlpha(parse(style.color), opacity), colour), colour);
    checked++;
    if (ratio < least) found.push(`${ratio.toFixed(2)}: ${element.localName}.${element.className.baseVal ?? element.className}: ${text.trim().slice(0, 60)}`);
  }

  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (node.data.trim() && seen(element)) check(element, getComputedStyle(element), node.data, 4.5);
  }
  for (const element of document.querySelectorAll("*")) {
    if (!seen(element)) continue;
    for (const part of ["::before", "::after"]) {
      const style = getComputedStyle(element, part);
      if (!["none", "normal", '""'].includes(style.content)) check(element, style, `${part} ${style.content}`, 4.5);
    }
    if (element.matches("input[placeholder]") && !element.value) check(element, getComputedStyle(element, "::placeholder"), element.placeholder, 4.5);
    if (element.matches("input, textarea") && element.value) check(element, getComputedStyle(element), element.value, 4.5);
    if (element.matches("svg.icon")) check(element, getComputedStyle(element), "an icon", 3);
  }
  if (checked < 10) throw new Error(`only ${checked} texts are seen`);
  return found;
})()
