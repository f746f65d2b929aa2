// The columns in the table's preferences: moved up and down in place. Without script the buttons send the form.
function showEnds(list) {
  for (const button of list.querySelectorAll("[data-move]")) {
    const row = button.closest("li");
    const next = button.dataset.move === "up" ? row.previousElementSibling : row.nextElementSibling;
    button.setAttribute("aria-disabled", String(!next));
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-column-order] [data-move]");
  if (!button) return;
  event.preventDefault();
  const row = button.closest("li");
  if (button.dataset.move === "up") row.previousElementSibling?.before(row);
  else row.nextElementSibling?.after(row);
  button.focus();
  row.scrollIntoView({ block: "nearest" });
  showEnds(row.parentElement);
  const rows = [...row.parentElement.children];
  const place = `${row.querySelector("label").textContent.trim()}: ${rows.indexOf(row) + 1} of ${rows.length}`;
  button.form.querySelector("[data-moved]").textContent = place;
});
