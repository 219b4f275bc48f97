#!/usr/bin/env python3
"""page.py PACKAGE FOLDER: the page of strata-serve in a real browser, headless Chromium.

Holds a conversation with models/demo's PACKAGE, stops an answer and has it go on, looks at token
probabilities with the pointer and with the keyboard, watches the state while strata-load runs, reads the
model's kernels, gives a key, and has axe-core look for faults of accessibility in light and dark, wide and
360 pixels wide. Screenshots are written to FOLDER. What it needs, in a scratch folder outside of the repository:

    apt-get install chromium fonts-dejavu-core
    python3 -m venv venv && venv/bin/pip install playwright axe-playwright-python
    build/release/bin/strata-compile models/demo -o demo.strata
    venv/bin/python test/clients/page.py demo.strata screenshots

STRATA_BIN: where the command lines are, build/release/bin by default; CHROMIUM: the browser, /usr/bin/chromium.
"""
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import urllib.request

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("STRATA_BIN", ROOT / "build/release/bin"))
expect.set_options(timeout=60000)
WIDE, NARROW = {"width": 1200, "height": 820}, {"width": 360, "height": 740}

# Of the last answer, a word that the model was not sure of.
UNSURE = """[...document.querySelectorAll('.turn:last-child .token')].findIndex(each => /\\w\\w\\w/.test(each.textContent)
    && Math.abs(each.scores[0].logprob + 1) < 0.5)"""


class Server:
    """strata-serve on a port that is free."""

    def __init__(self, package, *options):
        self.process = subprocess.Popen([BIN / "strata-serve", package, "--port", "0", *options],
                                        stdout=subprocess.PIPE, text=True)
        self.url = re.search(r"http://\S+", self.process.stdout.readline())[0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=30) == 0

    def metric(self, name):
        text = urllib.request.urlopen(f"{self.url}/metrics").read().decode()
        return float(re.search(rf"^strata:{name}.*? (\S+)$", text, re.M)[1])


class Browser:
    """A page of its own for each part, of which every error and every foreign request is a fault."""

    def __init__(self, playwright, folder):
        self.chromium = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox"])
        self.folder = folder

    def open(self, server, view="chat", size=WIDE, scheme="light", wants_errors=False):
        context = self.chromium.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce")
        page = context.new_page()
        page.set_default_timeout(60000)
        page.errors, page.server, page.scheme, page.size = [], server, scheme, size
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        if not wants_errors:
            page.on("console", lambda line: line.type == "error" and page.errors.append(line.text))
        page.on("request", lambda request: request.url.startswith((server.url, "data:"))
                or page.errors.append(f"asks for {request.url}"))
        page.goto(f"{server.url}/#{view}")
        return page

    def close(self, page):
        assert not page.errors, page.errors
        page.context.close()

    def look(self, page, name):
        """A picture, axe-core's findings, and nothing that is wider than the window."""
        kind = f"{name}-{page.scheme}-{page.size['width']}"
        page.screenshot(path=self.folder / f"{kind}.png")
        found = Axe().run(page).response["violations"]
        assert not found, "\n".join(f"{each['id']}: {each['help']}: {[node['html'] for node in each['nodes']]}" for each in found)
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{kind}: {wide} pixels too wide"
        print(f"  {kind}: axe-core finds nothing")


def answer(page, turn=-1):
    return page.locator(".turn.assistant").nth(turn)


def words(page):
    """The tokens of the last answer that can be pointed at: a line's end has no place."""
    return answer(page).locator(".token").filter(has_text=re.compile(r"\w"))


def send(page, text):
    page.get_by_label("Message", exact=True).fill(text)
    page.keyboard.press("Enter")


def wait_for_end(page):
    expect(page.get_by_role("button", name="Regenerate")).to_be_visible()


def holds_a_conversation(browser, server):
    """Two turns; an answer is the same again with the same seed, and another with another."""
    page = browser.open(server)
    expect(page.get_by_role("heading", name="Talk to demo")).to_be_visible()
    page.get_by_label("Seed").fill("7")
    page.get_by_label("Most tokens").fill("24")
    send(page, "In the beginning")
    wait_for_end(page)
    first = answer(page).locator(".text").inner_text()
    assert len(first) > 20, first
    expect(answer(page).locator("footer")).to_contain_text("at the limit of tokens · 24 tokens")
    page.get_by_role("button", name="Regenerate").click()
    wait_for_end(page)
    assert answer(page).locator(".text").inner_text() == first
    page.get_by_label("Seed").fill("8")
    page.get_by_role("button", name="Regenerate").click()
    wait_for_end(page)
    assert answer(page).locator(".text").inner_text() != first
    send(page, "And then")
    expect(page.locator(".turn")).to_have_count(4)
    wait_for_end(page)
    assert page.get_by_role("status").first.inner_text()  # what a screen reader says
    browser.close(page)


