"""Conversion of local times, including both daylight saving changes."""

import datetime
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError

from procedures.models import Clinic
from procedures.timezones import (
    AmbiguousTimeError,
    LocalTimeError,
    format_datetime,
    get_clinic_timezone,
    to_utc,
)
from tests.factories import make_clinic

DENVER = ZoneInfo("America/Denver")
SPRING, AUTUMN = datetime.date(2027, 3, 14), datetime.date(2026, 11, 1)


def utc(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(f"{text}+00:00")


def test_a_time_on_the_wall_is_one_moment(subtests: pytest.Subtests) -> None:
    for day, time, wanted in [
        (datetime.date(2026, 12, 1), datetime.time(9, 30), "2026-12-01T16:30"),
        (datetime.date(2026, 7, 1), datetime.time(9, 30), "2026-07-01T15:30"),
        (SPRING, datetime.time(1, 59), "2027-03-14T08:59"),
        (SPRING, datetime.time(3, 0), "2027-03-14T09:00"),
        (AUTUMN, datetime.time(0, 59), "2026-11-01T06:59"),
        (AUTUMN, datetime.time(2, 0), "2026-11-01T09:00"),
    ]:
        with subtests.test(day=day, time=time, wanted=wanted):
            assert to_utc(day, time, DENVER) == utc(wanted)


@pytest.mark.parametrize("minute", [0, 30, 59])
def test_a_nonexistent_time_is_rejected_with_the_next_valid_one(minute: int) -> None:
    with pytest.raises(
        LocalTimeError, match=f"There is no 2:{minute:02} AM on March 14, 2027.*Choose 3:{minute:02} AM instead"
    ):
        to_utc(SPRING, datetime.time(2, minute), DENVER)


def test_an_ambiguous_time_is_rejected_with_both_candidates() -> None:
    with pytest.raises(AmbiguousTimeError, match="1:30 AM occurs twice on Nov. 1, 2026") as raised:
        to_utc(AUTUMN, datetime.time(1, 30), DENVER)

    assert [one.astimezone(datetime.UTC) for one in raised.value.candidates] == [
        utc("2026-11-01T07:30"),
        utc("2026-11-01T08:30"),
    ]


@pytest.mark.parametrize(("which", "expected"), [(0, "2026-11-01T07:30"), (1, "2026-11-01T08:30")])
def test_the_chosen_occurrence_of_an_ambiguous_time_is_used(which: int, expected: str) -> None:
    assert to_utc(AUTUMN, datetime.time(1, 30), DENVER, occurrence=which) == utc(expected)


def test_a_half_hour_gap_is_rejected() -> None:
    with pytest.raises(LocalTimeError, match="Choose 2:45 AM instead"):
        to_utc(datetime.date(2026, 10, 4), datetime.time(2, 15), ZoneInfo("Australia/Lord_Howe"))


@pytest.mark.django_db
def test_the_time_zone_is_the_clinics() -> None:
    assert get_clinic_timezone() == ZoneInfo("UTC")
    make_clinic(time_zone="America/Denver")

    assert get_clinic_timezone() == DENVER
    assert format_datetime(utc("2026-11-01T07:30"), DENVER) == "Nov. 1, 2026, 1:30 AM (MDT)"


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["Denver", "America/Nowhere", "../etc/passwd", "", "/America/Denver"])
def test_an_unknown_time_zone_is_rejected(name: str) -> None:
    clinic = Clinic(pk=1, name="C", phone="+1 303-555-0100", time_zone=name)

    with pytest.raises(ValidationError) as raised:
        clinic.full_clean()

    assert "time_zone" in raised.value.message_dict
