DRAWINGS = ()
def draw(slug, *, dark): return ""
