"""Plumbing that knows no science: argument checks, precision, progress, machine, parallel work."""
