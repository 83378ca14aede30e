"""Other libraries: their operators here, our recipes there."""
