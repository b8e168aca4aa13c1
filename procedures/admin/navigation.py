"""The sections of the admin's navigation: home, content, sending, reviews, the clinic, people, and activity."""

from django.utils.translation import gettext_lazy as _

from portal.admin_site import Screen, Section

QUICK_ACTIONS = (
    Screen(_("New page"), "procedures_page_add", "procedures.add_page"),
    Screen(_("Add a picture"), "procedures_figure_add", "procedures.add_figure"),
    Screen(_("Send a page to a patient"), "procedures_page_send", "procedures.view_page"),
)
SECTIONS = (
    Section("home", _("Home"), (Screen(_("Home"), "index"),), QUICK_ACTIONS),
    Section(
        "pages",
        _("Pages"),
        (
            Screen(
                _("Pages"),
                "procedures_page_changelist",
                "procedures.view_page",
                ("procedures_page_", "procedures_revision_page", "procedures_release_page"),
                _("All topics that patients read"),
            ),
            Screen(_("Guides"), "procedures_guide_changelist", "procedures.view_guide", ("procedures_guide_",)),
            Screen(
                _("Glossary"), "procedures_glossaryterm_changelist", "procedures.view_glossaryterm",
                ("procedures_glossaryterm_",),
            ),
            Screen(_("Sources"), "procedures_source_changelist", "procedures.view_source", ("procedures_source_",)),
            Screen(_("Outdated details"), "procedures_page_stale", "procedures.view_page"),
            Screen(_("Scheduled"), "procedures_page_scheduled", "procedures.publish_page"),
            Screen(
                _("Import and export"), "procedures_page_transfer", "procedures.publish_page",
                ("procedures_page_import", "procedures_page_export"),
            ),
        ),
    ),
    Section(
        "pictures",
        _("Pictures"),
        (
            Screen(_("Pictures"), "procedures_figure_changelist", "procedures.view_figure", ("procedures_figure_",)),
            Screen(_("Series"), "procedures_series_changelist", "procedures.view_series", ("procedures_series_",)),
        ),
    ),
    Section(
        "send",
        _("Send"),
        (
            Screen(
                _("Send"), "procedures_page_send", "procedures.view_page",
                ("procedures_page_sharing", "procedures_page_letter"), _("Links, messages, and letters for patients"),
            ),
        ),
    ),
    Section(
        "reviews",
        _("Reviews"),
        (Screen(_("Reviews"), "procedures_page_reviews", "procedures.view_page", ("procedures_page_review",)),),
    ),
    Section(
        "clinic",
        _("Clinic"),
        (
            Screen(_("Clinic"), "procedures_clinic_changelist", "procedures.view_clinic", ("procedures_clinic_",)),
            Screen(
                _("Locations"), "procedures_location_changelist", "procedures.view_location", ("procedures_location_",)
            ),
            Screen(
                _("Clinic answers"), "procedures_clinicanswer_changelist", "procedures.view_clinicanswer",
                ("procedures_clinicanswer_",),
            ),
            Screen(
                _("Warning signs"), "procedures_warningsign_changelist", "procedures.view_warningsign",
                ("procedures_warningsign_",),
            ),
            Screen(
                _("Clinical codes"), "procedures_clinicalcode_changelist", "procedures.view_clinicalcode",
                ("procedures_clinicalcode_",),
            ),
        ),
    ),
    Section(
        "people",
        _("People"),
        (
            Screen(_("People"), "staff_user_changelist", "staff.view_user", ("staff_user_",)),
            Screen(_("Sign-ins"), "staff_auditevent_changelist", "staff.view_auditevent", ("staff_auditevent_",)),
        ),
    ),
    Section(
        "activity",
        _("Activity"),
        (
            Screen(
                _("Activity"), "procedures_releaseevent_changelist", "procedures.view_releaseevent",
                ("procedures_releaseevent_",), _("Who did what, and when"),
            ),
            Screen(_("Page views"), "procedures_page_views", "procedures.view_pageview"),
            Screen(
                _("Feedback"), "procedures_feedback_changelist", "procedures.view_feedback", ("procedures_feedback_",)
            ),
            Screen(
                _("External links"), "procedures_externallink_changelist", "procedures.view_externallink",
                ("procedures_externallink_",),
            ),
            Screen(
                _("Revisions"), "procedures_revision_changelist", "procedures.view_revision", ("procedures_revision_",)
            ),
            Screen(
                _("Approvals"), "procedures_approval_changelist", "procedures.view_approval", ("procedures_approval_",)
            ),
            Screen(
                _("Published versions"), "procedures_release_changelist", "procedures.view_release",
                ("procedures_release_",),
            ),
        ),
    ),
)  # fmt: skip


def get_sections() -> tuple[Section, ...]:
    """Return the sections (``ProceduresConfig.admin_sections``)."""
    return SECTIONS
