r"""Patterns that were written for another engine, in the judge's language and with the meaning they have at home.

The same spelling means different things in PCRE2, RE2 and Go, Python's ``re`` and Rust's ``regex`` crate:

================  ==================  ==================  ==================  ==================
spelling          pcre                re2                 python              rust
================  ==================  ==================  ==================  ==================
``$``             end, or before the  very end            as in pcre          very end
                  last line break
``^`` under m     not behind a line   behind every line   behind every line   behind every line
                  break that is last  break               break               break
``\Z``            as ``$``            refused             very end            refused
``\z``            very end            very end            very end            very end
``\d \w \b``      ASCII without u     ASCII               Unicode             Unicode
``\s``            ASCII without u     ASCII without VT    Unicode             Unicode
``\v``            vertical space      U+000B              U+000B              U+000B
``\h``            horizontal space    refused             refused             refused
``{,n}``          0 to n times        as it stands        0 to n times        refused
``\p{Greek}``     script extensions   script              script              script
``a*+``           possessive          refused             possessive          ``(?:a*)+``
``[a&&b]``        members ``a & b``   members ``a & b``   members ``a & b``   an intersection
``(?i)i``         ``i I``             ``i I``             ``i I`` U+130 131   ``i I``
``(?R)``          recursion           refused             refused             a flag: refused
================  ==================  ==================  ==================  ==================

`scanner.engine.dialects.translate.in_pcre` is the one place where that is settled; everything behind it works on
PCRE2's language alone. What has no equal there is refused by name.
"""
