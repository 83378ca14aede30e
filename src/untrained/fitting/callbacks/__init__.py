"""Observers of a fit: they watch, they never steer."""

from untrained.fitting.callbacks.base import Callback, Check, Plan, Start
from untrained.fitting.callbacks.jsonl import JsonLines
from untrained.fitting.callbacks.lenient import Lenient
from untrained.fitting.callbacks.progress import Progress
from untrained.fitting.callbacks.scoring import Scoring
from untrained.fitting.callbacks.snapshots import Snapshots, spread_steps
from untrained.fitting.callbacks.tensorboard import TensorBoard

__all__ = [
    "Callback",
    "Check",
    "JsonLines",
    "Lenient",
    "Plan",
    "Progress",
    "Scoring",
    "Snapshots",
    "Start",
    "TensorBoard",
    "spread_steps",
]
