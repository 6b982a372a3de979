"""One runnable module per figure we publish: ``python -m benchmarks.<name>``."""
