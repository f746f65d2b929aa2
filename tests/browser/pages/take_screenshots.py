"""Pictures of every page and state for the eye; `manage.py screenshots` runs it, `manage.py test` does not."""

from pathlib import Path

import pytest

from tests.browser.pages.states import STATES, State
from tests.browser.pages.visits import SETTLE, WIDE, Site


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
        page.evaluate(SETTLE)
        page.screenshot(path=folder / f"{state.name}.dark.png", full_page=is_whole)
        page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": 400, "height": WIDE["height"]})
        page.evaluate(SETTLE)
        page.screenshot(path=folder / f"{state.name}.narrow.png", full_page=is_whole)
