"""One hunt's work, done by hindcast and by what people would use instead, over the same file with the same regexes."""
