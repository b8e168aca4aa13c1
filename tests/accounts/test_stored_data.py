"""Salts that stored data depends on: changing one makes second factors unreadable and signs everyone out."""

from base64 import urlsafe_b64encode

import pytest
from cryptography.fernet import Fernet
from django.core import signing
from django.test import RequestFactory, override_settings
from django.utils.crypto import salted_hmac

from portal.accounts.adapter import MFAAdapter
from portal.accounts.models import User, keyed_hash
from portal.accounts.throttle import get_device_id


@pytest.fixture(autouse=True)
def _fixed_secret_key():
    with override_settings(SECRET_KEY="a-fixed-secret-key-of-fifty-characters-0123456789-"):
        yield


def test_stored_second_factors_can_be_decrypted() -> None:
    key = urlsafe_b64encode(salted_hmac("portal.staff.factors", "v1", algorithm="sha256").digest())

    assert MFAAdapter().decrypt(Fernet(key).encrypt(b"secret").decode()) == "secret"


def test_session_auth_hashes_stay_valid() -> None:
    user = User(password="hash", session_epoch=3)

    expected = salted_hmac("portal.staff.User.session", "hash|3", algorithm="sha256").hexdigest()
    assert user.get_session_auth_hash() == expected


def test_trusted_device_cookies_stay_valid(settings) -> None:
    request = RequestFactory().get("/")
    request.COOKIES[settings.DEVICE_COOKIE_NAME] = signing.dumps({"7": "device"}, salt="portal.staff.device")

    assert get_device_id(request, User(pk=7)) == "device"


def test_keyed_hashes_stay_comparable() -> None:
    for purpose in ("origin", "throttle", "once"):
        expected = salted_hmac(f"portal.staff.{purpose}", "text", algorithm="sha256").hexdigest()
        assert keyed_hash(purpose, "text") == expected
