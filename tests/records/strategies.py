"""What hypothesis feeds the readers: any JSON, and JSON near a valid body."""

from typing import Any

from hypothesis import strategies as st

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def mutations(sample: Any) -> st.SearchStrategy[Any]:
    """Bodies near a valid one: any member may be dropped, replaced or joined by another."""
    if isinstance(sample, dict):
        members = {key: json_values | mutations(value) for key, value in sample.items()}
        return st.fixed_dictionaries({}, optional=members) | st.fixed_dictionaries(members, optional={"x": json_values})
    if isinstance(sample, list):
        return st.lists(st.one_of([mutations(item) for item in sample]), max_size=3)
    words = st.sampled_from(["", " ", "user", "assistant"]) if isinstance(sample, str) else st.nothing()
    return st.just(sample) | json_values | words
