"""From a listing to splits: what each file is, what a predicate removes, and all of it in little memory."""
