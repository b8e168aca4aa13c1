"""Links to pages: short codes, repair of damaged URLs, link checks, messages, QR codes, and calendar events."""
