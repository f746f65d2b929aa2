// The page of a job, which keeps itself up to date: its forms and its ways to other views.
import "./attribute-editor.js";
import "./first-error.js";
import "./unsaved-changes.js";
import "./watch.js";

// Choosing how records are shown takes effect at once.
document.addEventListener("change", (event) => {
  event.target.closest("form[data-at-once]")?.requestSubmit();
});
