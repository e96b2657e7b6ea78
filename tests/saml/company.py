"""A company's identity provider for tests: `xmlsec1` with keys that are made when the test runs."""
import datetime
import json
import pathlib
import subprocess
import uuid

AUDIENCE, RECIPIENT, ENTITY = "https://desk.example/sp", "https://desk.example/saml/acs", "https://login.corp.example/saml"


def run(*arguments, **more):
    return subprocess.run([str(a) for a in arguments], capture_output=True, text=True, timeout=30, check=True, **more).stdout


def at(seconds: float) -> str:
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class Assertion:
    def __init__(self, company, **changes):
        self.company = company
        self.id = "_" + uuid.uuid4().hex
        self.issuer, self.audience, self.recipient = ENTITY, AUDIENCE, RECIPIENT
        self.issued, self.not_before, self.ends, self.confirmed = 0, -30, 300, 300
        self.name_id, self.employee, self.groups, self.session = "alice@corp.example", "e-1", ["engineering"], ""
        self.more_conditions = self.more = ""
        self.canonicalization = "http://www.w3.org/2001/10/xml-exc-c14n#"
        self.signature_method, self.digest_method = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2001/04/xmlenc#sha256"
        self.__dict__.update(changes)

    def text(self, signature="") -> str:
        values = "".join(f"<saml:AttributeValue>{group}</saml:AttributeValue>" for group in self.groups)
        return f"""<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{self.id}" IssueInstant="{at(self.issued)}" Version="2.0">
  <saml:Issuer>{self.issuer}</saml:Issuer>{signature}
  <saml:Subject>
    <saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">{self.name_id}</saml:NameID>
    <saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">
      <saml:SubjectConfirmationData InResponseTo="_request" NotOnOrAfter="{at(self.confirmed)}" Recipient="{self.recipient}"/>
    </saml:SubjectConfirmation>
  </saml:Subject>
  <saml:Conditions NotBefore="{at(self.not_before)}" NotOnOrAfter="{at(self.ends)}">
    <saml:AudienceRestriction><saml:Audience>{self.audience}</saml:Audience></saml:AudienceRestriction>{self.more_conditions}
  </saml:Conditions>
  <saml:AuthnStatement AuthnInstant="{at(-60)}"{self.session}>
    <saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef></saml:AuthnContext>
  </saml:AuthnStatement>
  <saml:AttributeStatement>
    <saml:Attribute Name="employee"><saml:AttributeValue>{self.employee}</saml:AttributeValue></saml:Attribute>
    <saml:Attribute Name="memberOf">{values}</saml:Attribute>
  </saml:AttributeStatement>{self.more}
</saml:Assertion>"""

    def template(self) -> str:
        return self.text(f"""
  <ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#">
    <ds:SignedInfo>
      <ds:CanonicalizationMethod Algorithm="{self.canonicalization}"/>
      <ds:SignatureMethod Algorithm="{self.signature_method}"/>
      <ds:Reference URI="#{self.id}">
        <ds:Transforms>
          <ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>
          <ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>
        </ds:Transforms>
        <ds:DigestMethod Algorithm="{self.digest_method}"/>
        <ds:DigestValue/>
      </ds:Reference>
    </ds:SignedInfo>
    <ds:SignatureValue/>
    <ds:KeyInfo><ds:X509Data><ds:X509Certificate/></ds:X509Data></ds:KeyInfo>
  </ds:Signature>""")

    def signed(self, key="idp") -> str:
        work = self.company.work
        template = work / "template.xml"
        template.write_text(self.template())
        done = run("xmlsec1", "--sign", "--privkey-pem", f"{work}/{key}.key,{work}/{key}.crt", "--id-attr:ID", "Assertion", template)
        return done[done.index("<saml:Assertion"):].strip()   # without the declaration


class Company:
    def __init__(self, work: pathlib.Path):
        self.work = work

    def make_key(self, name: str, kind: str):
        algorithm = ["-newkey", "rsa:2048"] if kind == "rsa" else ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        run("openssl", "req", "-x509", *algorithm, "-noenc", "-subj", f"/CN={name}", "-days", "1", "-keyout", self.work / f"{name}.key", "-out", self.work / f"{name}.crt")

    def certificates(self, *names) -> str:
        return ", ".join(json.dumps((self.work / f"{name}.crt").read_text()) for name in names)

    def assertion(self, **changes) -> Assertion:
        return Assertion(self, **changes)
