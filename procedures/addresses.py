"""Parts of public addresses, as regular expressions and as text.

The address of a page is its slug below the home page of its language, or below ``VISITS`` for guides.
"""

# A slug or a key: lowercase letters without accents, digits, and single hyphens.
SLUG = "[a-z0-9]+(?:-[a-z0-9]+)*"
# Below the home page of each language.
VISITS, SEARCH, SHORT_CODES, FEEDBACK = "visits/", "search/", "p/", "clear/"
# The lists of pages in each language.
LISTS = ("", VISITS)
# Below a page: its other formats, and its large pictures.
PLAIN_TEXT_SUFFIX, BOOKLET_SUFFIX = FORMAT_SUFFIXES = ("plain.txt", "booklet/")
PICTURE_PREFIX = "picture/"
# The same in every language.
LOGO_URL, COLORS_URL = "/clinic/logo.png", "/clinic/colors.css"
