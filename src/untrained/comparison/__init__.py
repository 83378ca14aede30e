"""Methods beside each other and beside the truth: ours, classical ones, the demonstrations."""

from untrained.comparison.cases import DEFAULT_OPTIONS, Case, open_case, restore_classically
from untrained.comparison.compare import DEFAULT_METHODS, Comparison, compare_file
from untrained.comparison.demo import run_demo
from untrained.comparison.score import score_files

__all__ = [
    "DEFAULT_METHODS",
    "DEFAULT_OPTIONS",
    "Case",
    "Comparison",
    "compare_file",
    "open_case",
    "restore_classically",
    "run_demo",
    "score_files",
]
