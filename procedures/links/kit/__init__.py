"""The message kit: finished links, messages, reminders and QR codes. Nothing in it knows who the patient is."""

from procedures.links.kit.sending import Sending, neutral_path, sending

__all__ = ["Sending", "neutral_path", "sending"]
