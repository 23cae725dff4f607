#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Looks at a report as a reader does, in Chromium: takes screenshots, prints it, and checks what can be checked.

    look.py REPORT.html DIRECTORY AXE.js

Screenshots of the first screen, of each part, on a phone, and in the dark go to DIRECTORY, and so does a PDF. The exit
status is 1 if axe-core finds a serious violation, the page is wider than its window, a link is not reached by keyboard,
text is missing without script, or a choice shows what was not chosen.
"""
import base64
import json
import pathlib
import sys

from selenium import webdriver
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.chrome.service import Service

report, place, axe = sys.argv[1:4]
place = pathlib.Path(place)
place.mkdir(parents=True, exist_ok=True)
options = webdriver.ChromeOptions()
for word in ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=1"]:
    options.add_argument(word)
browser = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
failures = []


def window(width, height, dark=False):
    """Opens the report in a window of this size."""
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500})
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    browser.get(pathlib.Path(report).resolve().as_uri())


def picture(name, element=None):
    """Saves what the window shows, or one element of the page."""
    if element is None:
        browser.save_screenshot(str(place / f"{name}.png"))
    else:
        element.screenshot(str(place / f"{name}.png"))


def script(text, *arguments):
    return browser.execute_script(text, *arguments)


for name, width, height, dark in [
    ("first-screen", 1280, 900, False), ("dark", 1280, 900, True), ("phone", 390, 844, False)]:
    window(width, height, dark)
    picture(name)
    wide = script("return document.documentElement.scrollWidth")
    if wide > width:
        widest = script(
            "return [...document.querySelectorAll('main *')].filter(e => !e.closest('.wide, pre'))"
            ".sort((a, b) => b.getBoundingClientRect().right - a.getBoundingClientRect().right)[0].outerHTML")
        failures.append(f"{name}: the page is {wide} pixels wide, the window {width}: {widest[:120]}")
    browser.set_script_timeout(120)
    script(pathlib.Path(axe).read_text())
    found = browser.execute_async_script(
        "axe.run({resultTypes: ['violations']}).then(r => arguments[0](JSON.stringify(r.violations)))")
    for violation in json.loads(found):
        line = f"{name}: axe: {violation['impact']}: {violation['id']}: {violation['help']} ({len(violation['nodes'])})"
        print(line, violation["nodes"][0]["html"][:160])
        if violation["impact"] in ("serious", "critical"):
            failures.append(line)

window(1280, 900)
for name, selector in [
    ("questions", "#questions + * + .wide"), ("series", "details.series[open]"), ("aliases", "figure:has(svg)")]:
    found = browser.find_elements("css selector", selector)
    if found:
        picture(name, found[0])

# Each choice leaves what was chosen, and nothing else.
for button in browser.find_elements("css selector", ".choices input:not([id$='-0'])"):
    choice = button.get_attribute("id")
    script("arguments[0].closest('details').open = true; arguments[0].checked = true;", button)
    kind, number = choice.split("-")[1:]
    word = script("return arguments[0].parentElement.innerText.trim()", button)
    thing, mark = (".judged", f".{word}") if kind == "verdict" else (".asked", f".{kind[0]}{number}")
    shown, wrong, all_of_it = script(
        "const all = [...document.querySelectorAll('main ' + arguments[0])];"
        "const hidden = e => { for (; e; e = e.parentElement) if (getComputedStyle(e).display == 'none') return true; };"
        "const shown = all.filter(e => !hidden(e));"
        "return [shown.length, shown.filter(e => !e.matches(arguments[1])).length,"
        " all.filter(e => e.matches(arguments[1])).length]", thing, mark)
    if wrong or not shown or (kind == "verdict" and shown != all_of_it):
        failures.append(f"only {kind} {word}: {shown} shown, {wrong} of them others, {all_of_it} to be shown")
    script("document.getElementById(arguments[0]).checked = true", f"only-{kind}-0")

# By keyboard: each link and each summary that is shown is reached, in the order of the page.
window(1280, 900)
wanted = script(
    "return [...document.querySelectorAll('a[href], summary')].filter(e => e.checkVisibility()).length")
body = browser.switch_to.active_element
reached = 0
for _ in range(min(wanted, 400) + 50):
    browser.switch_to.active_element.send_keys(Keys.TAB)
    tag = script("return document.activeElement.tagName")
    if tag == "BODY":
        break
    reached += tag in ("A", "SUMMARY")
if reached < min(wanted, 400):
    failures.append(f"by keyboard, {reached} of {wanted} links and summaries are reached")

# Without script nothing is missing: the page has none.
with_script = script("return document.body.innerText.length")
browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
browser.get(pathlib.Path(report).resolve().as_uri())
browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
if script("return document.body.innerText.length") != with_script:
    failures.append("without script, text is missing")

window(1280, 900)
pdf = browser.execute_cdp_cmd("Page.printToPDF", {"printBackground": True, "paperWidth": 8.27, "paperHeight": 11.69})
data = base64.b64decode(pdf["data"])
(place / "print.pdf").write_bytes(data)
sheets = data.count(b"/Type /Page\n") or data.count(b"/Type /Page ") or data.count(b"/Type /Page/")
window(1280, 900)
milliseconds = script("const t = performance.getEntriesByType('navigation')[0]; return t.loadEventEnd - t.startTime")
print(f"printed on {sheets} sheets; {pathlib.Path(report).stat().st_size} bytes, opened in {milliseconds:.0f} ms; "
      f"{reached} of {wanted} links and summaries by keyboard")
browser.quit()
for failure in failures:
    print(failure, file=sys.stderr)
sys.exit(1 if failures else 0)
