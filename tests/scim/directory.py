"""A directory that provisions by SCIM, in the words of Okta or Entra. Bytes as those products send them: spellings, media types, encodings of the query."""
import http.client
import json
from urllib.parse import quote

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


class Answer:
    def __init__(self, response, text):
        self.status, self.text, self.headers = response.status, text, response.headers
        self.body = json.loads(text) if text.startswith("{") else {}

    @property
    def names(self):
        """Of a list: what its resources are called."""
        return [one.get("userName", one.get("displayName")) for one in self.body.get("Resources", [])]

    def __getitem__(self, name):
        return self.body.get(name)

    def __repr__(self):
        return f"{self.status} {self.text[:600]}"


class Directory:
    media_type = "application/scim+json"

    def __init__(self, port, token):
        self.port, self.token = port, token
        self.connection = None

    def send(self, method, path, body=None, headers=None):
        fields = {"Accept": self.media_type, **({"Authorization": f"Bearer {self.token}"} if self.token else {}), **(headers or {})}
        if body is not None:
            fields["Content-Type"] = self.media_type
        if not self.connection:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        self.connection.request(method, "/scim/v2" + path, json.dumps(body) if body is not None else None, fields)
        response = self.connection.getresponse()
        return Answer(response, response.read().decode())

    def close(self):
        if self.connection:
            self.connection.close()

    def find(self, collection, filter_text, more=""):
        return self.send("GET", f"/{collection}?filter={quote(filter_text)}{more}")

    def patch(self, path, *operations, headers=None):
        return self.send("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)}, headers)


class Okta(Directory):
    def user(self, name, given="A", family="B", **more):
        return {"schemas": [USER], "userName": name, "name": {"givenName": given, "familyName": family}, "emails": [{"primary": True, "value": name, "type": "work"}], "displayName": f"{given} {family}",
                "locale": "en-US", "externalId": f"00u-{name}", "groups": [], "password": "1mz050nq", "active": True, **more}


class Entra(Directory):
    media_type = "application/scim+json; charset=utf-8"

    def user(self, name, given="A", family="B", **more):
        return {"schemas": [USER, ENTERPRISE], "externalId": f"0a21f0f2-{name}", "userName": name, "active": True, "displayName": f"{given} {family}",
                "emails": [{"primary": True, "type": "work", "value": name}], "meta": {"resourceType": "User"}, "name": {"formatted": f"{given} {family}", "familyName": family, "givenName": given}, "roles": [],
                ENTERPRISE: {"department": "Sales", "employeeNumber": "701984"}, **more}
