"""Real identity providers on this machine: OpenID Connect by oidc-provider-mock (Authlib), SAML by pysaml2.

Both show a page with a button for each person, as a provider does to someone who is not signed in there. ``people`` can
be changed while the provider runs.
"""

import base64
import contextlib
import datetime
import os
import shutil
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from tests.served_data import free_port

START_SECONDS = 60
CLIENT_ID, CLIENT_SECRET = "plainspine", "a-secret-of-the-provider"


@dataclass
class Person:
    """Someone whom a provider knows."""

    subject: str
    groups: list[str]
    email: str = ""
    first_name: str = "Nina"
    last_name: str = "Okafor"
    email_verified: bool = True
    claims: dict[str, Any] = field(default_factory=dict)


@dataclass
class OIDCProvider:
    """A running OpenID provider."""

    issuer: str

    def is_ready(self) -> bool:
        """Return whether the provider answers."""
        try:
            return requests.get(f"{self.issuer}/.well-known/openid-configuration", timeout=5).ok
        except requests.RequestException:
            return False

    def set_person(self, person: Person) -> None:
        """Create or replace what the provider says about a person."""
        claims = {
            "email": person.email,
            "email_verified": person.email_verified,
            "given_name": person.first_name,
            "family_name": person.last_name,
            "preferred_username": person.subject,
            "groups": person.groups,
            **person.claims,
        }
        requests.put(f"{self.issuer}/users/{person.subject}", json=claims, timeout=10).raise_for_status()

    def authorize(self, url: str, subject: str) -> str:
        """Answer the provider's page for ``subject``; return the address that it redirects to."""
        response = requests.post(url, data={"sub": subject}, allow_redirects=False, timeout=10)
        assert response.status_code == 302, response.text
        return response.headers["Location"]

    def deny(self, url: str) -> str:
        """Decline on the provider's page."""
        response = requests.post(url, data={"action": "deny"}, allow_redirects=False, timeout=10)
        return response.headers["Location"]


