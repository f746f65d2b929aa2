"""Pictures of every page and state for the eye; `manage.py screenshots` runs it, `manage.py test` does not."""

from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.pages.states import STATES, State
from tests.browser.pages.visits import SETTLE, WIDE, Site

FADING = 500  # milliseconds


@pytest.mark.parametrize("state", STATES, ids=[state.name for state in STATES])
def test_take_pictures(site: Site, state: State, request: pytest.FixtureRequest) -> None:
    folder = Path(request.config.getoption("--screenshots"))
    with site.visit(state) as page:
        # What lies over the page covers the window and not the page: of that, the window is the picture.
        is_whole = page.locator("dialog[open]").count() == 0
        if is_whole:
            page.evaluate("scrollTo(0, 0)")
        page.screenshot(path=folder / f"{state.name}.light.png", full_page=is_whole)
        page.emulate_media(color_scheme="dark")
        settle(page, state)
        page.screenshot(path=folder / f"{state.name}.dark.png", full_page=is_whole)
        page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": 400, "height": WIDE["height"]})
        settle(page, state)
        page.screenshot(path=folder / f"{state.name}.narrow.png", full_page=is_whole)


def settle(page: Page, state: State) -> None:
    """Wait until colours have faded; where no script runs nothing tells of frames, and some time must do."""
    if state.has_script:
        page.evaluate(SETTLE)
    else:
        page.wait_for_timeout(FADING)
