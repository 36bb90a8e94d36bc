"""Policies: YAML files into compiled conditions over the resource model. Sees no front-end, no fact's code, no text."""
