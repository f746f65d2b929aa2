// Info links open their topic in the help panel instead of leaving the page.
import { setPanel } from "./panels.js";
import { showPart } from "./asking.js";

const content = document.getElementById("help-panel-content");

async function openTopic(link) {
  setPanel("help", true);
  await showPart(link.href, content);
  content.focus();
}

if (content) {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-help-topic]");
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    openTopic(link);
  });
}
