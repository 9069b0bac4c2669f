"""Which recoils a declaration has, electrons or nuclei, and what follows for its target and response."""

from __future__ import annotations

from eventfit.analysis.declaration import Declaration
from eventfit.analysis.mechanisms import (
    ChargeRadiusDeclared,
    CoherentDeclared,
    MillichargeDeclared,
    MomentsDeclared,
    ProcessDeclared,
)
from eventfit.errors import DeclarationError

__all__ = ["require_consistent_recoils", "strikes_nuclei"]


def strikes_nuclei(process: ProcessDeclared) -> bool:
    """Whether the process makes nuclei recoil."""
    return isinstance(process, CoherentDeclared) or (isinstance(process, MomentsDeclared) and process.on_nuclei)


def _strikes_electrons(process: ProcessDeclared) -> bool:
    return not strikes_nuclei(process) or (isinstance(process, MomentsDeclared) and process.on_electrons)


def require_consistent_recoils(declared: Declaration, where: str) -> None:
    """Refuse what leaves open, or contradicts, which recoils are seen and how.

    Raises
    ------
    DeclarationError
        A quenching without nuclear recoils; both kinds on one axis without a quenching, or with an efficiency of one
        kind; electrons of which nothing is said; moments, charges or radii beside coherent scattering that leave the
        nuclei out without a word.
    """
    nuclei = any(strikes_nuclei(process) for process in declared.process)
    electrons = any(_strikes_electrons(process) for process in declared.process)
    quenching = declared.response.quenching
    if quenching is not None and not nuclei:
        raise DeclarationError(
            "a quenching acts on nuclear recoils, and no process makes any",
            where=f"{where}response.quenching",
            given=f"kind = {quenching.kind!r} with processes {', '.join(p.kind for p in declared.process)}",
            allowed="a process of kind coherent, or moments on nuclei",
            fix="remove it: electron recoils are what the visible energy is calibrated with",
        )
    if nuclei and electrons and quenching is None:
        raise DeclarationError(
            "electron and nuclear recoils of one energy are not equally visible, and no quenching is declared",
            where=f"{where}response.quenching",
            allowed="a quenching of kind constant, lindhard or table",
            fix='add it; quenching = { kind = "constant", factor = 1 } says that they are',
        )
    order = declared.response.order
    both_stages = "efficiency" in order and "quenching" in order
    if nuclei and electrons and both_stages and order.index("efficiency") < order.index("quenching"):
        raise DeclarationError(
            "an efficiency before the quenching is one of nuclear recoils, and there are electron recoils as well",
            where=f"{where}response.order",
            given=", ".join(order),
            allowed="an efficiency after the quenching, where both kinds stand on one axis",
        )
    if electrons and declared.target.electrons is None:
        raise DeclarationError(
            "missing key",
            where=f"{where}target.electrons",
            allowed="free, stepping",
            fix="add it: a process scatters on electrons",
        )
    if any(isinstance(process, CoherentDeclared) for process in declared.process):
        _nothing_left_out(declared, where)


def _nothing_left_out(declared: Declaration, where: str) -> None:
    """Beside coherent scattering a moment says what it is on; a charge or radius of the nuclei's size is not there."""
    for number, process in enumerate(declared.process, 1):
        if isinstance(process, MomentsDeclared) and process.on is None:
            raise DeclarationError(
                "beside coherent scattering a moment has to say what it scatters on",
                where=f"{where}process[{number}].on",
                allowed='["electrons"], ["nuclei"] or ["electrons", "nuclei"]',
                fix='on = ["electrons", "nuclei"] with a form_factor is what a moment does',
            )
        if isinstance(process, MillichargeDeclared | ChargeRadiusDeclared):
            raise DeclarationError(
                "a charge or charge radius changes coherent scattering as well, which is not here yet",
                where=f"{where}process[{number}].kind",
                given=f"{process.kind} beside coherent",
                fix="leave one of the two out",
            )
