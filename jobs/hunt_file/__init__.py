"""The hunt file: what people write of a hunt, read with every problem at once."""
