"""The results of a run: what a split leaves behind, how a run is finished, and how it is read again."""
