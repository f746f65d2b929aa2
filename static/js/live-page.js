// A page that keeps itself up to date; links to other views of it load in place.
import { load } from "./live.js";

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-in-place]");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  load(link.href, { push: true });
});

window.addEventListener("popstate", () => load(location.href));
