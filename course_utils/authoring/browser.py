"""JupyterLab in a real browser: start both, open a notebook, run, drag, press."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from course_utils.authoring import notebooks

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_FLAGS = ("--no-sandbox", "--disable-background-networking", "--disable-gpu")
_SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},  # all cells on the page
}
_STATUS = "#jp-main-statusbar .jp-StatusBar-TextItem"  # "Python 3 (ipykernel) | Idle"
_NEW_PICTURE = "([e, old]) => e.src !== old && e.complete && e.naturalWidth > 0"


class NoBrowser(RuntimeError):
    """No browser can be driven here; the message says what is missing."""


@contextlib.contextmanager
def chromium(executable: str | None = None) -> Iterator[Any]:
    """A headless browser: the one given, else one installed here, else Playwright's."""
    executable = executable or next(filter(None, map(shutil.which, _NAMES)), None)
    with contextlib.ExitStack() as stack:
        try:
            from playwright.sync_api import sync_playwright

            driver = stack.enter_context(sync_playwright())
        except ImportError:
            raise NoBrowser("Playwright is not installed.") from None
        except Exception as error:  # of no class of its own where the driver exits
            raise NoBrowser(f"Playwright's driver cannot start: {error}") from None
        try:
            options = {"executable_path": executable, "args": _FLAGS}
            browser = driver.chromium.launch(**options)
        except Exception as error:
            lines = str(error).strip().splitlines()
            library = [line for line in lines if "shared librar" in line]
            reason = (library or lines)[0].strip()
            raise NoBrowser(f"Chromium cannot start: {reason}") from None
        yield browser


@contextlib.contextmanager
def running_lab(folder: Path) -> Iterator[Lab]:
    """A browser, and a JupyterLab server with settings of its own; both end with it.

    `folder`, an empty one, holds notebooks, settings and the server's log.
    """
    settings = folder / "config/lab/user-settings/@jupyterlab"
    for name, values in _SETTINGS.items():
        file = settings / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(values))
    own = {f"JUPYTER_{k.upper()}_DIR": str(folder / k) for k in ("config", "data")}
    own |= {"JUPYTER_RUNTIME_DIR": str(folder), "PYTHONPATH": str(notebooks.ROOT)}
    options = ["--no-browser", "--ip=127.0.0.1", "--port=0", "--allow-root"]
    with chromium() as browser, (folder / "server.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options, str(folder)],
            env=os.environ | own | {"OMP_NUM_THREADS": "1"}, stdout=log, stderr=log,
        )  # fmt: skip
        try:
            url, token = _address(process, folder)
            # One context, so that JupyterLab itself comes from its cache later.
            context = browser.new_context(viewport={"width": 1200, "height": 900})
            context.set_default_timeout(60_000)
            yield Lab(folder, url, token, context)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:  # it waits for a kernel that is busy
                process.kill()
                process.wait()


def _address(process: subprocess.Popen[bytes], folder: Path) -> tuple[str, str]:
    """Where the server answers, and its token, from the file that it writes then."""
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(ValueError):  # none yet, or half of one
            (file,) = folder.glob("jpserver-*.json")
            server = json.loads(file.read_text())
            return f"http://127.0.0.1:{server['port']}", server["token"]
        time.sleep(0.1)
    log = (folder / "server.log").read_text()
    raise RuntimeError(f"JupyterLab did not start:\n{log[-3000:]}")


class Lab:
    """A JupyterLab server on loopback and the browser beside it."""

    def __init__(self, folder: Path, url: str, token: str, context: Any) -> None:
        self.notebooks, self.context = folder, context
        self._url, self._token = url, token

    def open(self, notebook: NotebookNode, name: str) -> Page:
        """Write a notebook, without outputs, into the server's folder and open it."""
        for cell in notebooks.code_cells(notebook):
            cell.outputs, cell.execution_count = [], None
        notebooks.write(self.notebooks / name, notebooks.text(notebooks.tidy(notebook)))
        return self.reopen(name)

    def reopen(self, name: str) -> Page:
        """Open a notebook that is there already."""
        page = self.context.new_page()
        page.goto(f"{self._url}/doc/tree/{name}?token={self._token}")
        # Its first "idle" comes before it knows of a kernel; a Run All then is lost.
        page.locator(_STATUS, has_text=re.compile(r"^Python.*Idle$")).wait_for()
        return Page(page)


