"""The vocabulary every dialect is lowered to: values, resources, relations, worlds, verdicts. Knows no syntax."""
