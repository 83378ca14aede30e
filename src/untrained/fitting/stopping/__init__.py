"""When to stop. A rule sees measurements and iterates, never the truth.

A rule is frozen settings; `start` makes its state for one fit. At every step the state may
`observe` an iterate without reading anything back from the device; every few steps the loop
asks it to `check`, and obeys.
"""

from untrained.fitting.stopping.base import (
    FixedSteps,
    Look,
    LowestLoss,
    Stopper,
    StopRule,
    Verdict,
)
from untrained.fitting.stopping.discrepancy import Discrepancy
from untrained.fitting.stopping.held_out import HeldOut
from untrained.fitting.stopping.variance import ExponentialVariance, WindowedVariance

__all__ = [
    "Discrepancy",
    "ExponentialVariance",
    "FixedSteps",
    "HeldOut",
    "Look",
    "LowestLoss",
    "StopRule",
    "Stopper",
    "Verdict",
    "WindowedVariance",
]
