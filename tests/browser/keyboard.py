"""A person with a keyboard and no mouse: every step of the focus has to be seen, in sight, and forward."""

from playwright.sync_api import Locator, Page, expect

# What the element in focus shows of it: an outline or shadow of its own, or of the tile or label that it stands for.
LOOK = """async () => {
  await new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  const focused = document.activeElement;
  const rings = [focused, focused.closest("label, .tile, .choice")].filter(Boolean).map(element => {
    const style = getComputedStyle(element);
    return (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none";
  });
  const box = focused.getBoundingClientRect();
  const over = document.elementFromPoint(box.left + Math.min(box.width, 40) / 2, box.top + box.height / 2);
  const isInSight = over &&
    (focused.contains(over) || over.contains(focused) || over.closest("label")?.control === focused);
  // A field for a date and a time has a stop for each part.
  const isNextPart = focused === window.before && focused.type === "datetime-local";
  const isForward = !window.before || !window.before.isConnected || isNextPart
    || Boolean(window.before.compareDocumentPosition(focused) & Node.DOCUMENT_POSITION_FOLLOWING);
  window.before = focused === document.body ? null : focused;
  return {
    name: focused.outerHTML.slice(0, 120), isPage: focused === document.body,
    isShown: focused.matches(":focus-visible, input:focus-within:not(:focus)") && rings.some(Boolean),
    isInSight: Boolean(isInSight), isForward,
  };
}"""


class Keyboard:
    """Presses keys on *page* and looks where the focus is after each."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def tab_to(self, target: Locator, *, at_most: int = 40) -> None:
        """Press Tab until *target* has the focus; everything on the way must show it, uncovered, in reading order."""
        for _ in range(at_most):
            self.page.keyboard.press("Tab")
            self.look()
            if target.evaluate("element => element === document.activeElement"):
                return
        raise AssertionError(f"{target} cannot be reached with Tab.")

    def look(self) -> None:
        seen = self.page.evaluate(LOOK)
        if seen["isPage"]:  # past the last element of a dialog lies the browser's own bar
            return
        assert seen["isShown"], f"The focus on {seen['name']} cannot be seen."
        assert seen["isInSight"], f"{seen['name']} has the focus and is covered or out of sight."
        assert seen["isForward"], f"{seen['name']} comes after what follows it."

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    def activate(self, target: Locator, *, key: str = "Enter") -> None:
        """Go to *target* and press it."""
        self.tab_to(target)
        self.press(key)

    def open_dialog(self, opener: Locator) -> Locator:
        """Go to *opener*, press it, and wait until the focus is in the dialog."""
        self.activate(opener)
        dialog = self.page.get_by_role("dialog")
        expect(dialog.locator(":focus")).to_have_count(1)
        return dialog

    def leave_dialog(self, opener: Locator, *, key: str = "Escape") -> None:
        """Close the open dialog; the focus must be back where it came from."""
        self.press(key)
        expect(self.page.get_by_role("dialog")).to_be_hidden()
        expect(opener).to_be_focused()
        self.page.evaluate("window.before = document.activeElement")