class Page:
    """One notebook in the browser; `page` is Playwright's."""

    def __init__(self, page: Any) -> None:
        self.page = page

    def run_all(self, seconds: float = 400) -> None:
        """Run all cells, asking again if nothing begins, and wait for the last."""
        last = self.page.locator(".jp-CodeCell .jp-InputPrompt").last
        end, ask = time.monotonic() + seconds, 0.0
        while not any(letter.isdigit() for letter in last.inner_text()):
            if time.monotonic() > end:
                raise TimeoutError(f"the last cell did not end within {seconds:g} s")
            if time.monotonic() > ask and "*" not in last.inner_text():
                if self.complaints():  # an error ends the run
                    raise RuntimeError("\n".join(self.complaints()))
                self._menu("Run", "runmenu:run-all")
                ask = time.monotonic() + 4
            time.sleep(0.05)

    def close(self) -> None:
        """Save the notebook, shut its kernel down and close the page."""
        self.page.keyboard.press("Control+s")
        self.page.wait_for_selector(".jp-mod-dirty", state="detached")
        self._menu("Kernel", "kernelmenu:shutdown")
        self.page.locator(_STATUS, has_text="No Kernel").wait_for()
        self.page.close()

    def _menu(self, title: str, command: str) -> None:
        self.page.click(f".lm-MenuBar-item:has-text('{title}')")
        self.page.click(f"[data-command='{command}']")

    def explorers(self) -> list[Explorer]:
        """The course's widgets that are alive on the page."""
        return [Explorer(e) for e in self.page.locator(".course-explorer").all()]

    def complaints(self) -> list[str]:
        """Tracebacks, words on stderr, and widgets that could not be shown."""
        outputs = "[data-mime-type$='stderr'], [data-mime-type$='error']"
        broken = self.page.get_by_text("Error displaying widget")
        texts = self.page.locator(outputs).all_inner_texts()
        return texts + broken.all_inner_texts()


class Explorer:
    """One widget of the course in the browser; `box` is Playwright's locator."""

    def __init__(self, box: Any) -> None:
        self.box, self.image = box, box.locator("img.widget-image")
        self.sliders = box.locator(".noUi-handle").all()
        self.dropdowns = box.locator("select").all()
        self.buttons = box.locator("button").all()

    def picture(self) -> str:
        """Names the picture shown now; each new one has another name."""
        return self.image.get_attribute("src")

    def settled(self, quiet: float = 0.25) -> str:
        """The picture, once none has followed it for a while."""
        since, now, end = time.monotonic(), self.picture(), time.monotonic() + 30
        while time.monotonic() < since + quiet:
            if self.picture() != now:
                since, now = time.monotonic(), self.picture()
            if time.monotonic() > end:
                raise TimeoutError("pictures kept coming for 30 s")
            time.sleep(0.02)
        return now

    def wait_for_change(self, before: str) -> None:
        """Wait until another picture than this one can be seen, at most 20 seconds."""
        arguments = [self.image.element_handle(), before]
        self.box.page.wait_for_function(_NEW_PICTURE, arg=arguments, timeout=20_000)

    def drag(self, handle: Any) -> None:
        """Drag a slider's handle with the mouse, toward the farther end (or right)."""
        handle.scroll_into_view_if_needed()
        track = handle.locator("xpath=ancestor::*[contains(@class, 'noUi-base')]")
        box, track = handle.bounding_box(), track.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        to_the_right = x <= track["x"] + track["width"] / 2 + 2
        way = 0.6 * track["width"] * (1 if to_the_right else -1)
        mouse = handle.page.mouse
        mouse.move(x, y)
        mouse.down()
        mouse.move(x + way, y, steps=10)
        mouse.up()
