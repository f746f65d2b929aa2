// Keyboard shortcuts, listed by "?". None acts while a person types or a dialog is open.
import { openDialog } from "./dialogs.js";
import { togglePanel } from "./panels.js";

let leader = -Infinity; // when "g" was pressed; the page's own clock begins at 0

const press = (selector) => document.querySelector(selector)?.click();
const actions = {
  "/": () => document.querySelector("[data-shortcut=filter]")?.focus(),
  r: () => press("[data-shortcut=refresh]"),
  c: () => press("[data-shortcut=create]"),
  j: () => moveRow(1),
  k: () => moveRow(-1),
  x: () => document.activeElement.closest("tr")?.querySelector("input[type=checkbox]")?.click(),
  "[": () => togglePanel("navigation"),
  "]": () => togglePanel("help"),
  "?": () => openDialog(document.getElementById("shortcuts")),
};
const places = { o: "overview", j: "job-list", m: "model-list", s: "s3-browse", a: "activity" };

function moveRow(step) {
  const links = [...document.querySelectorAll("main .table tbody th a")];
  const here = document.activeElement.closest("tr")?.querySelector("th a");
  links[Math.max(0, Math.min(links.length - 1, links.indexOf(here) + step))]?.focus();
}

function isTyping(target) {
  return target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
}

document.addEventListener("keydown", (event) => {
  if (event.metaKey || event.ctrlKey || event.altKey || isTyping(event.target)) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "g") {
    leader = event.timeStamp;
  } else if (event.timeStamp - leader < 1000 && places[event.key]) {
    press(`[data-place=${places[event.key]}]`);
  } else if (actions[event.key]) {
    event.preventDefault();
    actions[event.key]();
  }
});
