"""Active learning: explore, cut out, select, label by DFT, check, train, and again."""
