"""Settings from the environment; an invalid value is one line that says what to do."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from portal import env
from portal.env import InvalidSettingError

LONG_KEY = "k" * 60

ODD: dict[str, tuple[Callable[[dict[str, str]], object], list[str]]] = {
    "PORTAL_DEBUG": (
        lambda environ: env.get_bool("PORTAL_DEBUG", default=False, environ=environ),
        ["1", "yes", "on", "True.", "tru", "0", "none", "false false"],
    ),
    "PORTAL_REQUIRE_PEER_REVIEW": (
        lambda environ: env.get_bool("PORTAL_REQUIRE_PEER_REVIEW", default=True, environ=environ),
        ["no", "off", "0", "-"],
    ),
    "PORTAL_ALLOWED_HOSTS": (
        lambda environ: env.get_allowed_hosts(environ),
        ["*", "*.example.org", "a,,b", "a, ", ",", "https://a.org", "a.org/", "a b", "a.org:8000", "a\tb", "<a>", "a;b", "a..b"],
    ),
    "PORTAL_PUBLIC_URL": (
        lambda environ: env.get_public_url(environ),
        ["", "learn.example.org", "//a.org", "ftp://a.org", "https://", "https://a.org/path", "https://a.org?x=1",
         "https://a.org#x", "https://user@a.org", "https://user:pw@a.org", "https://@a.org", "https://a.org:99999",
         "https://a.org:x", "https://a.org:0", "https://[::1", "https://a b.org", "https://a.org\\evil", "javascript:x",
         'https://a"b', "https://<a>", "https://a.org:"],
    ),
    "DATABASE_URL": (
        lambda environ: env.get_database_config(Path("/x"), environ),
        ["nonsense", "mysql://u:p@h/d", "oracle://u:p@h/d", "postgres://u:p@h:port/d", "http://a.org", "://"],
    ),
    "PORTAL_FEEDBACK_DAYS": (
        lambda environ: env.get_int("PORTAL_FEEDBACK_DAYS", default=180, min_value=1, max_value=3650, environ=environ),
        ["0", "-1", "+5", "3651", "9" * 5000, "x", "1.5", "1e3", "٣", "1 0"],
    ),
    "PORTAL_TEXT_DETECTION": (
        lambda environ: env.get_bool("PORTAL_TEXT_DETECTION", default=True, environ=environ),
        ["yes", "0"],
    ),
    "PORTAL_COUNT_PAGE_VIEWS": (lambda environ: env.get_bool("PORTAL_COUNT_PAGE_VIEWS", default=True, environ=environ), ["yes", "0"]),
    "PORTAL_SECRET_KEY": (lambda environ: env.get_secret_key(Path("/x"), environ), ["short", "k" * 49]),
    "PORTAL_LOG_FORMAT": (
        lambda environ: env.get_choice("PORTAL_LOG_FORMAT", ("line", "json"), environ), ["JSON", "text", "json,line"]
    ),
    "PORTAL_S3_BUCKET": (
        lambda environ: env.get_media_storage(Path("/x"), environ),
        ["ab", "a" * 64, "Pictures", "s3://pictures", "a/b", "a..b", "-ab", "10.0.0.1", "a b", "a_b"],
    ),
    "PORTAL_S3_ENDPOINT": (
        lambda environ: env.get_media_storage(Path("/x"), {"PORTAL_S3_BUCKET": "pictures", **environ}),
        ["s3.example.org", "https://", "https://a.org/path", "https://a.org?x", "https://key:pw@a.org", "ftp://a.org",
         "https://a.org:0", "https://a b"],
    ),
    "PORTAL_S3_REGION": (
        lambda environ: env.get_media_storage(Path("/x"), {"PORTAL_S3_BUCKET": "pictures", **environ}),
        ["EU", "eu central", "eu/1", "-"],
    ),
    "PORTAL_S3_CACHE_MB": (
        lambda environ: env.get_media_storage(Path("/x"), {"PORTAL_S3_BUCKET": "pictures", **environ}),
        ["63", "-1", "1e3", "10 GB", "99999999", "٦٤"],
    ),
}  # fmt: skip


def test_an_invalid_value_raises_one_line_that_names_the_variable(subtests: pytest.Subtests) -> None:
    for name, value in [(name, value) for name, (_, values) in ODD.items() for value in values]:
        with subtests.test(name=name, value=value):
            with pytest.raises(InvalidSettingError) as refused:
                ODD[name][0]({name: value})

            sentence = str(refused.value)
            assert sentence.startswith(name)
            assert "\n" not in sentence
            assert sentence.endswith(".")


@pytest.mark.parametrize("value", ["hunter2", "k" * 49])
def test_a_secret_is_never_repeated(value: str) -> None:
    with pytest.raises(InvalidSettingError) as refused:
        env.get_secret_key(Path("/x"), {"PORTAL_SECRET_KEY": value})

    assert value not in str(refused.value)


def test_a_password_in_an_invalid_database_url_is_never_repeated() -> None:
    with pytest.raises(InvalidSettingError) as refused:
        env.get_database_config(Path("/x"), {"DATABASE_URL": "mysql://me:hunter2@host/name"})

    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("value", "wanted"), [("true", True), ("TRUE", True), (" false ", False), ("False", False), ("", True)]
)
def test_a_boolean_is_true_or_false_in_any_case(value: str, wanted: bool) -> None:
    assert env.get_bool("PORTAL_DEBUG", default=True, environ={"PORTAL_DEBUG": value}) is wanted


@pytest.mark.parametrize(("value", "wanted"), [("", 180), ("1", 1), (" 30 ", 30), ("3650", 3650)])
def test_a_number_of_days_is_parsed(value: str, wanted: int) -> None:
    found = env.get_int(
        "PORTAL_FEEDBACK_DAYS", default=180, min_value=1, max_value=3650, environ={"PORTAL_FEEDBACK_DAYS": value}
    )

    assert found == wanted


def test_allowed_hosts_default_to_loopback_names() -> None:
    assert env.get_allowed_hosts({}) == ["127.0.0.1", "localhost", "[::1]"]
    assert env.get_allowed_hosts({"PORTAL_ALLOWED_HOSTS": "Learn.example.org, .example.org,[::1]"}) == [
        "Learn.example.org",
        ".example.org",
        "[::1]",
    ]


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("https://learn.example.org", "https://learn.example.org"),
        ("https://learn.example.org/", "https://learn.example.org"),
        ("http://127.0.0.1:8123", "http://127.0.0.1:8123"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_the_public_url_is_scheme_and_host(value: str, wanted: str) -> None:
    assert env.get_public_url({"PORTAL_PUBLIC_URL": value}) == wanted


@pytest.mark.parametrize("name", ["PORTAL_DEBUGG", "PORTAL_ALLOWED_HOST", "PORTAL_", "PORTAL_SECRET"])
def test_a_misspelled_variable_is_rejected(name: str) -> None:
    with pytest.raises(InvalidSettingError, match=f"^{name} is not a setting. Settings: PORTAL_ALLOWED_HOSTS, "):
        env.reject_unknown_variables({name: "x", "PATH": "/bin"})


def test_a_renamed_variable_is_rejected_with_its_new_name() -> None:
    for old, new in env.RENAMED_VARIABLES.items():
        with pytest.raises(InvalidSettingError, match=rf"^{old} was renamed\. Set {new} instead\.$"):
            env.reject_unknown_variables({old: "x"})
        assert new in env.KNOWN_VARIABLES


def test_known_variables_and_those_of_other_software_are_accepted() -> None:
    env.reject_unknown_variables({**dict.fromkeys(env.KNOWN_VARIABLES, "x"), "PATH": "/bin", "DATABASE_URL": "x"})


def test_the_data_directory_is_created_for_its_owner_only(tmp_path: Path) -> None:
    path = env.get_data_dir(tmp_path, {"PORTAL_DATA_DIR": str(tmp_path / "a" / "b")})

    assert path.is_dir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert env.get_data_dir(tmp_path, {}) == tmp_path / "var"


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/portal", "/dev/null/portal"])
def test_a_data_directory_that_cannot_be_created_is_rejected(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("mine")

    with pytest.raises(InvalidSettingError, match=r"^PORTAL_DATA_DIR .* cannot be created: .*\.$"):
        env.get_data_dir(tmp_path, {"PORTAL_DATA_DIR": str(tmp_path / place)})

    assert (tmp_path / "file").read_text() == "mine"


def test_a_key_is_created_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    first = env.get_secret_key(tmp_path, {})

    assert len(first) >= 64
    assert env.get_secret_key(tmp_path, {}) == first
    assert stat.S_IMODE((tmp_path / "secret-key").stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["secret-key"]


def test_two_installations_have_different_keys(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()

    assert env.get_secret_key(tmp_path / "a", {}) != env.get_secret_key(tmp_path / "b", {})


def test_a_key_from_the_environment_is_not_stored(tmp_path: Path) -> None:
    assert env.get_secret_key(tmp_path, {"PORTAL_SECRET_KEY": LONG_KEY}) == LONG_KEY
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "short\n", " " * 80])
def test_a_key_file_with_a_short_key_is_rejected_and_left_unchanged(tmp_path: Path, content: str) -> None:
    (tmp_path / "secret-key").write_text(content)

    with pytest.raises(InvalidSettingError, match="is too short. Delete the file to create a new key."):
        env.get_secret_key(tmp_path, {})

    assert (tmp_path / "secret-key").read_text() == content


def test_an_unreadable_key_file_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "secret-key").mkdir()

    with pytest.raises(InvalidSettingError, match="cannot be used: Is a directory."):
        env.get_secret_key(tmp_path, {})


def test_sqlite_takes_the_write_lock_first_and_syncs_fully() -> None:
    config = env.get_database_config(Path("/data"), {})

    assert config["NAME"] == "/data/portal.sqlite3"
    assert config["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert "journal_mode=WAL" in config["OPTIONS"]["init_command"]
    assert "synchronous=FULL" in config["OPTIONS"]["init_command"]


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_postgresql_is_configured_by_its_url(scheme: str) -> None:
    config = env.get_database_config(Path("/data"), {"DATABASE_URL": f"{scheme}://me:secret@db:5433/portal"})

    assert (config["ENGINE"], config["HOST"], config["PORT"], config["NAME"]) == (
        "django.db.backends.postgresql",
        "db",
        5433,
        "portal",
    )


def test_a_number_out_of_range_is_rejected(subtests: pytest.Subtests) -> None:
    for value in ["0", "4", "241", "x", "-5", "5.5", "1e2", "٣٠"]:
        environ = {"PORTAL_X": value}
        with (
            subtests.test(value=value),
            pytest.raises(env.InvalidSettingError, match="Write a whole number from 5 to 240."),
        ):
            env.get_int("PORTAL_X", default=30, min_value=5, max_value=240, environ=environ)


def test_a_number_in_range_is_accepted_and_the_default_used_otherwise() -> None:
    assert env.get_int("PORTAL_X", default=30, min_value=5, max_value=240, environ={"PORTAL_X": " 45 "}) == 45
    assert env.get_int("PORTAL_X", default=30, min_value=5, max_value=240, environ={}) == 30


@pytest.mark.parametrize(
    ("url", "port", "tls", "ssl"),
    [
        ("smtps://u:p%40x@mail.example.org", 465, False, True),
        ("smtp://u:p%40x@mail.example.org", 587, True, False),
        ("smtp://u:p%40x@127.0.0.1:25", 25, False, False),
    ],
)
def test_email_is_encrypted_except_to_a_loopback_host(url: str, port: int, tls: bool, ssl: bool) -> None:
    found = env.get_email_settings({"PORTAL_EMAIL_URL": url, "PORTAL_EMAIL_FROM": "site@clinic.example"})

    assert (found["EMAIL_PORT"], found["EMAIL_USE_TLS"], found["EMAIL_USE_SSL"]) == (port, tls, ssl)
    assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == ("u", "p@x")
    assert env.get_email_settings({}) == {"EMAIL_BACKEND": env.DUMMY_EMAIL_BACKEND}


def test_incomplete_email_settings_are_rejected_without_repeating_the_password(subtests: pytest.Subtests) -> None:
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
            with pytest.raises(env.InvalidSettingError) as refused:
                env.get_email_settings({"PORTAL_EMAIL_URL": url, "PORTAL_EMAIL_FROM": sender})

            assert "s3cret" not in str(refused.value)
            assert str(refused.value).startswith("PORTAL_EMAIL_")


@pytest.mark.parametrize("name", ["PORTAL_S3_ENDPOINT", "PORTAL_S3_REGION", "PORTAL_S3_CACHE_MB"])
def test_s3_settings_without_a_bucket_are_rejected(name: str) -> None:
    with pytest.raises(InvalidSettingError, match=f"^{name} is set without PORTAL_S3_BUCKET."):
        env.get_media_storage(Path("/x"), {name: "64"})


def test_media_is_in_the_data_directory_unless_a_bucket_is_set() -> None:
    assert env.get_media_storage(Path("/x"), {}) == {"BACKEND": "portal.storage.local_storage.AtomicFileSystemStorage"}
    given = {"PORTAL_S3_BUCKET": "pictures", "PORTAL_S3_ENDPOINT": "https://s3.example.org:9000/"}
    assert env.get_media_storage(Path("/x"), given)["OPTIONS"] == {
        "bucket_name": "pictures",
        "endpoint_url": "https://s3.example.org:9000",
        "region_name": "us-east-1",
        "cache_folder": Path("/x/picture-cache"),
        "cache_bytes": 1024**3,
    }


def test_keys_in_the_s3_endpoint_are_never_repeated() -> None:
    with pytest.raises(InvalidSettingError) as refused:
        env.get_media_storage(Path("/x"), {"PORTAL_S3_BUCKET": "abc", "PORTAL_S3_ENDPOINT": "https://me:hunter2@a.org"})

    assert "hunter2" not in str(refused.value)


def test_a_bucket_without_django_storages_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(env, "find_spec", lambda name: None)
    with pytest.raises(InvalidSettingError, match="pip install -e '.\\[s3\\]'"):
        env.get_media_storage(Path("/x"), {"PORTAL_S3_BUCKET": "pictures"})
