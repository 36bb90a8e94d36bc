"""Bytes to compact syntax trees with spans. Knows no Azure and evaluates nothing; tree-sitter nodes never leave it."""
