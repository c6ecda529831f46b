"""Patterns as PCRE2 reads them, and as pass one gets them: never stricter, in a language both engines read alike."""
