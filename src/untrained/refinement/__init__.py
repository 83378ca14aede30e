"""What follows a fit: the observation filtered again, with the network's image as the guide."""

from untrained.refinement.collaborative import Collaborative, Refinement

__all__ = ["Collaborative", "Refinement"]
