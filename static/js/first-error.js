// Focus: the page opens at the first control in error, and the links of the error alert lead to theirs, even into a
// section that is closed.
function reveal(control) {
  for (let section = control.closest("details"); section; section = section.parentElement.closest("details")) {
    section.open = true;
  }
  control.focus({ preventScroll: true });
  (control.closest(".field") ?? control).scrollIntoView({ block: "center" });
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("#form-errors a[href^='#']");
  const control = link && document.getElementById(link.hash.slice(1));
  if (!control) return;
  event.preventDefault();
  reveal(control);
});

const first = document.querySelector('#job-form [aria-invalid="true"]');
if (first) reveal(first.matches("fieldset") ? first.querySelector("input") : first);
