"""The archive: where its bytes are, what of it a hunt reads, and the cells of its batches."""
