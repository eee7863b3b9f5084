"""The browser as the tests use it: opening, typing, reading what is shown, pictures."""

import base64
import json
import shutil
import time
import urllib.parse

try:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import Select
except ImportError:
    webdriver = Keys = None

# Whether one can see where the focus is: a ring of our own, which a radio button leaves to its label.
RING = """(() => { const node = document.activeElement, shown = node.type === 'radio' ? node.nextElementSibling : node;
  return node === document.body || parseFloat(getComputedStyle(shown).outlineWidth) >= 2; })()"""
# The arcs that cross a word: sampled along its line, an arc touches no word's box.
CROSSINGS = """(() => {
  const found = [];
  for (const holder of document.querySelectorAll('.sentence')) {
    const origin = holder.getBoundingClientRect();
    const boxes = [...holder.querySelectorAll('.vessel')].map(v => v.getBoundingClientRect());
    for (const arc of holder.querySelectorAll('.arc')) {
      for (let s = 3; s < arc.getTotalLength() - 3; s += 4) {
        const p = arc.getPointAtLength(s), x = p.x + origin.left, y = p.y + origin.top;
        const inside = b => x > b.left && x < b.right && y > b.top + 2 && y < b.bottom - 1;
        if (boxes.some(inside)) found.push([arc.dataset.at, x, y]);
      }
    }
  }
  return found; })()"""
PATIENCE = 20  # seconds that a page may take for anything, on a machine busy with other things


def missing():
    """Why there is no browser to test with; None when there is one."""
    if webdriver is None:
        return "selenium is not installed (python3-selenium)"
    for program in ("chromium", "chromedriver"):
        if not shutil.which(program):
            return f"{program} is not installed"
    return None


class Browser:
    def __init__(self, pictures):
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                         "--hide-scrollbars", "--force-color-profile=srgb", "--disable-background-networking"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(service=Service(shutil.which("chromedriver")), options=options)
        self.driver.set_script_timeout(PATIENCE)
        self.pictures = pictures
        self.home = None

    def quit(self):
        self.driver.quit()

    def reset(self):
        self.look(1280, "light")
        self.driver.get("about:blank")
        self.driver.get_log("browser"), self.driver.get_log("performance")

    def look(self, width, theme, height=900):
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [
            {"name": "prefers-color-scheme", "value": theme}, {"name": "prefers-reduced-motion", "value": "reduce"}]})
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})

    def offline(self, off):
        self.driver.execute_cdp_cmd("Network.enable", {})
        self.driver.execute_cdp_cmd("Network.emulateNetworkConditions", {
            "offline": off, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1})

    def open(self, address, **state):
        self.home = address
        self.driver.get(address + ("#" + urllib.parse.urlencode(state) if state else ""))
        self.wait("the page", lambda: self.js("Boolean(window.Sluice && Sluice.about)"))
        if state.get("text"):
            self.wait_whole()

    def js(self, script, *arguments):
        return self.driver.execute_script("return " + script, *arguments)

    def wait(self, what, condition):
        """Until the condition holds; its value."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            value = condition()
            if value:
                return value
            time.sleep(0.03)
        raise AssertionError(f"waited in vain for {what}; answers: {self.answers()}")

    def wait_whole(self):
        """Until everything that was asked about the text has been drawn."""
        self.wait("the whole explanation", lambda: self.js(
            "document.documentElement.dataset.whole") in {self.js("Sluice.state.text")} - {""})

    def find(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def texts(self, selector):
        return self.js("[...document.querySelectorAll(arguments[0])].map(node => node.textContent)", selector)

    def click(self, selector):
        node = self.find(selector)
        self.js("arguments[0].scrollIntoView({block: 'center'})", node)
        node.click()

    def hover(self, selector, dx=0, dy=0):
        node = self.find(selector)
        self.js("arguments[0].scrollIntoView({block: 'center'})", node)
        ActionChains(self.driver).move_to_element_with_offset(node, dx, dy).perform()

    def choose(self, selector, text):
        Select(self.find(selector)).select_by_visible_text(text)

    def keys(self, *keys):
        """Into whatever has the focus."""
        for key in keys:
            ActionChains(self.driver).send_keys(getattr(Keys, key) if key.isupper() and len(key) > 1 else key).perform()

    def focused(self):
        return self.js("document.activeElement && document.activeElement.id")

    def tab_to(self, ident, most=80):
        """Presses Tab until the focus is on that id; each stop must be seen to have the focus."""
        for _ in range(most):
            self.keys("TAB")
            assert self.js(RING), self.js("document.activeElement.outerHTML.slice(0, 100)")
            if self.focused() == ident:
                return
        raise AssertionError(f"{most} times Tab, and never at #{ident}")

    def type_text(self, text):
        field = self.find("#text")
        field.clear()
        field.send_keys(text)
        self.wait_whole()

    def answers(self, where="#lanes-list"):
        """The word that ends each network's sentence, by cell."""
        return {cell: word for cell, word in self.js(
            "[...document.querySelectorAll(arguments[0] + ' .lane')].map(lane => [lane.dataset.cell,"
            " (lane.querySelector('.answer-word b') || {textContent: ''}).textContent])", where)}

    def crossings(self):
        """Arcs that cross a word, and where."""
        return self.js(CROSSINGS)

    def picture(self, name):
        """The whole page, to build/browser/NAME.png."""
        size = self.driver.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {
            "captureBeyondViewport": True,
            "clip": {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}})
        (self.pictures / f"{name}.png").write_bytes(base64.b64decode(shot["data"]))

    def complaints(self):
        """What stands on the console since the last reset."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def strangers(self):
        """Addresses asked for since the last reset that are neither the page's own server nor inside the page."""
        asked = []
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] in ("Network.requestWillBeSent", "Network.webSocketCreated"):
                url = message["params"].get("url") or message["params"]["request"]["url"]
                place = urllib.parse.urlsplit(url)
                if place.scheme not in ("data", "blob", "about", "file", "chrome") and place.hostname != "127.0.0.1":
                    asked.append(url)
        return asked
