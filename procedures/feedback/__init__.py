"""“Was this clear?”: what readers answer at the end of a page, without saying who they are."""
