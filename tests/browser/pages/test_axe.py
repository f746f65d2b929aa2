"""Every page in every state: axe finds nothing by WCAG 2.2 AA, in light and dark, dense and narrow."""

import pytest

from tests.browser.pages.states import STATES, State
from tests.browser.pages.visits import Look, Site


@pytest.mark.parametrize("state", STATES, ids=[state.name for state in STATES])
def test_axe_finds_nothing(site: Site, state: State) -> None:
    with site.visit(state) as page:
        faults = Look(page, has_script=state.has_script, repeats=state.repeats).faults()
    assert not faults, "\n".join(faults)
