"""Benchmarks: ratios to a limit, to a baseline and to Checkov, all measured in one run; never absolute seconds."""
