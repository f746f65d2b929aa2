// A browser's own wishes, read by the server when it renders the next page (console/frame/preferences.py).
const PREFIX = document.documentElement.dataset.cookiePrefix;
const YEAR = 365 * 24 * 60 * 60;

export function remember(name, value) {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `${PREFIX}${name}=${encodeURIComponent(value)}; path=/; max-age=${YEAR}; samesite=lax${secure}`;
}
