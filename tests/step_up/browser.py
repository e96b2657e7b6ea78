#!/usr/bin/env python3
"""A browser for tests, in the place of xdg-open: opens the address, signs alice in, shows the codes of her app, and follows the way back.

The state file (STEP_UP_STATE) keeps her app's secret, as an authenticator app would, and what pages were seen."""
import base64
import hashlib
import hmac
import html
import http.cookiejar
import json
import os
import re
import struct
import sys
import time
import urllib.error
import urllib.parse
import urllib.request


def totp(secret: str, step: int) -> str:
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    mac = hmac.new(key, struct.pack(">Q", step), hashlib.sha1).digest()
    at = mac[19] & 15
    return f"{(struct.unpack('>I', mac[at:at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"


class Browser:
    def __init__(self, state_file: str):
        self.state_file = state_file
        self.state = json.load(open(state_file)) if os.path.exists(state_file) else {"user": "alice", "password": "alice-password-1"}
        self.state.setdefault("pages", [])
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def save(self):
        json.dump(self.state, open(self.state_file, "w"))

    def fetch(self, url: str, form=None):
        request = urllib.request.Request(url, data=urllib.parse.urlencode(form).encode() if form is not None else None)
        if form is not None:
            parts = urllib.parse.urlsplit(url)
            request.add_header("Origin", f"{parts.scheme}://{parts.netloc}")
        try:
            with self.opener.open(request) as response:
                return response.status, response.geturl(), response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.geturl(), error.read().decode()

    @staticmethod
    def form_of(page: str):
        values = {}
        for tag in re.findall(r"<input[^>]*>", page):
            name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
            values[name[1]] = html.unescape(value[1]) if value else ""
        return html.unescape(re.search(r'action="([^"]*)"', page)[1]), values

    def next_code(self) -> str:
        # A code is good once: after one was used, its successor, which is accepted up to a step early.
        step = max(int(time.time()) // 30, self.state.get("used_step", 0) + 1)
        while step > int(time.time()) // 30 + 1:
            time.sleep(0.5)
        self.state["used_step"] = step
        return totp(self.state["secret"], step)

    def answer_factor(self, page: str):
        shown = re.search(r'<code id="secret">([^<]*)</code>', page)
        self.state["pages"].append("enrol" if shown else "code")
        if shown:
            self.state["secret"] = shown[1].replace(" ", "")
            self.state["recovery_codes"] = re.findall(r"<li><code>([^<]*)</code>", page)
            self.state.pop("used_step", None)
        action, form = self.form_of(page)
        form["code"] = self.state.pop("next_code", None) or self.next_code()
        return self.fetch(action, form)

    def sign_in(self, url: str):
        """Goes where the address leads; the last page."""
        status, at, page = self.fetch(url)
        for _ in range(4):
            if 'name="password"' in page:
                self.state["pages"].append("password")
                action, form = self.form_of(page)
                form["username"], form["password"] = self.state["user"], self.state["password"]
                status, at, page = self.fetch(action, form)
            elif 'name="step"' in page and status == 200:
                status, at, page = self.answer_factor(page)
            else:
                break
        self.save()
        return status, at, page


if __name__ == "__main__":
    Browser(os.environ["STEP_UP_STATE"]).sign_in(sys.argv[1])
