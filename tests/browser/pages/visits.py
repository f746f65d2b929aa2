"""Visits to the states of `tests.browser.pages.states`, on one seeded server."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, Page, ViewportSize

from batchconsole.jobs.models import Connection
from tests.browser.pages.states import State

WIDE: ViewportSize = {"width": 1440, "height": 900}
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SPARING = {"resultTypes": ["violations"], "preload": {"assets": ["media"]}}  # no rule of these reads style sheets
COLOURS = ["color-contrast", "link-in-text-block"]
# What can be right in a wide window and wrong in a narrow one, where other things are shown.
LAYOUT = ["target-size", "scrollable-region-focusable", "aria-hidden-focus", "button-name", "link-name", "label"]

OUR_FONT = "Open Sans"
FONTS = (OUR_FONT, "DejaVu Sans")  # the second is about the widest that pages meet
SET_IN = "font => document.documentElement.style.setProperty('--font-family-base', `'${font}'`)"


class Site:
    """A seeded server and the browser to visit it with; *names* fill in the paths of states."""

    def __init__(self, browser: Browser, url: str, names: dict[str, Any]) -> None:
        self.url, self.names = url, names
        # One for pages with script and one for those without, so that what every page needs is fetched once.
        self.contexts = {
            has_script: browser.new_context(
                base_url=url, viewport=WIDE, reduced_motion="reduce", java_script_enabled=has_script
            )
            for has_script in (True, False)
        }
        self.pages: dict[bool, Page] = {}
        self.lender = self.contexts[True].new_page()
        self.lender.goto("/healthz")
        self.lender.evaluate(LEND_AXE)

    def close(self) -> None:
        for context in self.contexts.values():
            context.close()

    @contextmanager
    def visit(self, state: State) -> Iterator[Page]:
        """A page in *state*, as somebody who has never been there and wants nothing to move by itself.

        It is the page of the last visit: a new one would begin in a new process, in which all scripts are compiled
        once more. Left by an error it is given up.
        """
        page = self.pages.pop(state.has_script, None) or self.new_page(state)
        try:
            with connections(state.has_connections):
                yield self.arrive(page, state)
            self.leave(page)
        except BaseException:
            page.close()
            raise
        self.pages[state.has_script] = page

    def new_page(self, state: State) -> Page:
        """A page without script, or one that the lender of axe has opened, so that it can borrow from it."""
        if not state.has_script:
            return self.contexts[False].new_page()
        with self.lender.expect_popup() as opened:
            self.lender.evaluate("() => { open(); }")
        return opened.value

    def leave(self, page: Page) -> None:
        """Have *page* forget where it was: it asks for no news there, and has nothing left of it."""
        page.unroute_all()
        page.goto("/healthz")
        page.evaluate("sessionStorage.clear()")
        page.emulate_media(color_scheme="light")
        page.set_viewport_size(WIDE)

    def arrive(self, page: Page, state: State) -> Page:
        page.set_default_timeout(10_000)
        page.context.clear_cookies()
        # Ten rows have all that a hundred have, and axe looks at each.
        page.context.add_cookies([{"name": "console-page-size", "value": "10", "url": self.url}])
        if state.is_signed_in:
            page.context.add_cookies([session_cookie(User.objects.get(username="ada"), self.url)])
        response = page.goto(state.path.format_map(self.names))
        assert getattr(response, "status", None) == state.http_status, f"{state.name} is not the page it says it is"
        if state.do:
            state.do(page)
        page.evaluate(STILL)
        return page


def session_cookie(person: User, url: str) -> Any:
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    name = settings.SESSION_COOKIE_NAME
    return {"name": name, "value": client.cookies[name].value, "url": url}


@contextmanager
def connections(are_there: bool) -> Iterator[None]:
    """Have all connections disabled for a while, unless they shall be there."""
    if not are_there:
        Connection.objects.update(is_enabled=False)
    yield
    if not are_there:
        Connection.objects.update(is_enabled=True)


class Look:
    """The page of one visit, looked at by axe in light and dark, dense and narrow, without being loaded again."""

    def __init__(self, page: Page, *, has_script: bool, repeats: str = "") -> None:
        self.page, self.has_script, self.repeats = page, has_script, repeats
        if has_script:
            if not page.evaluate(BORROW_AXE):
                page.evaluate(AXE_SCRIPT)
            page.evaluate(REMEMBER_COLOURS)

    def faults(self) -> list[str]:
        """What is wrong, a line for each look and element; where no script runs axe does not, and widths are all."""
        return [*(self.seen_by_axe() if self.has_script else []), *self.too_wide()]

    def seen_by_axe(self) -> list[str]:
        if self.repeats:
            self.page.evaluate(SET_ASIDE, self.repeats)
        found = self.in_all_looks()
        if self.repeats:
            self.page.evaluate("putBack()")
        return found

    def in_all_looks(self) -> list[str]:
        found = self.axe("light", {"runOnly": WCAG, "rules": {"target-size": {"enabled": True}}})
        # Dark changes only colours and compact only sizes (tests/console/frame/test_frame.py), so one look has both.
        self.page.emulate_media(color_scheme="dark")
        self.page.evaluate("document.documentElement.dataset.density = 'compact'")
        found += self.axe("dark and compact", only(*COLOURS, "target-size"))
        self.page.emulate_media(color_scheme="light")
        self.page.evaluate("document.documentElement.dataset.density = 'comfortable'")
        self.page.set_viewport_size({"width": 320, "height": 800})
        self.page.evaluate("scrollTo(0, 0)")  # what has scrolled halfway under the top bar is no small target
        return found + self.axe("narrow", only(*LAYOUT))

    def too_wide(self) -> list[str]:
        found = []
        for width in (320, 640):  # what 400 and 200 per cent of zoom leave of a screen of 1280
            self.page.set_viewport_size({"width": width, "height": 800})
            for font in FONTS:
                self.page.evaluate(SET_IN, font)
                found += [f"{width} wide, in {font}: {name} reaches to {right}" for name, right in self.overflow()]
        return found

    def axe(self, look: str, options: dict[str, Any]) -> list[str]:
        self.page.evaluate(SETTLE)
        violations = self.page.evaluate(
            "options => axe.run(options).then(found => found.violations)", options | SPARING
        )
        return [f"{look}, {each['id']}: {node['html'][:200]}" for each in violations for node in each["nodes"]]

    def overflow(self) -> list[tuple[str, int]]:
        """What makes the page scroll sideways: the outermost elements that reach past its edge."""
        return [(str(name), int(right)) for name, right in self.page.evaluate(OVERFLOW)]


def only(*rules: str) -> dict[str, Any]:
    return {"runOnly": {"type": "rule", "values": rules}}


# Nothing fades from here on: what has another colour is measured, or photographed, as it will be.
STILL = """() => {
  const still = new CSSStyleSheet();
  still.replaceSync("*, *::before, *::after { transition: none !important; }");
  document.adoptedStyleSheets.push(still);
}"""
# The script of axe is `!function(window) {…}(window)`. In a page that stays, its function is called with the window of
# one page after the other: what V8 has learnt of it and compiled is kept, and would be lost with each page.
LEND_AXE = f"void (window.lendAxe = {AXE_SCRIPT[AXE_SCRIPT.index('!function') + 1 : AXE_SCRIPT.rindex('(')]})"
BORROW_AXE = """() => {
  if (!window.opener?.lendAxe) return false;
  window.opener.lendAxe(window);
  return true;
}"""
# axe parses the text of a colour anew for each element; a sixth of all its time.
REMEMBER_COLOURS = """() => {
  const { prototype } = axe.commons.color.Color;
  const { parseString } = prototype;
  const known = new Map();
  prototype.parseString = function (text) {
    if (!known.has(text)) {
      const { r, g, b, alpha } = parseString.call(this, text);
      known.set(text, { r, g, b, alpha });
    }
    return Object.assign(this, known.get(text));
  };
}"""
# What enters or flashes has done so. The frame is for scripts that follow the size of the window.
SETTLE = """async () => {
  await new Promise(requestAnimationFrame);
  document.getAnimations()
    .filter(animation => Number.isFinite(animation.effect.getComputedTiming().endTime))
    .forEach(animation => animation.finish());
}"""
SET_ASIDE = """selector => {
  const aside = Array.from(document.querySelectorAll(selector), element => [document.createComment(""), element]);
  if (!aside.length) throw new Error(`Nothing is ${selector}`);
  aside.forEach(([place, element]) => element.replaceWith(place));
  window.putBack = () => aside.forEach(([place, element]) => place.replaceWith(element));
}"""
OVERFLOW = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  return [...document.querySelectorAll("body *:not(.table-wrapper *)")]
    .map(element => [element, element.getBoundingClientRect().right])
    .filter(([element, right]) => right > width + 1)
    .slice(0, 5).map(([element, right]) => [element.outerHTML.slice(0, 120), Math.round(right)]);
}"""
