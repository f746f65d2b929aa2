"""The geographies of inference profiles: the prefixes of their ids, their names, and the regions that they serve.

Source: https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html.
"""

import msgspec

GOVERNMENT = "us-gov-"


class Geography(msgspec.Struct, frozen=True, kw_only=True):
    """One geography. ``short`` is AWS's term in a profile's name (``JP``), ``name`` the common one (``Japan``).

    ``regions`` are prefixes of the regions in which its profiles can be called and to which they route.
    """

    prefix: str
    short: str
    name: str
    regions: tuple[str, ...]

    def serves(self, region: str) -> bool:
        """Whether its profiles can be called in *region*; GovCloud is separate from all others."""
        is_government = region.startswith(GOVERNMENT)
        return region.startswith(self.regions) and is_government == (GOVERNMENT in self.regions)


GEOGRAPHIES = {
    geography.prefix: geography
    for geography in (
        Geography(prefix="us-gov", short="US GovCloud", name="US GovCloud", regions=(GOVERNMENT,)),
        Geography(prefix="us", short="US", name="US", regions=("us-",)),
        Geography(prefix="eu", short="EU", name="EU", regions=("eu-",)),
        Geography(prefix="apac", short="APAC", name="APAC", regions=("ap-",)),
        Geography(prefix="jp", short="JP", name="Japan", regions=("ap-northeast-1", "ap-northeast-3")),
        Geography(prefix="au", short="AU", name="Australia", regions=("ap-southeast-2", "ap-southeast-4")),
        Geography(prefix="ca", short="CA", name="Canada", regions=("ca-",)),
        Geography(prefix="global", short="Global", name="Global", regions=("",)),
    )
}


def geography_of(profile_id: str) -> Geography | None:
    """Return the geography of an inference profile's id; ``None`` for an id without one."""
    return GEOGRAPHIES.get(profile_id.partition(".")[0])
