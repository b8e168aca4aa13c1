"""The clinic's stored logo, its colors, and the style sheet generated from the colors.

The colors appear on rules and bands only, never behind or on text, so that no color a clinic chooses can make a page
hard to read. They must still be visible on light pages and on paper. Dark pages use a lighter shade.
"""

import base64
import hashlib
import re
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

COLOR_PATTERN = re.compile(r"#[0-9a-f]{6}\Z", re.IGNORECASE)
# The backgrounds of tokens.css, tokens_dark.css, and paper.
LIGHT_BACKGROUNDS = ("#f8f1e4", "#fffdf7", "#ffffff")
DARK_BACKGROUNDS = ("#181612", "#2b2720")
# Minimum for shapes that carry meaning, such as the current stage (WCAG 1.4.11).
MIN_CONTRAST = 3.0
# Number of lightening steps from the original color to white.
LIGHTENING_STEPS = 20


@dataclass(frozen=True, slots=True)
class Logo:
    """A logo as stored: a PNG on a white background, without metadata."""

    png: bytes
    width: int
    height: int

    @property
    def version(self) -> str:
        """A hash of the file."""
        return hashlib.sha256(self.png).hexdigest()[:16]


def relative_luminance(red: int, green: int, blue: int) -> float:
    """Return the relative luminance of an sRGB color as WCAG 2.2 defines it, from 0 to 1."""
    channels = [value / 255 for value in (red, green, blue)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast_ratio(a: float, b: float) -> float:
    """Return the contrast ratio of two relative luminances, from 1 to 21."""
    light, dark = max(a, b), min(a, b)
    return (light + 0.05) / (dark + 0.05)


def contrast(color: str, background: str) -> float:
    """Return the contrast ratio of two colors such as #1a5276."""
    return contrast_ratio(*(relative_luminance(*bytes.fromhex(value[1:])) for value in (color, background)))


def validate_color(value: str) -> None:
    """Reject anything that is not a hex color such as #1a5276, and colors too pale for light pages and paper."""
    if not COLOR_PATTERN.match(value):
        raise ValidationError(_("Enter the color as # followed by six digits or letters from A to F, such as #1a5276."))
    ratio = min(contrast(value, background) for background in LIGHT_BACKGROUNDS)
    if ratio < MIN_CONTRAST:
        raise ValidationError(
            _(
                "This color is too pale for light pages and paper: its contrast is %(ratio)s to 1, but it must be"
                " at least 3 to 1. Choose a darker color."
            ),
            # Never rounded up to the limit.
            params={"ratio": f"{int(ratio * 10) / 10:g}"},
        )


def dark_shade(color: str) -> str:
    """Return the color for dark pages: the same color, or the nearest lighter shade with enough contrast."""
    for step in range(LIGHTENING_STEPS + 1):
        shade = _mix_with_white(color, step / LIGHTENING_STEPS)
        if all(contrast(shade, background) >= MIN_CONTRAST for background in DARK_BACKGROUNDS):
            return shade
    raise AssertionError("Unreachable: white always has enough contrast.")


def _mix_with_white(color: str, share: float) -> str:
    parts = (int(color[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(part + (255 - part) * share):02x}" for part in parts)


def build_stylesheet(color: str, accent_color: str) -> str:
    """Return the custom properties that the style sheets of the site use, for light and for dark pages."""
    named = {name: value for name, value in (("color", color), ("accent", accent_color or color)) if value}
    light = ";".join(f"--clinic-{name}:{value}" for name, value in named.items())
    dark = ";".join(f"--clinic-{name}:{dark_shade(value)}" for name, value in named.items())
    return f":root{{{light}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"


def encode_text(png: bytes) -> str:
    """Return a stored logo as text, for a form field or a content file."""
    return base64.b64encode(png).decode()
