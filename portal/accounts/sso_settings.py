"""Single sign-on settings from environment variables: one provider, using OpenID Connect or SAML.

Imported while Django's settings load, so nothing here may import models.
"""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

from environs import ValidationError, validate

from portal.accounts.roles import ROLES
from portal.env import InvalidSettingError, SettingsEnv, describe_install
from portal.security import is_loopback

OIDC, SAML = "oidc", "saml"
MAX_PROVIDER_ID_LENGTH = 200  # max_length of allauth's SocialAccount.provider
SAML_METADATA = "{urn:oasis:names:tc:SAML:2.0:metadata}"
# Attributes that Microsoft, Shibboleth, and plain configurations use, in this order.
SAML_ATTRIBUTES = {
    "uid": ["urn:oasis:names:tc:SAML:attribute:subject-id"],
    "email": [
        "urn:oid:0.9.2342.19200300.100.1.3",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
        "mail",
        "email",
    ],
    "first_name": [
        "urn:oid:2.5.4.42",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname",
        "givenName",
    ],
    "last_name": ["urn:oid:2.5.4.4", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname", "sn"],
    "username": ["urn:oid:0.9.2342.19200300.100.1.1", "uid"],
}


def read_sso_settings(env: SettingsEnv) -> dict[str, Any]:
    """Return the ``SSO_…`` settings, allauth's own, and ``SSO_APPS`` for INSTALLED_APPS.

    Without a provider, ``SSO_PROVIDER`` is empty and people sign in with a password or a passkey.
    """
    for name, parser in (
        ("issuer", parse_issuer), ("saml_metadata", parse_saml_metadata), ("groups", parse_groups), ("pem", parse_pem),
    ):  # fmt: skip
        env.add_parser(name, parser)
    issuer = env.str("PORTAL_OIDC_ISSUER", "") and env.issuer("PORTAL_OIDC_ISSUER")
    client_id, secret = env.str("PORTAL_OIDC_CLIENT_ID", ""), env.str("PORTAL_OIDC_CLIENT_SECRET", "")
    scopes = env.str("PORTAL_OIDC_SCOPES", "openid profile email")
    metadata = env.str("PORTAL_SAML_METADATA", "") and env.saml_metadata("PORTAL_SAML_METADATA")
    key = env.str("PORTAL_SAML_KEY", "") and env.pem("PORTAL_SAML_KEY", label="PRIVATE KEY")
    certificate = env.str("PORTAL_SAML_CERTIFICATE", "") and env.pem("PORTAL_SAML_CERTIFICATE", label="CERTIFICATE")
    name = env.str(
        "PORTAL_SSO_NAME", "", validate=validate.Length(max=60, error="It is too long. Use at most 60 characters.")
    )
    groups_claim = env.str("PORTAL_SSO_GROUPS_CLAIM", "groups")
    roles = {
        group: role.name for role in ROLES for group in (env.str(role.variable, "") and env.groups(role.variable)) or []
    }
    second_factor = env.choice("PORTAL_SSO_SECOND_FACTOR", "portal", "provider")
    recheck_minutes = env.number("PORTAL_SSO_RECHECK_MINUTES", "60", low=10, high=720)
    break_glass = env.str("PORTAL_BREAK_GLASS_ACCOUNT", "")
    _reject_incomplete(env)
    settings: dict[str, Any] = {
        "SSO_PROVIDER": "",
        "SSO_PROVIDER_ID": "",
        "SSO_APPS": [],
        "SSO_NAME": name,
        "SSO_GROUPS_CLAIM": groups_claim,
        "SSO_ROLES": roles,
        "SSO_SECOND_FACTOR": second_factor,
        "SSO_RECHECK_MINUTES": recheck_minutes,
        "BREAK_GLASS_ACCOUNT": break_glass.lower(),
        "SOCIALACCOUNT_ADAPTER": "portal.accounts.sso.SSOAdapter",
        "SOCIALACCOUNT_PROVIDERS": {},
    }
    if issuer:
        settings |= _oidc_settings(issuer, client_id, secret, scopes.split())
    elif metadata:
        file, entity_id = metadata
        settings |= _saml_settings(file, entity_id, key or "", certificate or "")
    return settings


def _reject_incomplete(env: SettingsEnv) -> None:
    """Reject settings that have no effect, and missing ones that would let anyone in or lock everyone out."""
    has_oidc, has_saml = bool(env.str("PORTAL_OIDC_ISSUER", "")), bool(env.str("PORTAL_SAML_METADATA", ""))
    if has_oidc and has_saml:
        raise InvalidSettingError(
            "PORTAL_OIDC_ISSUER and PORTAL_SAML_METADATA are both set. Staff use one provider: remove one of the two."
        )
    for name in ("PORTAL_OIDC_CLIENT_ID", "PORTAL_OIDC_CLIENT_SECRET"):
        if bool(env.str(name, "")) != has_oidc:
            raise InvalidSettingError(f"PORTAL_OIDC_ISSUER and {name} must be used together. Set both or neither.")
    for name, needed, is_there in (
        ("PORTAL_OIDC_SCOPES", "PORTAL_OIDC_ISSUER", has_oidc),
        ("PORTAL_SAML_KEY", "PORTAL_SAML_METADATA", has_saml),
        ("PORTAL_SAML_KEY", "PORTAL_SAML_CERTIFICATE", bool(env.str("PORTAL_SAML_CERTIFICATE", ""))),
        ("PORTAL_SAML_CERTIFICATE", "PORTAL_SAML_KEY", bool(env.str("PORTAL_SAML_KEY", ""))),
    ):
        if env.str(name, "") and not is_there:
            raise InvalidSettingError(f"{name} has no effect without {needed}. Set both, or neither.")
    if has_oidc or has_saml:
        _require_groups_and_packages(env, "onelogin" if has_saml else "jwt")
        return
    for name in (
        "PORTAL_SSO_NAME", "PORTAL_SSO_GROUPS_CLAIM", "PORTAL_SSO_SECOND_FACTOR", "PORTAL_SSO_RECHECK_MINUTES",
        *(role.variable for role in ROLES), "PORTAL_BREAK_GLASS_ACCOUNT",
    ):  # fmt: skip
        if env.str(name, ""):
            raise InvalidSettingError(
                f"{name} has no effect without a provider. Set PORTAL_OIDC_ISSUER or PORTAL_SAML_METADATA as well."
            )


def _require_groups_and_packages(env: SettingsEnv, module: str) -> None:
    if not any(env.str(role.variable, "") for role in ROLES):
        raise InvalidSettingError(
            "Single sign-on needs at least one group, or no one could sign in. Set PORTAL_SSO_MANAGER_GROUPS."
        )
    if find_spec(module) is None or find_spec("requests") is None:
        raise InvalidSettingError(f"Single sign-on needs packages that are not installed. {describe_install('sso')}")


def parse_issuer(value: str) -> str:
    """Return an OpenID issuer: an https URL, or http on this machine, without a query or trailing slash."""
    try:
        parts = urlsplit(value)
        valid = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
        valid = valid and bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
        valid = valid and not (parts.query or parts.fragment or "/.well-known/" in value or " " in value)
    except ValueError:
        valid = False
    if not valid or len(value) > MAX_PROVIDER_ID_LENGTH:
        raise ValidationError(
            "Use the provider's issuer, such as https://login.example.org/realms/hospital. It is the URL "
            "before /.well-known/openid-configuration."
        )
    return value.rstrip("/")


def parse_groups(value: str) -> list[str]:
    """Return group names separated by semicolons; a name may contain commas, as those of LDAP do."""
    groups = [group.strip() for group in value.split(";")]
    if not all(groups):
        raise ValidationError("Use group names, separated by semicolons.")
    return groups


def parse_saml_metadata(value: str) -> tuple[Path, str]:
    """Return the file with the metadata of the SAML identity provider, and its entity ID."""
    file = Path(value).expanduser().resolve()
    try:
        root = ElementTree.parse(file).getroot()  # noqa: S314 -- the operator's own file; python3-saml checks it again
    except OSError as error:
        raise ValidationError(f"The file cannot be read: {error.strerror}.") from error
    except ElementTree.ParseError as error:
        raise ValidationError("The file is not XML. Save the metadata of the identity provider there.") from error
    for entity in root.iter(f"{SAML_METADATA}EntityDescriptor"):
        entity_id = entity.get("entityID", "")
        if entity.find(f"{SAML_METADATA}IDPSSODescriptor") is not None and entity_id:
            if len(entity_id) > MAX_PROVIDER_ID_LENGTH:
                raise ValidationError("The entity ID in the file has more than 200 characters, which is not supported.")
            return file, entity_id
    raise ValidationError("The file describes no identity provider. Ask for the metadata of the IdP.")


def parse_pem(value: str, *, label: str) -> str:
    """Return the text of a PEM file that has a block with this label."""
    try:
        text = Path(value).expanduser().read_text(encoding="ascii")
    except OSError as error:
        raise ValidationError(f"The file cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ValidationError("The file is not in PEM format.") from error
    if not re.search(rf"^-----BEGIN (?:RSA )?{label}-----$", text, re.MULTILINE):
        raise ValidationError(f"The file has no line -----BEGIN {label}-----. Use PEM format without a passphrase.")
    return text


def _oidc_settings(issuer: str, client_id: str, secret: str, scopes: list[str]) -> dict[str, Any]:
    app = {
        # Identities are stored under the issuer, because another issuer may use the same user IDs.
        "provider_id": issuer,
        "name": OIDC,
        "client_id": client_id,
        "secret": secret,
        "settings": {"server_url": issuer, "scope": scopes, "oauth_pkce_enabled": True},
    }
    return {
        "SSO_PROVIDER": OIDC,
        "SSO_PROVIDER_ID": issuer,
        "SSO_APPS": ["allauth.socialaccount.providers.openid_connect"],
        "SOCIALACCOUNT_PROVIDERS": {"openid_connect": {"APPS": [app]}},
    }


def _saml_settings(file: Path, entity_id: str, key: str, certificate: str) -> dict[str, Any]:
    advanced: dict[str, bool | str] = {
        "allow_single_label_domains": True,
        "reject_deprecated_algorithm": True,
        "strict": True,
    }
    if key:
        advanced |= {"private_key": key, "x509cert": certificate, "authn_request_signed": True}
    app = {
        "provider_id": entity_id,
        "name": SAML,
        "client_id": SAML,
        "settings": {
            # allauth takes all certificates from metadata at a URL, which can be a file, but only one from settings.
            "idp": {"metadata_url": file.as_uri(), "entity_id": entity_id},
            "attribute_mapping": SAML_ATTRIBUTES,
            "advanced": advanced,
        },
    }
    return {
        "SSO_PROVIDER": SAML,
        "SSO_PROVIDER_ID": entity_id,
        "SSO_APPS": ["allauth.socialaccount.providers.saml"],
        "SOCIALACCOUNT_PROVIDERS": {"saml": {"APPS": [app]}},
    }
