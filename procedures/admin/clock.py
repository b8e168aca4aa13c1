"""Staff type times as the clock on their wall shows them."""

from typing import Any

from django import forms

from procedures.publishing.clock import FIRST, SECOND, ClockError, DayError, RepeatedTimeError, clinic_zone, moment


class MomentForm(forms.Form):
    """A day and a time by the clinic's clock. ``at`` is the moment they name; ``repeated`` asks which of two."""

    # Beside “Publish now” a browser must not ask for a time before it sends anything.
    use_required_attribute = False

    day = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), label="Day")
    time = forms.TimeField(widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"), label="Time")
    which = forms.TypedChoiceField(
        label="Which of the two?",
        choices=[(FIRST, "The first time"), (SECOND, "The second time, one hour later")],
        coerce=int,
        empty_value=None,
        required=False,
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = clinic_zone()
        self.repeated = bool(self.data.get("which"))

    def clean(self) -> dict[str, Any]:
        """The moment, or a sentence at the time."""
        values = super().clean() or self.cleaned_data
        day, time = values.get("day"), values.get("time")
        if day and time:
            try:
                values["at"] = moment(day, time, self.zone, which=values.get("which"))
            except RepeatedTimeError as error:
                self.repeated = True
                self.add_error("time", str(error))
            except DayError as error:
                self.add_error("day", str(error))
            except ClockError as error:
                self.add_error("time", str(error))
        return values
