"""From a recipe and its frames to a potential; `train` is the whole of it."""
