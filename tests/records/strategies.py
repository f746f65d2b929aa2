"""What hypothesis feeds the readers: any JSON, and JSON near a valid body."""

from typing import Any

from hypothesis import strategies as st

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
words = st.sampled_from(["", " ", "user", "assistant", "a"])


@st.composite
def mutations(draw: st.DrawFn, sample: Any) -> Any:
    """*sample* with a few members dropped, replaced, doubled or joined by others."""
    return _mutated(draw, sample)


def _mutated(draw: st.DrawFn, sample: Any) -> Any:
    if not draw(st.integers(0, 11)):
        return draw(json_values)
    if isinstance(sample, dict):
        members = {key: _mutated(draw, value) for key, value in sample.items() if draw(st.integers(0, 11))}
        return members | ({} if draw(st.integers(0, 11)) else {"x": draw(json_values)})
    if isinstance(sample, list):
        items = [_mutated(draw, item) for item in sample]
        return items if draw(st.integers(0, 5)) else items + items
    return draw(words) if isinstance(sample, str) and not draw(st.integers(0, 3)) else sample
