// The page of a job: tabs load in place, and what is shown keeps itself up to date.
import "./attribute-editor.js";
import "./first-error.js";
import { announce, load } from "./live.js";
import { asks } from "./unsaved-changes.js";

const region = document.getElementById("job");
const readStatus = () => region.querySelector(".key-values .status-indicator")?.textContent.trim();
let status = readStatus();

document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-in-place]");
  if (!link || event.defaultPrevented || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  await load(link.href, { push: true });
});

// Choosing how records are shown takes effect at once.
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-at-once]");
  if (!form) return;
  const chosen = [...new FormData(form)].filter(([, value]) => value);
  load(`?${new URLSearchParams(chosen)}`, { push: true });
});

region.addEventListener("live:after", () => {
  if (readStatus() !== status) announce(`Status: ${readStatus()}`);
  status = readStatus();
});

window.addEventListener("popstate", () => {
  if (asks(location.href)) history.pushState(null, "", region.dataset.live);
  else load(location.href);
});
