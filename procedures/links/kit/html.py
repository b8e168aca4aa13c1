"""The message as HTML for mail programs: one column, large type, its own styles, nothing fetched from anywhere.

Many mail programs drop stylesheets, so each element carries its style; those that read the sheet darken it by night.
"""

from dataclasses import asdict

from django.utils.html import format_html

from procedures.links.kit.sending import Sending
from procedures.links.kit.words import words
from procedures.phones import phone_href

# Each line stays below 76 signs, so that an encoding which breaks lines leaves the address in one piece.
MESSAGE = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>{subject}</title>
<style>
:root {{ color-scheme: light dark; supported-color-schemes: light dark; }}
@media (prefers-color-scheme: dark) {{
.ground {{ background: #181612 !important; color: #f6eedf !important; }}
.link {{ color: #8fdad0 !important; }}
.button {{ background: #8fdad0 !important; color: #06282a !important; }}
}}
</style>
</head>
<body class="ground"
style="margin:0;padding:0;background:#fffdf7;color:#201b14;">
<div class="ground" lang="{language}"
style="max-width:560px;margin:0 auto;padding:24px 16px;
background:#fffdf7;color:#201b14;
font:18px/1.5 Verdana,Arial,sans-serif;">
<p style="margin:0 0 18px;">{greeting}</p>
<p style="margin:0 0 18px;">{opening}</p>
<p style="margin:0 0 18px;">
<a class="button"
href="{address}"
style="display:inline-block;padding:14px 22px;border-radius:6px;
background:#094648;color:#ffffff;font-weight:bold;
text-decoration:none;">{open_button}</a></p>
<p style="margin:0 0 18px;">{open_here}<br>
<a class="link"
href="{address}"
style="color:#094648;font-size:16px;word-break:break-word;">
{address}
</a></p>
<p style="margin:0 0 18px;">{free}</p>
<p style="margin:0 0 18px;">{type_it}<br>
<strong style="font-size:22px;white-space:nowrap;">{code}</strong></p>
<p style="margin:0 0 18px;">{on_paper}<br>
<a class="link"
href="{phone_href}"
style="color:#094648;font-weight:bold;">{phone}</a></p>
<p style="margin:0;">{clinic}</p>
</div>
</body>
</html>
"""


def html(about: Sending) -> str:
    """A whole HTML document."""
    said = words(about)
    return str(
        format_html(
            MESSAGE,
            language=about.language,
            address=about.neutral,
            phone_href=phone_href(said.phone),
            **asdict(said),
        )
    )
