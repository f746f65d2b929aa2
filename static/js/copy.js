// Copy buttons: [data-copy] holds the text, or [data-copy-from] the id of the element whose text it is.
async function copy(button) {
  const source = button.dataset.copyFrom ? document.getElementById(button.dataset.copyFrom) : null;
  const note = document.createElement("span");
  note.setAttribute("role", "status");
  note.className = "copied";
  button.after(note);
  try {
    await navigator.clipboard.writeText(source ? source.textContent : button.dataset.copy);
    note.textContent = ` ${button.dataset.copied} `;
  } catch {
    note.textContent = ` ${button.dataset.copied.replace("copied", "failed to copy")} `;
  }
  setTimeout(() => note.remove(), 3000);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy], [data-copy-from]");
  if (button) copy(button);
});