def says_what_the_server_refuses(browser, server):
    """In the server's words; what was written is not lost."""
    page = browser.open(server, wants_errors=True)
    page.get_by_label("Most tokens").fill("100000")
    send(page, "In the beginning")
    expect(page.get_by_role("alert")).to_contain_text("400: prompt: expected at most 256 tokens")
    expect(page.get_by_label("Message", exact=True)).to_have_value("In the beginning")
    browser.look(page, "refused")
    page.get_by_label("Most tokens").fill("4")
    page.get_by_label("Message", exact=True).press("Enter")
    wait_for_end(page)
    expect(page.locator("#alert")).to_have_text("")
    browser.close(page)


def stops_and_goes_on(browser, server):
    """A stop ends the request on the server, too; what goes on begins with what was there."""
    page = browser.open(server)
    page.get_by_label("Most tokens").fill("200")
    stopped = server.metric('request_success_total{model_name="demo",finished_reason="abort"}')
    send(page, "In the beginning")
    expect(answer(page).locator(".token").nth(4)).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    wait_for_end(page)
    before = answer(page).locator(".text").inner_text()
    expect(answer(page).locator("footer")).to_contain_text("stopped")
    for _ in range(50):
        if server.metric('request_success_total{model_name="demo",finished_reason="abort"}') > stopped:
            break
        time.sleep(0.1)
    else:
        raise AssertionError("the server still writes what was stopped")
    page.get_by_label("Most tokens").fill("12")
    page.get_by_role("button", name="Continue").click()
    wait_for_end(page)
    after = answer(page).locator(".text").inner_text()
    assert after.startswith(before) and len(after) > len(before), (before, after)
    browser.close(page)


def shows_probabilities(browser, server):
    """Of a token that is pointed at, and of one that the keyboard has reached."""
    page = browser.open(server)
    page.get_by_label("Most tokens").fill("40")
    page.get_by_label("Seed").fill("3")
    send(page, "In the beginning")
    wait_for_end(page)
    tip = page.get_by_role("tooltip")
    words(page).nth(3).hover()
    expect(tip).to_be_visible()
    lines = tip.locator("p").all_inner_texts()
    assert len(lines) >= 5 and all("%" in line for line in lines), lines
    shares = [float(re.search(r"([\d.]+) %", line)[1]) for line in lines[1:]]
    assert shares == sorted(shares, reverse=True) and sum(shares) <= 100.5, shares
    browser.look(page, "probabilities")
    page.mouse.move(5, 5)
    expect(tip).to_be_hidden()
    answer(page).locator(".token").first.focus()
    expect(tip).to_be_visible()
    page.keyboard.press("ArrowRight")
    focused = page.evaluate("[...document.activeElement.parentElement.querySelectorAll('.token')].indexOf(document.activeElement)")
    assert focused == 1 and page.evaluate("document.activeElement.getAttribute('aria-describedby')") == "tip"
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    browser.close(page)


def writes_plain_text(browser, server):
    """A model without a form of conversations goes on with a text."""
    page = browser.open(server)
    expect(page.get_by_role("heading", name="Write with demo")).to_be_visible()
    page.get_by_label("Most tokens").fill("30")
    page.get_by_label("Text", exact=True).fill("In the beginning")
    page.get_by_role("button", name="Go on").click()
    wait_for_end(page)
    page.get_by_role("button", name="Continue").click()
    wait_for_end(page)
    assert len(page.locator("#turns").inner_text()) > 100
    words(page).nth(2).hover()
    expect(page.get_by_role("tooltip")).to_be_visible()
    page.mouse.move(5, 5)
    browser.look(page, "text")
    browser.close(page)


