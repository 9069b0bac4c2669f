"""Weak rates of source components: predicted, and as the fit without signal finds them."""

from __future__ import annotations

from eventfit.analysis import Model
from eventfit.analysis.nuisances import FluxNorm
from eventfit.analysis.scaling import parameter_name
from eventfit.analysis.wanted import RateWanted
from eventfit.errors import DeclarationError
from eventfit.inference import MethodCard, Profile
from eventfit.inference.card import profile_card
from eventfit.published.row import Row
from eventfit.rates.total import total_rates
from eventfit.units import day, tonne

__all__ = ["predicted_rate", "rate_row"]

#: what a rate is counted in, and its name
UNIT, UNIT_NAME = 100.0 * tonne * day, "cpd/100t"


def rate_row(model: Model, profile: Profile, wanted: RateWanted) -> Row:
    """The row of a predicted rate, or of that times the norm of the fit without signal."""
    predicted = predicted_rate(model, wanted.norm)
    what = "weak scattering, recoils of all energies"
    if wanted.quantity == "predicted_rate":
        card = MethodCard("prediction of the source", what, "", calibration="none")
        return Row(wanted.label, wanted.norm, model.variant, model.kind, predicted, UNIT_NAME, card)
    null = profile.at(0.0)
    name = parameter_name(model.declaration, model.analysis, wanted.norm)
    error = predicted * float(null.errors[model.likelihood.index(name)])
    card = profile_card(profile, method="fit without signal", statistic=what, reference="", calibration="none")
    return Row(
        quantity=wanted.label,
        parameter=wanted.norm,
        variant=model.variant,
        kind=model.kind,
        value=predicted * null[name],
        unit=UNIT_NAME,
        card=card,
        status=null.status.name.lower(),
        remedy=null.status.value,
        error=error,
    )


def predicted_rate(model: Model, norm: str) -> float:
    """Weak events of the components of the flux norm ``norm``, in counts/(day 100 t).

    Raises
    ------
    DeclarationError
        There is no such flux norm, or no weak process.
    """
    components = {n.name: n.components for n in model.declaration.nuisance if isinstance(n, FluxNorm)}
    weak = [process for process in model.processes if process.name == "standard_model"]
    if norm not in components or len(weak) != 1:
        raise DeclarationError(
            "a rate is wanted of what is not declared",
            where=f"{model.analysis}: result, rate",
            given=norm if norm not in components else f"{len(weak)} weak processes",
            allowed=", ".join(components) + ", beside one process of kind standard_model",
        )
    declared = model.declaration
    process = next(p for p in declared.process if p.kind == "standard_model")
    key = (declared.model_dump_json(include={"target", "flux", "oscillation"}), process.model_dump_json(), norm)
    if key not in model.predicted:
        fluxes = [flux for flux in model.fluxes if flux.name in components[norm]]
        rates = total_rates(fluxes, weak[0], exposure=UNIT, units_per_kg=model.target.units_per_kg)
        model.predicted[key] = sum(rate.events for rate in rates)
    return model.predicted[key]
