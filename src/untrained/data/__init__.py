"""The standard sets of pictures, fetched from where their authors keep them.

    from untrained.data import fetch, names_in
    fetch("cset9/f16.png")                     # a path; checked by sha256
    names_in("set5")

None of them comes with this package: several forbid commercial use or state no licence. A folder
that the environment variable UNTRAINED_DATA points to is looked at first; what is not there is
downloaded once, by pooch (`pip install 'untrained[data]'`), into the user's cache.
"""

from untrained.data.store import REGISTRY, Source, fetch, load, names_in

__all__ = ["REGISTRY", "Source", "fetch", "load", "names_in"]
