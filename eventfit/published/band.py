"""The band of a limit over variants: all that inputs which are known to a range allow to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from eventfit.analysis import Model
from eventfit.analysis.wanted import BandWanted
from eventfit.errors import StatisticsError
from eventfit.inference import Limit, Profile
from eventfit.published.compute import LIMIT_RULES, failed_row
from eventfit.published.row import Row

__all__ = ["band_row"]


def band_row(default: Model, profiles: Mapping[str, Profile | StatisticsError], wanted: BandWanted) -> Row:
    """Smallest and largest limit of the variants of ``wanted``, by its rule; no value if one of them failed.

    Parameters
    ----------
    default
        The default variant, for which the row stands.
    profiles
        Of every variant of the band, or why there is none.
    """
    limits: dict[str, Limit] = {}
    for name in wanted.variants:
        try:
            profile = profiles[name]
            if isinstance(profile, StatisticsError):
                raise profile
            limits[name] = LIMIT_RULES[wanted.rule](profile, cl=wanted.cl)
        except StatisticsError as error:
            error.within(f"variant {name}")
            return failed_row(default, wanted, error)
    least, most = (pick(limits, key=lambda name: limits[name].value) for pick in (min, max))
    card, mu = limits[least].card, default.reported
    value = (mu.value(limits[least].value), mu.value(limits[most].value))
    note = f"smallest in {least}, largest in {most}; {', '.join(wanted.variants)}"
    status = next((limit.status for limit in limits.values() if not limit.status.good), limits[most].status)
    return Row(
        quantity=wanted.quantity,
        parameter=mu.name,
        variant=default.variant,
        kind=default.kind,
        value=value,
        unit=mu.unit,
        card=replace(card, method=f"{card.method}, {len(limits)} variants", note=note),
        status=status.name.lower(),
        remedy=status.value,
        pieces=(value,),
    )
