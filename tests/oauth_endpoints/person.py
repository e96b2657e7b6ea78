"""A person at a browser that is a script: keeps cookies, follows redirects on this machine, fills in sign-in forms, and stops where a client waits."""
import base64
import hashlib
import html
import http.client
import http.cookies
import re
import secrets
import urllib.parse


def pkce():
    verifier = secrets.token_urlsafe(48)
    return verifier, base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


class Reply:
    def __init__(self, status, headers, text, url):
        self.status, self.headers, self.text, self.url = status, headers, text, url

    def query(self):
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.headers.get("location") or self.url).query))


def request(method, url, body=None, headers=None, tls=None, source="127.0.0.1"):
    """`tls`: an ssl context, of who is trusted and which certificate is shown. `source`: the address that it comes from."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=15, context=tls, source_address=(source, 0))
    else:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=15)
    try:
        path = parts.path + ("?" + parts.query if parts.query else "")
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return Reply(response.status, response.headers, response.read().decode(), url)
    finally:
        connection.close()


def post(url, form, headers=None, tls=None, source="127.0.0.1"):
    return request("POST", url, urllib.parse.urlencode(form), {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}, tls, source)


class Person:
    def __init__(self, name=None, password=None, tls=None):
        self.name, self.password, self.tls, self.jar, self.pages = name, password, tls, {}, []

    def step(self, method, url, form=None):
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.jar.items())} if self.jar else {}
        parts = urllib.parse.urlsplit(url)
        body = None
        if form is not None:
            body = urllib.parse.urlencode(form)
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"{parts.scheme}://{parts.netloc}"}
        reply = request(method, url, body, headers, self.tls)
        for line in reply.headers.get_all("set-cookie") or []:
            for key, morsel in http.cookies.SimpleCookie(line).items():
                if "Max-Age=0" in line:
                    self.jar.pop(key, None)
                else:
                    self.jar[key] = morsel.value
        return reply

    @staticmethod
    def form_of(page, number=0):
        form = re.findall(r"<form.*?</form>", page, re.S)[number]
        values = {}
        for tag in re.findall(r"<(?:input|button)[^>]*>", form):
            name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
            if name:
                values[name[1]] = html.unescape(value[1]) if value else ""
        return html.unescape(re.search(r'action="([^"]*)"', form)[1]), values

    def go(self, url, until=None):
        """Follows redirects and signs in where asked; ends at an address that begins with `until`, or at a page that is no sign-in."""
        method, form = "GET", None
        for _ in range(20):
            if until and url.startswith(until):
                return Reply(0, {}, "", url)
            reply = self.step(method, url, form)
            location = reply.headers.get("location")
            if reply.status in (302, 303) and location:
                method, form, url = "GET", None, urllib.parse.urljoin(url, location)
                continue
            self.pages.append(reply.text)
            if 'name="password"' not in reply.text or not self.name:
                return reply
            action, form = self.form_of(reply.text)
            form |= {"username": self.name, "password": self.password}
            method, url = "POST", urllib.parse.urljoin(url, action)
        raise RuntimeError("no end at " + url)
