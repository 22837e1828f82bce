"""Complete examples: a small trained language model with its data, and the experiments that are run on it."""
