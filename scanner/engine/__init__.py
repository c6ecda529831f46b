"""Ruleset → matches over columns of text: pass one by Hyperscan, confirm by PCRE2."""
