"""Predicted rates: what a source makes in a target before a detector sees it; sources by name, rates, their table."""

from eventfit.rates.prediction import Case, Prediction, predict_rates
from eventfit.rates.source import (
    SOLAR_SUMS,
    SOURCES,
    Source,
    choices_of,
    open_source,
    reactor_source,
    solar_source,
    stopped_pion_source,
)
from eventfit.rates.table import RateRow, rate_rows
from eventfit.rates.total import Rate, recoil_spectrum, total_rates

__all__ = [
    "SOLAR_SUMS",
    "SOURCES",
    "Case",
    "Prediction",
    "Rate",
    "RateRow",
    "Source",
    "choices_of",
    "open_source",
    "predict_rates",
    "rate_rows",
    "reactor_source",
    "recoil_spectrum",
    "solar_source",
    "stopped_pion_source",
    "total_rates",
]
