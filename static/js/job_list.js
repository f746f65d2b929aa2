// The job list: filter, order and pages load in place; the rows keep themselves up to date.
import { announce } from "./announce.js";
import "./column-order.js";
import "./column-widths.js";
import { go } from "./live.js";
import { clearSelection, showSelection } from "./selection.js";

const region = document.getElementById("job-list");
let typing = 0;
let statuses = new Map();

const readStatuses = () =>
  new Map(
    [...region.querySelectorAll("tbody tr")].map((row) => [
      row.id,
      `${row.querySelector("th")?.textContent.trim()}: ${row.querySelector(".status-indicator")?.textContent.trim()}`,
    ]),
  );

// What somebody asked for has come; the selection belongs to what was shown before.
region.addEventListener("live:arrived", () => {
  clearSelection();
  // What was pressed may be gone: the button that cleared the filter.
  if (document.activeElement === document.body) document.getElementById("filter-text")?.focus();
  const matches = document.getElementById("job-list-matches")?.textContent.trim();
  const misread = document.getElementById("job-list-misread")?.textContent.trim();
  announce([misread, matches, region.dataset.displaying].filter(Boolean).join(". "));
});

function filterUrl() {
  const form = document.getElementById("job-filter");
  const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
  return `${form.action}?${query}`;
}

// A text that is cut off is told whole under the pointer.
const isCut = (element) => element.scrollHeight > element.clientHeight + 1 || element.scrollWidth > element.clientWidth + 1;

region.addEventListener("pointerover", ({ target }) => {
  const cell = target.closest(".job-table tbody > tr > *");
  if (cell && !target.title && [target, cell].some(isCut)) target.title = target.textContent.trim();
});

// A Shift-click on a heading sorts by one more column.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-add]");
  if (!link || !event.shiftKey) return;
  event.preventDefault();
  go(link.dataset.add);
});

// Text filters while it is typed; something like "Status = Failed" is a filter of its own once it is complete: chosen
// from the suggestions, or by Enter.
document.addEventListener("input", (event) => {
  if (event.target.id !== "filter-text") return;
  clearTimeout(typing);
  const isChosen = !(event instanceof InputEvent) || event.inputType === "insertReplacementText";
  if (isChosen && !event.target.value.endsWith(" ")) apply();
  else if (!/[=:<>^!]/.test(event.target.value)) typing = setTimeout(() => go(filterUrl()), 300);
});

async function apply() {
  clearTimeout(typing);
  await go(filterUrl());
  const field = document.getElementById("filter-text");
  field.value = field.getAttribute("value");
}

document.addEventListener("submit", (event) => {
  if (event.target.id !== "job-filter") return;
  event.preventDefault();
  apply();
});

region.addEventListener("live:before", () => {
  statuses = readStatuses();
});

region.addEventListener("live:after", () => {
  showSelection();
  const changed = [...readStatuses()].filter(([id, text]) => statuses.has(id) && statuses.get(id) !== text);
  if (changed.length) announce(changed.slice(0, 3).map(([, text]) => text).join(". "));
});

window.addEventListener("popstate", () => {
  clearSelection();
  const field = document.getElementById("filter-text");
  if (field) field.value = new URLSearchParams(location.search).get("q") ?? "";
});
