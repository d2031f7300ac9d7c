"""limlff: a machine-learning force field and molecular-dynamics engine for lithium-metal anodes."""
