// Selecting rows: the header's checkbox, ranges with Shift, the count in the heading, buttons that need a selection.
const form = document.getElementById("selection");
let last = null;

const boxes = () => [...form.querySelectorAll('tbody input[type="checkbox"]')];

export function clearSelection() {
  for (const box of boxes()) box.checked = false;
  showSelection();
}

export function showSelection() {
  const all = boxes();
  const chosen = all.filter((box) => box.checked);
  const head = form.querySelector("[data-select-all]");
  if (head) {
    head.checked = chosen.length > 0 && chosen.length === all.length;
    head.indeterminate = chosen.length > 0 && chosen.length < all.length;
  }
  for (const element of document.querySelectorAll("[data-selected-count]")) {
    element.textContent = chosen.length ? `${chosen.length}/` : "";
  }
  for (const button of document.querySelectorAll("[data-needs-selection]")) {
    button.setAttribute("aria-disabled", String(!chosen.some((box) => !box.dataset.ended)));
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
    if (box.matches("[data-select-all]")) for (const each of boxes()) each.checked = box.checked;
    else if (!boxes().includes(box)) return;
    else if (event.shiftKey) chooseRange(box);
    last = box;
    showSelection();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest('[aria-disabled="true"]')) event.preventDefault();
  });
  showSelection();
}
