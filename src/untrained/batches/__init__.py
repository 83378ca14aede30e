"""Many pictures: found, done on one machine or on many, written down in a ledger."""

from untrained.batches.batch import Totals, run_batch
from untrained.batches.engines import Engine, LocalEngine
from untrained.batches.entries import STATE, Entry, Settings
from untrained.batches.finding import entries_in
from untrained.batches.ledger import Ledger, state_of
from untrained.batches.work import Account, Piece, do_piece

__all__ = [
    "STATE",
    "Account",
    "Engine",
    "Entry",
    "Ledger",
    "LocalEngine",
    "Piece",
    "Settings",
    "Totals",
    "do_piece",
    "entries_in",
    "run_batch",
    "state_of",
]
