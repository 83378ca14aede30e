"""From an array or a picture to the restored one: problems solved whole, in tiles, inverted."""

from untrained.restoring.compression import Compressed, Compression, compress, decompress
from untrained.restoring.given import Execution, Given, Measured, MeasuredPages, Weights
from untrained.restoring.intervals import Interval, measured_interval
from untrained.restoring.inversion import Features, invert_features, maximize_activation
from untrained.restoring.measuring import reached, restore_measurement, typical_value
from untrained.restoring.paces import step_ratio, timed_from
from untrained.restoring.pictures import Hooks, plan_picture, restore_picture
from untrained.restoring.planner import (
    available_memory,
    make_plan,
    memory_in_parts,
    predict_memory,
    summarize_recipe,
)
from untrained.restoring.prior import weight_prior, with_prior
from untrained.restoring.restore import restore, restore_many
from untrained.restoring.saved import LoadedFit, load_fit
from untrained.restoring.scoring import score_pages
from untrained.restoring.solve import adapted, assemble, solve
from untrained.restoring.tiles import (
    TILE,
    can_be_tiled,
    crop,
    for_later_tiles,
    solve_tiled,
    tile_places,
)
from untrained.restoring.uncertainty import Z90, calibrated, coverage
from untrained.restoring.values import enlarged, read_values

__all__ = [
    "TILE",
    "Z90",
    "Compressed",
    "Compression",
    "Execution",
    "Features",
    "Given",
    "Hooks",
    "Interval",
    "LoadedFit",
    "Measured",
    "MeasuredPages",
    "Weights",
    "adapted",
    "assemble",
    "available_memory",
    "calibrated",
    "can_be_tiled",
    "compress",
    "coverage",
    "crop",
    "decompress",
    "enlarged",
    "for_later_tiles",
    "invert_features",
    "load_fit",
    "make_plan",
    "maximize_activation",
    "measured_interval",
    "memory_in_parts",
    "plan_picture",
    "predict_memory",
    "reached",
    "read_values",
    "restore",
    "restore_many",
    "restore_measurement",
    "restore_picture",
    "score_pages",
    "solve",
    "solve_tiled",
    "step_ratio",
    "summarize_recipe",
    "tile_places",
    "timed_from",
    "typical_value",
    "weight_prior",
    "with_prior",
]
