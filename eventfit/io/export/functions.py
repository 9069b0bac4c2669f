"""Functions of parameters as HS3 writes them: powers and linear ones that serve as factors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from eventfit.errors import ExportLoss
from eventfit.io.export.samples import SAME, Role, Sample
from eventfit.io.export.usage import Use
from eventfit.likelihood import GaussianScale, Power

__all__ = ["Functions", "linear_terms"]

Json = dict[str, Any]


@dataclass(eq=False)
class Functions:
    """Functions of parameters that serve as factors, each made once."""

    made: list[Json] = field(default_factory=list)

    def beyond(self, role: Role, use: Use) -> str | None:
        """The function for ``use``, None if it is neither a power nor linear."""
        others = use.others
        if use.sides and not role.alpha:
            return None
        slope, shift = 1.0 / role.translation.slope, -role.translation.intercept / role.translation.slope
        if len(others) == 1 and isinstance(others[0], GaussianScale):
            relative = others[0].relative
            expression = f"{1.0 + relative * shift!r} + {relative * slope!r} * {role.name}"
            return self._add({"type": "generic_function", "expression": expression}, f"{role.name}_linear")
        if all(isinstance(f, Power) for f in others) and (slope, shift) == (1.0, 0.0):
            power = sum(f.exponent for f in others if isinstance(f, Power))
            if power == 1:
                return role.name
            return self._add({"type": "product", "factors": [role.name] * power}, f"{role.name}_power_{power}")
        return None

    def _add(self, function: Json, stem: str) -> str:
        """Its name; the same function is made once."""
        for known in self.made:
            if {k: v for k, v in known.items() if k != "name"} == function:
                return str(known["name"])
        taken = {known["name"] for known in self.made}
        name = stem if stem not in taken else f"{stem}_{len(taken)}"
        self.made.append({"name": name, **function})
        return name

    def expression(self, name: str, text: str) -> str:
        """A generic function under this name."""
        self.made.append({"name": name, "type": "generic_function", "expression": text})
        return name

    def product(self, name: str, factors: list[str]) -> str:
        """A product of parameters under this name."""
        self.made.append({"name": name, "type": "product", "factors": factors})
        return name


def linear_terms(sample: Sample, bin_: int) -> list[str]:
    """What a sample expects in one bin, as terms of a sum: numbers times parameters.

    Raises
    ------
    ExportLoss
        It has a ``normsys``, or a morph that is not linear: only a channel of counts interpolates.
    """
    bent = [abs(m.high[bin_] + m.low[bin_]) > SAME * sample.size[bin_] for m in sample.morphs.values()]
    if sample.sides or any(bent):
        raise ExportLoss(
            "HS3 interpolates in channels of counts only",
            where=f"{sample.name}, bin {bin_ + 1}, a number measured with an error",
            given=", ".join([*(side.name for side in sample.sides), *sample.morphs]),
            allowed="linear factors and powers",
        )
    parts = [(float(sample.counts[bin_]), [*sample.factors])]
    parts += [(float(morph.high[bin_]), [*sample.factors, name]) for name, morph in sample.morphs.items()]
    return [" * ".join([repr(number), *names]) for number, names in parts if number != 0.0]
