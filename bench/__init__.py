"""Benchmarks: ratios against a baseline, never absolute seconds."""