def shows_what_goes_on(browser, server):
    """The state moves while a load runs."""
    page = browser.open(server, "state")
    expect(page.locator("#ceiling-text")).to_contain_text("a mere read")  # measured: nothing runs
    page.wait_for_timeout(12000)  # and once more
    load = subprocess.Popen([BIN / "strata-load", server.url, "-p", "64", "-n", "150", "--clients", "6", "--requests", "3000",
                             "--vocabulary", "2000"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    expect(page.locator("#state-running")).not_to_have_text("0")
    expect(page.locator("#state-pages")).not_to_have_text("0")
    page.wait_for_function("document.getElementById('state-share').textContent.endsWith('%')")
    rate = page.locator("#state-rate").inner_text()
    page.wait_for_function("before => document.getElementById('state-rate').textContent !== before", arg=rate)
    assert "M" in page.locator("#graph-ceiling").get_attribute("d")
    page.wait_for_timeout(20000)
    for page.size in (WIDE, NARROW):
        page.set_viewport_size(page.size)
        for page.scheme in ("light", "dark"):
            page.emulate_media(color_scheme=page.scheme)
            browser.look(page, "state")
    load.terminate()
    load.wait()
    expect(page.locator("#state-running")).to_have_text("0")
    browser.close(page)


def shows_the_model(browser, server):
    """The five kernels of a layer; their shares are the layer's."""
    for size in (WIDE, NARROW):
        for scheme in ("light", "dark"):
            page = browser.open(server, "model", size, scheme)
            expect(page.locator("#stages li")).to_have_count(6)
            kernels = page.locator("#kernels tr")
            expect(kernels).to_have_count(5)
            expect(page.locator("#floor-text")).to_contain_text("tokens a second")
            floor = page.locator("#floor-text").inner_text()
            page.get_by_label("Texts in a step").fill("16")
            assert page.locator("#floor-text").inner_text() != floor
            page.get_by_label("Tokens before each").fill("100")
            names = kernels.locator("th small").all_inner_texts()
            assert names == ["self_attn.qkv_proj", "self_attn", "self_attn.o_proj", "mlp.up_proj", "mlp.down_proj"], names
            expect(page.locator("#memory tr")).to_have_count(3)
            browser.look(page, "model")
            page.screenshot(path=browser.folder / f"model-whole-{scheme}-{size['width']}.png", full_page=True)
            browser.close(page)


def can_be_read(browser, server):
    """The chat in all its looks; the theme that is chosen stays."""
    for size in (WIDE, NARROW):
        for scheme in ("light", "dark"):
            page = browser.open(server, "chat", size, scheme)
            expect(page.get_by_role("heading", name="Talk to demo")).to_be_visible()
            browser.look(page, "empty")
            if size == NARROW:
                page.get_by_text("Settings").click()
                browser.look(page, "settings")
            page.get_by_label("Most tokens").fill("60")
            page.get_by_label("Seed").fill("11")
            page.get_by_label("Temperature").fill("0.7")
            if size == NARROW:
                page.get_by_text("Settings").click()
            send(page, "In the beginning")
            wait_for_end(page)
            send(page, "And the king said unto the people")
            expect(page.locator(".turn")).to_have_count(4)
            wait_for_end(page)
            answer(page).locator(".token").nth(page.evaluate(UNSURE)).hover()
            browser.look(page, "chat")
            browser.close(page)
    page = browser.open(server)
    page.get_by_role("button", name="Theme: system").click()
    page.get_by_role("button", name="Theme: light").click()
    page.reload()
    expect(page.get_by_role("button", name="Theme: dark")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 24, 26)"
    browser.close(page)


def can_be_used_by_keyboard(browser, server):
    """From the head to an answer without a pointer, in an order that makes sense."""
    page = browser.open(server, "")
    expect(page.get_by_role("heading", name="Talk to demo")).to_be_visible()
    seen = []
    for _ in range(20):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim().slice(0, 40)"))
    wanted = ["Skip to the content", "link-chat", "link-state", "link-model", "theme", "message", "send", "Settings", "temperature"]
    assert [each for each in seen if each in wanted][:len(wanted)] == wanted, seen
    page.get_by_label("Most tokens").fill("200")
    send(page, "In the")
    expect(answer(page).locator(".token").nth(2)).to_be_visible()
    page.keyboard.press("Escape")
    wait_for_end(page)
    expect(answer(page).locator("footer")).to_contain_text("stopped")
    browser.close(page)


def asks_for_a_key(browser, server):
    """Where the server wants one; a wrong one is told so, and the right one is kept for the tab."""
    page = browser.open(server, wants_errors=True)  # browsers write of each 401
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Authorization: Bearer KEY")
    browser.look(page, "key")
    page.get_by_label("API key").fill("wrong")
    page.keyboard.press("Enter")
    expect(dialog).to_be_visible()
    page.get_by_label("API key").fill("secret")
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    page.get_by_label("Most tokens").fill("4")
    send(page, "In the beginning")
    wait_for_end(page)
    page.reload()
    expect(page.get_by_role("heading", name="Talk to demo")).to_be_visible()
    browser.close(page)


def main(package, folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    wanted = os.environ.get("ONLY", "").split()
    chat, text, keyed = ("--model-name", "demo", "--chat-template", "raw"), ("--model-name", "demo"), (
        "--model-name", "demo", "--chat-template", "raw", "--api-key", "secret")
    parts = [(chat, holds_a_conversation), (chat, says_what_the_server_refuses), (chat, stops_and_goes_on), (chat, shows_probabilities), (text, writes_plain_text),
             (chat, shows_what_goes_on), (chat, shows_the_model), (chat, can_be_read), (chat, can_be_used_by_keyboard),
             (keyed, asks_for_a_key)]
    with sync_playwright() as playwright:
        browser = Browser(playwright, folder)
        print("Chromium", browser.chromium.version)
        for options, part in parts:
            if wanted and part.__name__ not in wanted:
                continue
            print(part.__name__.replace("_", " "), flush=True)
            with Server(package, *options) as server:
                part(browser, server)
        browser.chromium.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
