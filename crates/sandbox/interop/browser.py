"""Tests the sandbox's web page in headless Chromium.

Requires Debian's packages `chromium` and `chromium-driver`. It controls the browser with WebDriver.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from checks import SANDBOX, check, equal, finish

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


def http(method, url, body=None, headers=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


class Browser:
    def __init__(self, profile):
        self.driver = subprocess.Popen(
            [shutil.which("chromedriver"), "--port=0"], stdout=subprocess.PIPE, text=True
        )
        port = next(
            found.group(1)
            for line in self.driver.stdout
            if (found := re.search(r"started successfully on port (\d+)", line))
        )
        self.url = f"http://127.0.0.1:{port}/session"
        arguments = ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage"]
        options = {"args": [*arguments, f"--user-data-dir={profile}"]}
        wanted = {"alwaysMatch": {"goog:chromeOptions": options}}
        self.session = self.ask("POST", "", {"capabilities": wanted})["sessionId"]

    def ask(self, method, path, body=None):
        status, text = http(method, self.url + path, body)
        value = json.loads(text)["value"]
        assert status == 200, value
        return value

    def do(self, method, path, body=None):
        return self.ask(method, f"/{self.session}{path}", body)

    def find(self, selector):
        query = {"using": "css selector", "value": selector}
        return self.do("POST", "/element", query)[ELEMENT]

    def click(self, selector):
        self.do("POST", f"/element/{self.find(selector)}/click", {})

    def write(self, selector, text):
        self.do("POST", f"/element/{self.find(selector)}/value", {"text": text})

    def text(self, selector):
        return self.do("GET", f"/element/{self.find(selector)}/text")

    def until(self, what, seconds=20):
        """Repeats a check until it passes, because the page reloads in between."""
        end = time.monotonic() + seconds
        while True:
            try:
                return what()
            except AssertionError:
                if time.monotonic() > end:
                    raise
            time.sleep(0.1)

    def close(self):
        try:
            self.ask("DELETE", f"/{self.session}")
        finally:
            self.driver.terminate()
            self.driver.wait(timeout=20)


def contains(browser, selector, part):
    try:
        text = browser.text(selector)
    except AssertionError as error:
        raise AssertionError(f"{selector}: {error}") from error
    assert part in text, f"{part!r} is not in {text!r}"


def lacks(browser, selector, part):
    text = browser.text(selector)
    assert part not in text, text


def main():
    dune = SANDBOX["dune"]
    query = f"{dune['base_url']}/v1/query/{dune['query_id']}"
    headers = {"X-Dune-Api-Key": dune["api_key"]}
    with tempfile.TemporaryDirectory() as profile:
        browser = Browser(profile)
        try:
            with check("the page lists services and data"):
                browser.do("POST", "/url", {"url": SANDBOX["control_url"]})
                contains(browser, "h1", "rowfeed-sandbox")
                for part in (dune["base_url"], dune["api_key"], SANDBOX["lightdash"]["token"]):
                    contains(browser, "#services", part)
                contains(browser, "#data", "token_pair")
            with check("a fault can be switched on, applies, and is listed"):
                equal(http("GET", query, headers=headers)[0], 200)
                browser.click("select[name=what] option[value='status=503']")
                browser.click("select[name=on] option[value=' on=dune']")
                browser.write("input[name=path]", "/query/")
                browser.click("#fault button:not([type])")
                shown = "status=503 on=dune path=/query/ times=1"
                browser.until(lambda: contains(browser, "#faults", shown))
                equal(http("GET", query, headers=headers)[0], 503)
                equal(http("GET", query, headers=headers)[0], 200)
                browser.do("POST", "/refresh", {})
                contains(browser, "#requests", "503")
                lacks(browser, "#faults", "status=503")
            with check("all faults are removed"):
                browser.click("select[name=what] option[value='reset']")
                browser.click("select[name=times] option[value=' always']")
                browser.click("#fault button:not([type])")
                browser.until(lambda: contains(browser, "#faults", "reset always"))
                browser.click("#clear")
                browser.until(lambda: lacks(browser, "#faults", "reset"))
                equal(http("GET", query, headers=headers)[0], 200)
            with check("an unknown fault gets a message"):
                browser.write("input[name=path]", "two words")
                browser.click("#fault button:not([type])")
                browser.until(lambda: contains(browser, "#said", "is not a condition"))
        finally:
            browser.close()
    finish()


if __name__ == "__main__":
    sys.exit(main())
