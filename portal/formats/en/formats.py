"""English times: 2:05 PM instead of 2:05 p.m., whose period would clash with the one at the end of a sentence."""

TIME_FORMAT = "g:i A"
DATETIME_FORMAT = "N j, Y, g:i A"
