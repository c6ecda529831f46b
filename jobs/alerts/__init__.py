"""Who is told when a run fails, has gaps, or finds what a signature never found before."""
