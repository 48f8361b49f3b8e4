"""Bake projects and run them as their users would: minutes, the package index, and a container engine."""
