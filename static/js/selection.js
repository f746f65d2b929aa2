// Selecting rows: the header's checkbox, ranges with Shift, all that match, the count in the heading, and the buttons
// that need a selection.
const form = document.getElementById("selection");
let last = null;

const boxes = () => [...form.querySelectorAll('tbody input[type="checkbox"]')];
const everything = () => form.querySelector("[data-select-matching]");

export function clearSelection() {
  for (const box of form.querySelectorAll('input[type="checkbox"]')) box.checked = false;
  showSelection();
}

export function showSelection() {
  const all = boxes();
  const matching = everything()?.querySelector("input");
  // What is new on the page belongs to all that match, once these are selected.
  if (matching?.checked) for (const box of all) box.checked = true;
  const chosen = all.filter((box) => box.checked);
  const isWhole = chosen.length > 0 && chosen.length === all.length;
  const head = form.querySelector("[data-select-all]");
  if (head) {
    head.checked = isWhole;
    head.indeterminate = chosen.length > 0 && !isWhole;
  }
  everything()?.classList.toggle("is-offered", isWhole);
  const count = matching?.checked ? everything().dataset.selectMatching : chosen.length;
  for (const element of document.querySelectorAll("[data-selected-count]")) {
    element.textContent = chosen.length ? `${count}/` : "";
  }
  // A button is for jobs that have not ended, for those that have, for any, or for two of them.
  for (const button of document.querySelectorAll("[data-needs-selection]")) {
    const wanted = button.dataset.needsSelection;
    const isWanted = (box) => wanted === "any" || "ended" in box.dataset === (wanted === "ended");
    const fits = wanted === "two" ? !matching?.checked && chosen.length === 2 : matching?.checked || chosen.some(isWanted);
    button.setAttribute("aria-disabled", String(!fits));
  }
}

function chooseRange(box) {
  const all = boxes();
  const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
  for (const each of from < 0 ? [] : all.slice(from, to + 1)) each.checked = box.checked;
}

if (form) {
  form.addEventListener("click", (event) => {
    const box = event.target;
    if (!box.matches('input[type="checkbox"]')) return;
    const matching = everything()?.querySelector("input");
    if (matching && box !== matching) matching.checked = false;
    if (box.matches("[data-select-all]")) for (const each of boxes()) each.checked = box.checked;
    else if (event.shiftKey && boxes().includes(box)) chooseRange(box);
    last = box;
    showSelection();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest('[aria-disabled="true"]')) event.preventDefault();
  });
  showSelection();
}
