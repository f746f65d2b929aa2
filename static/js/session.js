// A session that has ended: the sign-in page, which comes instead of a part of the page, belongs into the window.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { pathname } = new URL(event.detail.xhr.responseURL, location.href);
  if (pathname !== "/login/" || location.pathname === pathname) return;
  event.preventDefault();
  location.reload();
});
