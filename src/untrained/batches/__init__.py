"""Many pictures: found, done on one machine or on many, written down in a ledger."""

from untrained.batches.batch import Totals, run_batch
from untrained.batches.dry_run import DryRun, look_at_batch
from untrained.batches.engines import Engine, LocalEngine
from untrained.batches.entries import STATE, Entry, Settings
from untrained.batches.finding import entries_in
from untrained.batches.ledger import Ledger, state_of
from untrained.batches.page import write_page
from untrained.batches.ray_engine import RayEngine
from untrained.batches.status import Status, status_of
from untrained.batches.work import Account, Piece, do_piece

__all__ = [
    "STATE",
    "Account",
    "DryRun",
    "Engine",
    "Entry",
    "Ledger",
    "LocalEngine",
    "Piece",
    "RayEngine",
    "Settings",
    "Status",
    "Totals",
    "do_piece",
    "entries_in",
    "look_at_batch",
    "run_batch",
    "state_of",
    "status_of",
    "write_page",
]
