// Asks the server for a part of the page and puts it into *target*; what the target asked for before is wanted no more.
// Resolves to whether an answer came. The target itself asks: by default htmx lets the body ask one question at a time,
// drops all held back but the last, and resolves what it holds back at once, as if it had been answered.
export function showPart(url, target) {
  window.htmx.trigger(target, "htmx:abort");
  const asking = window.htmx.ajax("GET", url, { source: target, target, swap: "innerHTML" });
  return asking.then(() => true, () => false);
}
