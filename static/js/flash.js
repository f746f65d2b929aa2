// Notifications: what needs attention takes the focus when the page opens; dismissing one hands it on.
const flashbar = document.getElementById("flashbar");
const first = flashbar?.querySelector('.flash:is([data-type="error"], [data-type="warning"], [data-type="success"])');
first?.focus({ preventScroll: true });

document.addEventListener("click", (event) => {
  const item = event.target.closest("[data-dismiss]")?.closest("li, .alert");
  if (!item) return;
  const next = item.nextElementSibling ?? item.previousElementSibling;
  item.remove();
  const heading = document.querySelector("h1");
  heading?.setAttribute("tabindex", "-1");
  (next?.querySelector(".flash") ?? heading)?.focus();
});
