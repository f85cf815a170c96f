"""Releases: taken in, checked, unpacked beside what runs, tried, and kept or given up."""
