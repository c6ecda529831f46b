"""Measurements of single parts of hindcast; each checks its answer before it tells a speed."""
