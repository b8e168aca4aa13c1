"""Settings from the environment; an invalid value is one line that says what to do."""

import os
import runpy
import stat
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from portal import env
from portal.env import InvalidSettingError
from tests.served_data import ROOT

LONG_KEY = "k" * 60
S3 = {"PORTAL_S3_BUCKET": "pictures"}
SSO = {"PORTAL_SSO_MANAGER_GROUPS": "leads"}
OIDC = {
    **SSO,
    "PORTAL_OIDC_ISSUER": "https://login.example.org/realms/hospital/",
    "PORTAL_OIDC_CLIENT_ID": "plainspine",
    "PORTAL_OIDC_CLIENT_SECRET": "hunter2",
}


def load(folder: Path, **environ: str) -> dict[str, Any]:
    """Return the settings that result from these variables."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PORTAL_", "DATABASE_URL"))}
    with mock.patch.dict(os.environ, {**own, "PORTAL_DATA_DIR": str(folder), **environ}, clear=True):
        return runpy.run_path(str(ROOT / "portal" / "settings.py"))


def refuse(folder: Path, **environ: str) -> str:
    """Return the error that these variables raise."""
    with pytest.raises(InvalidSettingError) as refused:
        load(folder, **environ)
    return str(refused.value)


ODD: dict[str, list[str]] = {
    "PORTAL_DEBUG": ["1", "yes", "on", "True.", "tru", "0", "none", "false false"],
    "PORTAL_REQUIRE_PEER_REVIEW": ["no", "off", "0", "-"],
    "PORTAL_ALLOWED_HOSTS": ["*", "*.example.org", "a,,b", "a, ", ",", "https://a.org", "a.org/", "a b", "a.org:8000", "a\tb", "<a>", "a;b", "a..b"],
    "PORTAL_PUBLIC_URL": ["learn.example.org", "//a.org", "ftp://a.org", "https://", "https://a.org/path", "https://a.org?x=1", "https://a.org#x", "https://user@a.org", "https://user:pw@a.org", "https://@a.org", "https://a.org:99999", "https://a.org:x", "https://a.org:0", "https://[::1", "https://a b.org", "https://a.org\\evil", "javascript:x", 'https://a"b', "https://<a>", "https://a.org:"],
    "DATABASE_URL": ["nonsense", "mysql://u:p@h/d", "oracle://u:p@h/d", "postgres://u:p@h:port/d", "http://a.org", "://", "postgres://u:p@ss@h/d", "postgres://u:p/ss@h/d", "postgres://u:p#ss@h/d", "postgres://u:p?ss@h/d", "postgres://u:p:ss@h/d", "postgres://u:100%@h/d", "postgres://u:p ss@h/d", "postgres://h", "postgres://u:p@/"],
    "PORTAL_DATABASE_CONNECTIONS": ["0", "1", "65", "many"],
    "PORTAL_HSTS_SUBDOMAINS": ["yes", "0"],
    "PORTAL_FEEDBACK_DAYS": ["0", "-1", "+5", "3651", "9" * 5000, "x", "1.5", "1e3", "٣", "1 0"],
    "PORTAL_TEXT_DETECTION": ["yes", "0"],
    "PORTAL_COUNT_PAGE_VIEWS": ["yes", "0"],
    "PORTAL_SECRET_KEY": ["short", "k" * 49],
    "PORTAL_LOG_FORMAT": ["JSON", "text", "json,line"],
    "PORTAL_S3_BUCKET": ["ab", "a" * 64, "Pictures", "s3://pictures", "a/b", "a..b", "-ab", "10.0.0.1", "a b", "a_b"],
    "PORTAL_S3_ENDPOINT": ["s3.example.org", "https://", "https://a.org/path", "https://a.org?x", "https://key:pw@a.org", "ftp://a.org", "https://a.org:0", "https://a b"],
    "PORTAL_S3_REGION": ["EU", "eu central", "eu/1", "-"],
    "PORTAL_S3_CACHE_MB": ["63", "-1", "1e3", "10 GB", "99999999", "٦٤"],
    "PORTAL_OIDC_ISSUER": ["login.example.org", "http://login.example.org", "https://", "https://a.org?x", "https://a.org/.well-known/openid-configuration", "https://u:p@a.org", "https://a b.org", "https://a.org:0", "ftp://a.org", "https://[::1", "https://a.org/" + "x" * 200],
    "PORTAL_SAML_METADATA": ["/nowhere/idp.xml", "/", "/etc/hostname", "https://a.org/metadata"],
    "PORTAL_SSO_EDITOR_GROUPS": [";", "a;;b", "a;"],
    "PORTAL_SSO_SECOND_FACTOR": ["none", "Provider", "true"],
    "PORTAL_SSO_RECHECK_MINUTES": ["0", "9", "721", "1h"],
    "PORTAL_SSO_NAME": ["x" * 61],
    "PORTAL_AUDIT_LOG": ["syslog", "stdout,", "log.example.org", "syslog+udp://", "syslog+http://a.org", "syslog+unix://dev/log", "syslog+tcp://a.org/x", "syslog+tcp://u:p@a.org", "syslog+udp://a.org:99999", "file:///tmp/x", "syslog+tls://a.org?x=1", "syslog+tcp://a b"],
    "PORTAL_SIGN_IN_LOG_DAYS": ["0", "29", "forever", "-1"],
    "PORTAL_CLOSED_ACCOUNT_DAYS": ["0", "1.5", "36501"],
    "PORTAL_METRICS_TOKEN": ["short", "x" * 19],
    "PORTAL_SESSION_IDLE_MINUTES": ["0", "4", "241", "x", "-5", "5.5", "1e2", "1_0", "٣٠"],
}  # fmt: skip


def test_an_invalid_value_raises_one_line_that_names_the_variable(tmp_path: Path, subtests: pytest.Subtests) -> None:
    for name, value in [(name, value) for name, values in ODD.items() for value in values]:
        with subtests.test(name=name, value=value):
            others = (
                S3 if name.startswith("PORTAL_S3") else OIDC if name.startswith(("PORTAL_OIDC", "PORTAL_SSO")) else {}
            )
            sentence = refuse(tmp_path / "data", **{**others, **(SSO if "SAML" in name else {}), name: value})

            assert sentence.startswith(f"{name} is not valid. ")
            assert "\n" not in sentence
            assert sentence.endswith(".")
    assert not (tmp_path / "data").exists(), "nothing is created before all values are accepted"


def test_a_metrics_token_needs_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(env, "find_spec", lambda name: None)

    assert refuse(tmp_path, PORTAL_METRICS_TOKEN="x" * 20).endswith(f" -m pip install -e '{ROOT}[metrics]'.")


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    assert refuse(tmp_path, PORTAL_DEBUG="yes", PORTAL_FEEDBACK_DAYS="0", PORTAL_DEBUGG="true") == (
        "PORTAL_DEBUGG is not a known setting. Did you mean PORTAL_DEBUG? See docs/operations.md for all settings. "
        "PORTAL_DEBUG is not valid. Use true or false. "
        "PORTAL_FEEDBACK_DAYS is not valid. Use a whole number from 1 to 3650."
    )


def test_a_secret_is_never_repeated(tmp_path: Path, subtests: pytest.Subtests) -> None:
    for name, value in [
        ("PORTAL_SECRET_KEY", "hunter2"),
        ("DATABASE_URL", "mysql://me:hunter2@host/name"),
        ("DATABASE_URL", "postgres://me:hunter2@host:port/name"),
        ("PORTAL_S3_ENDPOINT", "https://me:hunter2@a.org"),
        ("PORTAL_EMAIL_URL", "smtps://me:hunter2@a.org/x"),
    ]:
        with subtests.test(name=name):
            assert "hunter2" not in refuse(tmp_path, **S3, **{name: value})


def test_single_sign_on_is_complete_or_off(tmp_path: Path) -> None:
    read = load(
        tmp_path, **OIDC, PORTAL_SSO_EDITOR_GROUPS="CN=Editors,OU=Spine ; x", PORTAL_BREAK_GLASS_ACCOUNT="Glass"
    )
    assert (read["SSO_PROVIDER"], read["SSO_PROVIDER_ID"]) == ("oidc", "https://login.example.org/realms/hospital")
    assert read["SSO_ROLES"] == {"CN=Editors,OU=Spine": "Editor", "x": "Editor", "leads": "Manager"}
    assert read["BREAK_GLASS_ACCOUNT"] == "glass"
    assert load(tmp_path)["SSO_PROVIDER"] == ""

    metadata = tmp_path / "idp.xml"
    descriptor = (
        '<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{}">{}</md:EntityDescriptor>'
    )
    metadata.write_text(descriptor.format("https://idp.example.org", "<md:IDPSSODescriptor/>"))
    saml = {**SSO, "PORTAL_SAML_METADATA": str(metadata)}
    key = tmp_path / "key.pem"
    key.write_text("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n-----BEGIN CERTIFICATE-----\n")
    assert load(tmp_path, **saml)["SSO_PROVIDER_ID"] == "https://idp.example.org"
    for variables, sentence in [
        (
            {**OIDC, **saml},
            "PORTAL_OIDC_ISSUER and PORTAL_SAML_METADATA are both set. Staff use one provider: remove one of the two.",
        ),
        (
            {**OIDC, "PORTAL_OIDC_CLIENT_SECRET": ""},
            "PORTAL_OIDC_ISSUER and PORTAL_OIDC_CLIENT_SECRET must be used together. Set both or neither.",
        ),
        (
            {"PORTAL_OIDC_CLIENT_ID": "x"},
            "PORTAL_OIDC_ISSUER and PORTAL_OIDC_CLIENT_ID must be used together. Set both or neither.",
        ),
        (
            {**OIDC, "PORTAL_SSO_MANAGER_GROUPS": ""},
            "Single sign-on needs at least one group, or no one could sign in. Set PORTAL_SSO_MANAGER_GROUPS.",
        ),
        (
            {"PORTAL_BREAK_GLASS_ACCOUNT": "glass"},
            "PORTAL_BREAK_GLASS_ACCOUNT has no effect without a provider. Set PORTAL_OIDC_ISSUER or PORTAL_SAML_METADATA as well.",
        ),
        (
            {**saml, "PORTAL_SAML_KEY": str(key)},
            "PORTAL_SAML_KEY has no effect without PORTAL_SAML_CERTIFICATE. Set both, or neither.",
        ),
        (
            {**saml, "PORTAL_SAML_CERTIFICATE": str(key)},
            "PORTAL_SAML_CERTIFICATE has no effect without PORTAL_SAML_KEY. Set both, or neither.",
        ),
        (
            {"PORTAL_SAML_KEY": str(key), "PORTAL_SAML_CERTIFICATE": str(key)},
            "PORTAL_SAML_KEY has no effect without PORTAL_SAML_METADATA. Set both, or neither.",
        ),
        (
            {"PORTAL_OIDC_SCOPES": "openid"},
            "PORTAL_OIDC_SCOPES has no effect without PORTAL_OIDC_ISSUER. Set both, or neither.",
        ),
    ]:
        assert refuse(tmp_path, **variables) == sentence
    pair = {**saml, "PORTAL_SAML_KEY": str(key), "PORTAL_SAML_CERTIFICATE": str(key)}
    assert load(tmp_path, **pair)["SSO_PROVIDER"] == "saml"
    for name, value, sentence in [
        ("PORTAL_SAML_KEY", "/nowhere/key.pem", "The file cannot be read: No such file or directory."),
        (
            "PORTAL_SAML_KEY",
            str(metadata),
            "The file has no line -----BEGIN PRIVATE KEY-----. Use PEM format without a passphrase.",
        ),
        (
            "PORTAL_SAML_CERTIFICATE",
            str(metadata),
            "The file has no line -----BEGIN CERTIFICATE-----. Use PEM format without a passphrase.",
        ),
    ]:
        assert refuse(tmp_path, **{**pair, name: value}) == f"{name} is not valid. {sentence}"
    metadata.write_text(descriptor.format("https://sp.example.org", "<md:SPSSODescriptor/>"))
    assert "The file describes no identity provider." in refuse(tmp_path, **saml)


def test_a_boolean_is_true_or_false_in_any_case(tmp_path: Path) -> None:
    for value, wanted in [("true", True), ("TRUE", True), (" false ", False), ("False", False), ("", True)]:
        assert load(tmp_path, PORTAL_COUNT_PAGE_VIEWS=value)["COUNT_PAGE_VIEWS"] is wanted, value


def test_a_number_is_parsed(tmp_path: Path) -> None:
    for value, wanted in [("", 180), ("1", 1), (" 30 ", 30), ("3650", 3650)]:
        assert load(tmp_path, PORTAL_FEEDBACK_DAYS=value)["FEEDBACK_DAYS"] == wanted


def test_allowed_hosts_default_to_loopback_names(tmp_path: Path) -> None:
    assert load(tmp_path)["ALLOWED_HOSTS"] == ["127.0.0.1", "localhost", "[::1]"]
    hosts = load(tmp_path, PORTAL_ALLOWED_HOSTS="Learn.example.org, .example.org,[::1]")["ALLOWED_HOSTS"]
    assert hosts == ["Learn.example.org", ".example.org", "[::1]"]


def test_the_public_url_is_scheme_and_host(tmp_path: Path) -> None:
    for value, wanted in {
        "": "http://127.0.0.1:8000",
        "https://learn.example.org": "https://learn.example.org",
        "https://learn.example.org/": "https://learn.example.org",
        "http://127.0.0.1:8123": "http://127.0.0.1:8123",
        "http://[::1]:8000": "http://[::1]:8000",
    }.items():
        assert load(tmp_path, PORTAL_PUBLIC_URL=value)["PUBLIC_URL"] == wanted


def test_a_misspelled_variable_is_rejected_with_the_nearest_one(tmp_path: Path) -> None:
    for name, nearest in {
        "PORTAL_DEBUGG": "PORTAL_DEBUG",
        "PORTAL_ALLOWED_HOST": "PORTAL_ALLOWED_HOSTS",
        "PORTAL_HOSTS": "PORTAL_ALLOWED_HOSTS",
        "PORTAL_SECRET": "PORTAL_SECRET_KEY",
        "PORTAL_IDLE_MINUTES": "PORTAL_SESSION_IDLE_MINUTES",
    }.items():
        sentence = refuse(tmp_path / "data", **{name: "x"})
        assert (
            sentence
            == f"{name} is not a known setting. Did you mean {nearest}? See docs/operations.md for all settings."
        )
    assert refuse(tmp_path / "data", PORTAL_="x").startswith("PORTAL_ is not a known setting. ")
    assert not (tmp_path / "data").exists()


def test_a_misspelled_name_without_our_prefix_is_rejected_as_well(tmp_path: Path) -> None:
    for name, meant in {
        "DATABASEURL": "DATABASE_URL",
        "DATABASE_URI": "DATABASE_URL",
        "DATABSE_URL": "DATABASE_URL",
        "database_url": "DATABASE_URL",
        "PORTLA_DEBUG": "PORTAL_DEBUG",
        "PORTALDEBUG": "PORTAL_DEBUG",
        "portal_data_dir": "PORTAL_DATA_DIR",
    }.items():
        assert refuse(tmp_path, **{name: "hunter2"}) == f"{name} is not a known setting. Did you mean {meant}?"
    misspelled = {"AWS_ACCES_KEY_ID": "hunter2"}
    assert (
        refuse(tmp_path, **S3, **misspelled)
        == "AWS_ACCES_KEY_ID is not a known setting. Did you mean AWS_ACCESS_KEY_ID?"
    )
    load(tmp_path, **misspelled, AWS_ACCESS_KEY_ID="x", AWS_SESSION_TOKEN="x", TEST_DATABASE_URL="x", DATABASE="x")


def test_postgresql_without_psycopg_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(env, "find_spec", lambda name: None)
    assert f"pip install -e '{ROOT}[postgres]'" in refuse(tmp_path, DATABASE_URL="postgres://me@db/portal")


def test_special_characters_of_a_password_are_percent_encoded(tmp_path: Path) -> None:
    for url, password in {
        "postgres://me:p%40s%2Fs%23%3A%25@db/portal": "p@s/s#:%",
        "postgres://me@db/portal": "",
        "postgres://me:a-b_c.d~e!f@[::1]:5433/portal?sslmode=verify-full": "a-b_c.d~e!f",
    }.items():
        config = load(tmp_path, DATABASE_URL=url)["DATABASES"]["default"]
        assert (config["USER"], config["PASSWORD"], config["NAME"]) == ("me", password, "portal")
        assert config["OPTIONS"]["connect_timeout"] == 2
    socket = load(tmp_path, DATABASE_URL="postgres://%2Fvar%2Frun%2Fpostgresql/portal")["DATABASES"]["default"]
    assert socket["HOST"] == "/var/run/postgresql"


def test_debugging_a_site_with_https_is_rejected(tmp_path: Path) -> None:
    assert "Remove PORTAL_DEBUG." in refuse(tmp_path, PORTAL_DEBUG="true", PORTAL_PUBLIC_URL="https://a.org")
    assert load(tmp_path, PORTAL_DEBUG="true")["DEBUG"] is True


def test_hsts_for_subdomains_can_be_switched_off(tmp_path: Path) -> None:
    https = {"PORTAL_PUBLIC_URL": "https://a.org"}
    assert load(tmp_path, **https)["SECURE_HSTS_INCLUDE_SUBDOMAINS"] is True
    assert load(tmp_path, **https, PORTAL_HSTS_SUBDOMAINS="false")["SECURE_HSTS_INCLUDE_SUBDOMAINS"] is False
    assert load(tmp_path)["SECURE_HSTS_INCLUDE_SUBDOMAINS"] is False


def test_a_process_that_may_not_create_an_installation_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(env, "may_create", False)

    settings = load(tmp_path / "none")

    assert len(settings["SECRET_KEY"]) > 50
    assert settings["DATABASES"]["default"]["OPTIONS"]["database"].endswith("portal.sqlite3?mode=rw")
    assert list(tmp_path.iterdir()) == []


def test_a_renamed_variable_is_rejected_with_its_new_name(tmp_path: Path) -> None:
    names = load(tmp_path)["env"].names
    for old, new in env.RENAMED_VARIABLES.items():
        assert refuse(tmp_path, **{old: "x"}) == f"{old} was renamed. Set {new} instead."
        assert new in names


def test_blank_variables_and_those_of_other_software_are_accepted(tmp_path: Path) -> None:
    names = load(tmp_path)["env"].names

    load(tmp_path, **dict.fromkeys(names - {"PORTAL_DATA_DIR"}, " "), OTHER_DEBUGG="x")


def test_the_data_directory_is_created_for_its_owner_only(tmp_path: Path) -> None:
    path = load(tmp_path / "a" / "b")["DATA_DIR"]

    assert path == tmp_path / "a" / "b"
    assert stat.S_IMODE(path.stat().st_mode) == 0o700


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/portal", "/dev/null/portal"])
def test_a_data_directory_that_cannot_be_created_is_rejected(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("mine")

    with pytest.raises(InvalidSettingError, match=r"^PORTAL_DATA_DIR .* cannot be created: .*\.$"):
        env.create_data_dir(tmp_path / place)

    assert (tmp_path / "file").read_text() == "mine"


def test_a_key_is_created_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "secret-key"
    first = env.read_or_create_key(file)

    assert len(first) >= 64
    assert env.read_or_create_key(file) == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["secret-key"]
    assert env.read_or_create_key(tmp_path / "other") != first


def test_a_key_from_the_environment_is_not_stored(tmp_path: Path) -> None:
    assert load(tmp_path, PORTAL_SECRET_KEY=LONG_KEY)["SECRET_KEY"] == LONG_KEY
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "short\n", " " * 80])
def test_a_key_file_with_a_short_key_is_rejected_and_left_unchanged(tmp_path: Path, content: str) -> None:
    (tmp_path / "secret-key").write_text(content)

    with pytest.raises(InvalidSettingError, match="is too short. Restore the file from a backup. On a new"):
        env.read_or_create_key(tmp_path / "secret-key")

    assert (tmp_path / "secret-key").read_text() == content


def test_an_unreadable_key_file_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "secret-key").mkdir()

    with pytest.raises(InvalidSettingError, match="cannot be used: Is a directory."):
        env.read_or_create_key(tmp_path / "secret-key")


def test_sqlite_takes_the_write_lock_first_and_syncs_fully(tmp_path: Path) -> None:
    config = load(tmp_path)["DATABASES"]["default"]

    assert config["NAME"] == str(tmp_path / "portal.sqlite3")
    assert config["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert "journal_mode=WAL" in config["OPTIONS"]["init_command"]
    assert "synchronous=FULL" in config["OPTIONS"]["init_command"]


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_postgresql_is_configured_by_its_url(tmp_path: Path, scheme: str) -> None:
    config = load(tmp_path, DATABASE_URL=f"{scheme}://me:secret@db:5433/portal")["DATABASES"]["default"]

    assert (config["ENGINE"], config["HOST"], config["PORT"], config["NAME"]) == (
        "portal.postgresql",
        "db",
        5433,
        "portal",
    )


def test_a_new_key_survives_a_power_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[tuple[str, int]] = []

    def fsync(descriptor: int) -> None:
        synced.append((str(Path(f"/proc/self/fd/{descriptor}").readlink()), os.fstat(descriptor).st_size))

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(env, "may_create", True)
    key = env.read_or_create_key(tmp_path / "secret-key")

    assert [size for path, size in synced if path != str(tmp_path)] == [len(key)]
    assert str(tmp_path) in dict(synced), "the name of the file, too"
    assert [file.name for file in tmp_path.iterdir()] == ["secret-key"]
    assert (tmp_path / "secret-key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("url", "port", "tls", "ssl"),
    [
        ("smtps://u:p%40x@mail.example.org", 465, False, True),
        ("smtp://u:p%40x@mail.example.org", 587, True, False),
        ("smtp://u:p%40x@127.0.0.1:25", 25, False, False),
        ("smtp://u:p%40x@127.0.0.2:25", 25, False, False),
        ("smtp://u:p%40x@[::1]:25", 25, False, False),
    ],
)
def test_email_is_encrypted_except_to_a_loopback_host(
    tmp_path: Path, url: str, port: int, tls: bool, ssl: bool
) -> None:
    found = load(tmp_path, PORTAL_EMAIL_URL=url, PORTAL_EMAIL_FROM="site@clinic.example")

    assert (found["EMAIL_PORT"], found["EMAIL_USE_TLS"], found["EMAIL_USE_SSL"]) == (port, tls, ssl)
    assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == ("u", "p@x")
    assert found["DEFAULT_FROM_EMAIL"] == found["SERVER_EMAIL"] == "site@clinic.example"
    assert load(tmp_path)["EMAIL_BACKEND"] == env.DUMMY_EMAIL_BACKEND


def test_incomplete_email_settings_are_rejected_without_repeating_the_password(
    tmp_path: Path, subtests: pytest.Subtests
) -> None:
    for url, sender in [
        ("smtps://u:s3cret@mail.example.org", ""),
        ("", "site@clinic.example"),
        ("http://u:s3cret@mail.example.org", "site@clinic.example"),
        ("smtps://u@mail.example.org", "site@clinic.example"),
        ("smtps://u:s3cret@mail.example.org/?x=1", "site@clinic.example"),
        ("smtps://u:s3cret@mail.example.org:0", "site@clinic.example"),
        ("smtps://u:s3cret@mail.example.org", "no address"),
    ]:
        with subtests.test(url=url, sender=sender):
            sentence = refuse(tmp_path, PORTAL_EMAIL_URL=url, PORTAL_EMAIL_FROM=sender)

            assert "s3cret" not in sentence
            assert sentence.startswith("PORTAL_EMAIL_")


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORTAL_S3_ENDPOINT", "https://a.org"), ("PORTAL_S3_REGION", "eu"), ("PORTAL_S3_CACHE_MB", "64")],
)
def test_s3_settings_without_a_bucket_are_rejected(tmp_path: Path, name: str, value: str) -> None:
    assert refuse(tmp_path, **{name: value}).startswith(f"{name} is set without PORTAL_S3_BUCKET.")


def test_media_is_in_the_data_directory_unless_a_bucket_is_set(tmp_path: Path) -> None:
    assert load(tmp_path)["MEDIA_STORAGE"] == {"BACKEND": "portal.storage.local_storage.AtomicFileSystemStorage"}
    given = {"PORTAL_S3_BUCKET": "pictures", "PORTAL_S3_ENDPOINT": "https://s3.example.org:9000/"}
    assert load(tmp_path, **given)["MEDIA_STORAGE"]["OPTIONS"] == {
        "bucket_name": "pictures",
        "endpoint_url": "https://s3.example.org:9000",
        "region_name": "us-east-1",
        "cache_folder": tmp_path / "picture-cache",
        "cache_bytes": 1024**3,
    }


def test_a_bucket_without_django_storages_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(env, "find_spec", lambda name: None)
    assert f"pip install -e '{ROOT}[s3]'" in refuse(tmp_path, **S3)
