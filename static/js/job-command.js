// The equivalent command follows the form while its section is open.
const section = document.querySelector("[data-job-command]")?.closest("details");
const button = section?.querySelector("button[name=show_command]");
let waiting = 0;

function update() {
  if (!section.open) return;
  clearTimeout(waiting);
  waiting = setTimeout(() => window.htmx.trigger(button, "click"), 300);
}

if (section) {
  section.addEventListener("toggle", update);
  section.closest("form").addEventListener("input", update);
  section.closest("form").addEventListener("change", update);
  button.hidden = true;
}
