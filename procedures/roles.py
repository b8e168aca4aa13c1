"""What editors, reviewers and managers may do. The groups are made by a migration from this one list."""

EDITED = (
    "careinstruction figure figuretext guide guideitem marker markertext page series seriesitem source term"
).split()
CLINIC = "clinic clinictext clinicalcode location locationtext".split()
READERS = ["view_feedback", "view_readcount"]
HISTORY = "approval outsidelink release releaseevent revision".split()
# Staff change the list of warning signs as a whole, by a proposal that another person approves.
SIGNS = ["view_warningsign", "change_warningsign"]

EDITOR = (
    [f"{verb}_{model}" for model in EDITED for verb in ("add", "change", "view")]
    + [f"delete_{model}" for model in ("figuretext", "guideitem", "marker", "markertext", "seriesitem")]
    + [f"view_{model}" for model in (*CLINIC, *HISTORY)]
    + [*READERS, *SIGNS, "change_feedback", "delete_feedback"]
)
REVIEWER = [f"view_{model}" for model in (*EDITED, *CLINIC, *HISTORY)] + READERS + ["view_warningsign", "approve_page"]
MANAGER = [
    *EDITOR,
    *(f"delete_{model}" for model in ("careinstruction", "figure", "series", "source", "term")),
    *(f"{verb}_{model}" for model in CLINIC for verb in ("add", "change", "delete")),
    "publish_page",
    *(f"{verb}_user" for verb in ("add", "change", "view")),
    "view_auditevent",
]
ROLES = {"Editor": EDITOR, "Reviewer": REVIEWER, "Manager": MANAGER}
