"""Benchmarks that compare this library with alternatives; each module is one command."""
