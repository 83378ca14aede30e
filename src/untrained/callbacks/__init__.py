"""Observers of a fit: they watch, they never steer."""

from untrained.callbacks.base import Callback, Check, Plan, Start
from untrained.callbacks.jsonl import JsonLines
from untrained.callbacks.progress import Progress
from untrained.callbacks.scoring import Scoring
from untrained.callbacks.snapshots import Snapshots, spread_steps
from untrained.callbacks.tensorboard import TensorBoard

__all__ = [
    "Callback",
    "Check",
    "JsonLines",
    "Plan",
    "Progress",
    "Scoring",
    "Snapshots",
    "Start",
    "TensorBoard",
    "spread_steps",
]
