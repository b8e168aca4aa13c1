"""Phone numbers as addresses."""


def phone_href(number: str) -> str:
    """``tel:`` address of a printed number: ``+1 303-555-0100`` → ``tel:+13035550100``; empty for none."""
    digits = "".join(letter for letter in number if letter.isdigit() or letter == "+")
    return f"tel:{digits}" if digits else ""
