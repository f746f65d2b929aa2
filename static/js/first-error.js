// Focus: a form that was refused opens at its first control in error, and the links of the error alert lead to theirs, even into a
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

// A form without a control in error was refused as a whole: its alert is what to read.
function showFirst(part) {
  const first = part.querySelector('[aria-invalid="true"]');
  const alert = part.querySelector('.alert[data-type="error"]');
  if (first) {
    reveal(first.matches("fieldset") ? first.querySelector("input") : first);
  } else if (alert) {
    alert.tabIndex = -1;
    reveal(alert);
  }
}

for (const form of document.querySelectorAll("#job-form, #job-tags-form")) showFirst(form);

// A form opened in place has come back.
document.addEventListener("htmx:load", (event) => {
  if (event.target.matches?.("[data-unsaved-guard][data-dirty]")) showFirst(event.target);
});