@contextlib.contextmanager
def run_oidc_provider() -> Iterator[OIDCProvider]:
    """Run an OpenID provider as a process of its own; it ends with the block."""
    port = free_port()
    environ = {**os.environ, "AUTHLIB_INSECURE_TRANSPORT": "1", "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port)]
    process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        provider = OIDCProvider(f"http://localhost:{port}")
        deadline = time.monotonic() + START_SECONDS
        while not provider.is_ready():
            assert process.poll() is None and time.monotonic() < deadline, "the provider did not start"
            time.sleep(0.05)
        yield provider
    finally:
        process.terminate()
        process.wait(10)


class SAMLProvider:
    """A SAML identity provider of pysaml2, which signs with xmlsec1; serves its sign-in page on loopback."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("xmlsec1") is None:
            reason = "xmlsec1, with which the SAML provider signs, is not installed (Debian: apt-get install xmlsec1)"
            if os.environ.get("CI") == "true":
                pytest.fail(reason)
            pytest.skip(reason)
        self.people: dict[str, Person] = {}
        self.metadata_file = folder / "idp.xml"
        self._folder, self.key_file = folder, folder / "idp.key"
        self._server = make_server("127.0.0.1", 0, self._respond, handler_class=_QuietHandler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.entity_id = f"{self.url}/metadata"
        self.requests: list[Any] = []
        write_certificate(folder)
        self._idp: Any = None
        self._write_metadata()

    def _config(self, sp_metadata: list[str]) -> Any:
        from saml2 import BINDING_HTTP_REDIRECT
        from saml2.config import IdPConfig

        config = IdPConfig()
        config.load(
            {
                "entityid": self.entity_id,
                "service": {
                    "idp": {
                        "endpoints": {"single_sign_on_service": [(f"{self.url}/sso", BINDING_HTTP_REDIRECT)]},
                        "want_authn_requests_signed": False,
                        "sign_response": False,
                        "sign_assertion": True,
                    }
                },
                "metadata": {"local": sp_metadata} if sp_metadata else {},
                "key_file": str(self._folder / "idp.key"),
                "cert_file": str(self._folder / "idp.crt"),
                "xmlsec_binary": shutil.which("xmlsec1"),
            }
        )
        return config

    @contextlib.contextmanager
    def other_key(self, folder: Path) -> Iterator[None]:
        """Sign with a key that is not in the metadata, as someone else would."""
        before, self._folder = (self._folder, self._idp), folder
        write_certificate(folder)
        self.trust((before[0] / "sp.xml").read_text())
        yield
        self._folder, self._idp = before

    def _write_metadata(self) -> None:
        with _old_cryptography():
            from saml2.metadata import entity_descriptor

            self.metadata_file.write_text(str(entity_descriptor(self._config([]))))

    def trust(self, sp_metadata: str) -> None:
        """Register the portal with its metadata, as an administrator of the provider does."""
        file = self._folder / "sp.xml"
        file.write_text(sp_metadata)
        with _old_cryptography():
            from saml2.server import Server

            self._idp = Server(config=self._config([str(file)]))

    def answer(self, query: str, subject: str, **changes: Any) -> dict[str, str]:
        """Return the address and the form fields with which the provider answers a request for ``subject``."""
        from saml2 import BINDING_HTTP_REDIRECT
        from saml2.saml import NAMEID_FORMAT_PERSISTENT, NameID
        from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

        person = self.people[subject]
        request = self._idp.parse_authn_request(parse_qs(query)["SAMLRequest"][0], BINDING_HTTP_REDIRECT)
        self.requests.append(request.message)
        arguments = self._idp.response_args(request.message)
        identity = {
            "urn:oid:0.9.2342.19200300.100.1.3": person.email,
            "urn:oid:2.5.4.42": person.first_name,
            "urn:oid:2.5.4.4": person.last_name,
            "groups": person.groups,
        }
        response = self._idp.create_authn_response(
            identity={name: value for name, value in identity.items() if value},
            name_id=NameID(format=NAMEID_FORMAT_PERSISTENT, text=subject),
            authn={"class_ref": "urn:oasis:names:tc:SAML:2.0:ac:classes:Password", "authn_auth": self.entity_id},
            **{"sign_assertion": True, "sign_alg": SIG_RSA_SHA256, "digest_alg": DIGEST_SHA256, **arguments, **changes},
        )
        encoded = base64.b64encode(str(response).encode()).decode()
        return {"action": arguments["destination"], "SAMLResponse": encoded}

    def _respond(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        """Show a button for each person, and then send the browser back with a form, as providers do."""
        query = environ["QUERY_STRING"]
        person = parse_qs(query).get("person", [""])[0]
        if person:
            form = self.answer(query, person)
            body = (
                f'<form method="post" action="{escape(form["action"])}">'
                f'<input type="hidden" name="SAMLResponse" value="{escape(form["SAMLResponse"])}"></form>'
                "<script>document.forms[0].submit()</script>"
            )
        else:
            fields = "".join(
                f'<input type="hidden" name="{escape(name)}" value="{escape(value[0])}">'
                for name, value in parse_qs(query).items()
            )
            buttons = "".join(
                f'<button name="person" value="{escape(key)}">{escape(key)}</button>' for key in self.people
            )
            body = f"<h1>The hospital</h1><form>{fields}{buttons}</form>"
        start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
        return [f"<!doctype html><title>The hospital</title>{body}".encode()]

    @contextlib.contextmanager
    def running(self) -> Iterator["SAMLProvider"]:
        """Serve until the block ends."""
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join(5)


def encrypt_signed_assertion(response: str, certificate: str) -> str:
    """Encrypt the signed assertion in a base64-encoded response, as AD FS does. pysaml2 breaks the signature then."""
    import xmlsec
    from lxml import etree

    names = {"samlp": "urn:oasis:names:tc:SAML:2.0:protocol", "saml": "urn:oasis:names:tc:SAML:2.0:assertion"}
    root = etree.fromstring(base64.b64decode(response))
    [assertion] = root.findall("saml:Assertion", names)
    wrapper = etree.Element(f"{{{names['saml']}}}EncryptedAssertion")
    root.replace(assertion, wrapper)
    wrapper.append(assertion)
    manager = xmlsec.KeysManager()
    manager.add_key(xmlsec.Key.from_memory(certificate, xmlsec.constants.KeyDataFormatCertPem))
    data = xmlsec.template.encrypted_data_create(
        wrapper, xmlsec.Transform.AES256, type=xmlsec.EncryptionType.ELEMENT, ns="xenc"
    )
    xmlsec.template.encrypted_data_ensure_cipher_value(data)
    key_info = xmlsec.template.encrypted_data_ensure_key_info(data, ns="dsig")
    key = xmlsec.template.add_encrypted_key(key_info, xmlsec.Transform.RSA_OAEP)
    xmlsec.template.encrypted_data_ensure_cipher_value(key)
    context = xmlsec.EncryptionContext(manager)
    context.key = xmlsec.Key.generate(xmlsec.KeyData.AES, 256, xmlsec.KeyDataType.SESSION)
    context.encrypt_xml(data, assertion)
    return base64.b64encode(etree.tostring(root)).decode()


@contextlib.contextmanager
def _old_cryptography() -> Iterator[None]:
    """Let pysaml2 use what cryptography has deprecated; the portal does not use either of them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", UserWarning)
        yield


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Write nothing."""


def write_certificate(folder: Path) -> None:
    """Write a new RSA key and a certificate for it, ``idp.key`` and ``idp.crt``."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "The hospital")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    no_password = serialization.NoEncryption()
    (folder / "idp.key").write_bytes(
        key.private_bytes(encoding, serialization.PrivateFormat.TraditionalOpenSSL, no_password)
    )
    (folder / "idp.crt").write_bytes(certificate.public_bytes(encoding))
