// A session that has ended, or a page older than it: an answer says so by a token, with which the form on the page is
// kept before the window goes to where one signs in, or to the page as it is now.
const TOKEN = "X-Form-Token";
let isLeaving = false;

// Whether the answer with these headers (a function that reads one) was about the session; then the page is left.
export function isOver(header) {
  const token = header(TOKEN);
  if (token && !isLeaving) leave(token);
  return Boolean(token);
}

async function leave(token) {
  isLeaving = true;
  const form = document.querySelector("[data-unsaved-guard] form") ?? [...document.querySelectorAll("form[data-draft]")].find(isFilledIn);
  try {
    const response = await fetch("/drafts/", { method: "POST", body: draft(form), headers: { "X-CSRFToken": token } });
    const { url } = await response.json();
    document.dispatchEvent(new Event("draft:kept"));
    if (url === location.pathname + location.search) location.reload();
    else location.assign(url);
  } catch {
    isLeaving = false; // the network is away: the next answer tells again
  }
}

// Whether somebody has written into a form that stands beside other things on its page.
const isFilledIn = (form) => [...form.querySelectorAll("textarea")].some((field) => field.value.trim());

// What is in the form, without files, and the address of the page that shows it.
function draft(form) {
  const data = new URLSearchParams();
  for (const [name, value] of form ? new FormData(form) : []) {
    if (typeof value === "string" && name !== "csrfmiddlewaretoken") data.append(name, value);
  }
  const own = form?.getAttribute("action");
  data.set("draft_path", own ? new URL(own, location.href).pathname : location.pathname + location.search);
  return data;
}

document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr } = event.detail;
  if (isOver((name) => xhr.getResponseHeader(name))) event.preventDefault();
});
