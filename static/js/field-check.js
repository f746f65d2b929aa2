// Rules at the field: a value is judged by the server when it has been changed, and with each key while it is in error.
const WAIT = 400;
const form = document.querySelector("form[data-field-check]");
const waiting = new Map();
const latest = new Map();

function mark(controls, error) {
  for (const control of controls) {
    const ids = (control.getAttribute("aria-describedby") ?? "").split(" ").filter((id) => id && !id.endsWith("_error"));
    if (error) ids.unshift(error.id);
    control.toggleAttribute("aria-invalid", Boolean(error));
    if (error) control.setAttribute("aria-invalid", "true");
    if (ids.length) control.setAttribute("aria-describedby", ids.join(" "));
    else control.removeAttribute("aria-describedby");
  }
}

async function judge(name) {
  const slot = form.querySelector(`[data-error-slot="${name}"]`);
  const turn = (latest.get(name) ?? 0) + 1;
  latest.set(name, turn);
  const response = await fetch(`${form.dataset.fieldCheck}${name}/`, { method: "POST", body: new FormData(form) });
  if (!response.ok || latest.get(name) !== turn) return;
  const fresh = document.createElement("template");
  fresh.innerHTML = await response.text();
  slot.replaceChildren(...fresh.content.querySelector("[data-error-slot]").childNodes);
  mark(form.querySelectorAll(`[name="${name}"]:not([type=radio], [type=checkbox])`), slot.firstElementChild);
}

function isJudged(control) {
  const isRow = control.closest("[data-attribute-editor]");
  return control.form === form && !isRow && control.type !== "hidden" && form.querySelector(`[data-error-slot="${control.name}"]`);
}

if (form) {
  form.addEventListener("change", (event) => {
    if (isJudged(event.target)) judge(event.target.name);
  });

  form.addEventListener("input", (event) => {
    const { target } = event;
    if (!isJudged(target) || !target.matches('[aria-invalid="true"]')) return;
    clearTimeout(waiting.get(target.name));
    waiting.set(target.name, setTimeout(() => judge(target.name), WAIT));
  });
}
