"""Scans as files: k-space, sinograms, and what is made of them; one format a file."""
