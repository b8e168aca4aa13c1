"""The fingerprint of the secret key: a wrong key is noticed before anyone is locked out."""

import io
from pathlib import Path

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import call_command
from django.test import Client, override_settings

from portal.accounts.adapter import MFAAdapter
from portal.accounts.models import KeyFingerprint, User
from portal.env import EXIT_CONFIGURATION, ConfigurationError
from portal.secret_key import key_matches_database, make_fingerprint, record_key_fingerprint, require_key

pytestmark = pytest.mark.django_db
OTHER = override_settings(SECRET_KEY="o" * 64, IS_KEY_IN_ENVIRONMENT=True)


@pytest.fixture(autouse=True)
def _key_in_environment() -> object:
    with override_settings(IS_KEY_IN_ENVIRONMENT=True):
        yield


def test_a_fingerprint_depends_on_the_key_and_does_not_contain_it() -> None:
    assert make_fingerprint("a" * 64) == make_fingerprint("a" * 64)
    assert make_fingerprint("a" * 64) != make_fingerprint("b" * 64)
    assert len(make_fingerprint()) == 16
    assert "a" * 4 not in make_fingerprint("a" * 64)


def test_another_key_is_refused_until_it_is_accepted() -> None:
    record_key_fingerprint()
    require_key()
    with OTHER:
        with pytest.raises(
            ConfigurationError, match="If you changed the key on purpose, run manage.py accept_key"
        ) as refused:
            require_key()
        assert refused.value.returncode == EXIT_CONFIGURATION
        call_command("accept_key", stdout=io.StringIO())
        require_key()
    assert not key_matches_database()
    assert KeyFingerprint.objects.count() == 2


def test_readiness_names_the_wrong_key() -> None:
    record_key_fingerprint()
    assert Client().get("/readyz").status_code == 200
    with OTHER:
        answer = Client().get("/readyz")
    assert (answer.status_code, answer.content.decode()) == (
        503,
        "the secret key does not match this database: see “Rotate the key” in docs/operations.md\n",
    )


def test_a_database_without_a_fingerprint_is_judged_by_its_second_factors(caplog: pytest.LogCaptureFixture) -> None:
    user = User.objects.create(username="nina")
    secret = MFAAdapter().encrypt("JBSWY3DPEHPK3PXP")
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": secret})

    assert key_matches_database()
    with OTHER:
        assert not key_matches_database()
        assert MFAAdapter().decrypt(secret) != "JBSWY3DPEHPK3PXP"
    assert [record.getMessage() for record in caplog.records] == [
        "A second factor cannot be decrypted: it was encrypted with a different secret key"
    ]


def test_a_command_without_any_key_says_so(tmp_path: Path) -> None:
    with (
        override_settings(IS_KEY_IN_ENVIRONMENT=False, KEY_FILE=tmp_path / "secret-key"),
        pytest.raises(ConfigurationError, match="No secret key found at"),
    ):
        require_key()
