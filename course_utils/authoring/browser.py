"""JupyterLab in a real browser: start a server, open a notebook, run, drag, press."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import subprocess
import symtable
import sys
import time
import urllib.request
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
_THEME = "apputils-extension/themes"


def missing() -> str:
    """Why no browser can be driven here, in a sentence; empty where one can."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return "Playwright is not installed; `make test` does that."
    if _chromium() is None:
        with sync_playwright() as playwright:  # it may have brought its own
            if not Path(playwright.chromium.executable_path).exists():
                return "No chromium on this machine; `playwright install chromium`."
    return ""


def _chromium() -> str | None:
    """A browser that is installed here; None for Playwright's own."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


class Lab:
    """A JupyterLab server on loopback with settings of its own, and a browser.

    Args:
        folder: an empty folder for notebooks, settings and the server's log.
        theme: JupyterLab's, such as "JupyterLab Dark".
    """

    def __init__(self, folder: Path, *, theme: str = "JupyterLab Light") -> None:
        self.notebooks, self._log = folder / "notebooks", folder / "server.log"
        self.notebooks.mkdir(parents=True, exist_ok=True)
        self._folder, self._token = folder, secrets.token_hex(16)
        self._address = ""
        settings = _SETTINGS | {_THEME: {"theme": theme}}
        for name, values in settings.items():
            place = folder / "config/lab/user-settings/@jupyterlab"
            file = place / f"{name}.jupyterlab-settings"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(values))

    @contextlib.contextmanager
    def running(self) -> Iterator[Lab]:
        """The server and the browser, ended afterwards."""
        from playwright.sync_api import sync_playwright

        process = self._start()
        try:
            with sync_playwright() as playwright:
                self.browser = playwright.chromium.launch(
                    executable_path=_chromium(), args=_FLAGS
                )
                self._wait(process)
                yield self
                self.browser.close()
        finally:
            process.terminate()
            process.wait(60)

    def open(self, notebook: NotebookNode, name: str) -> Page:
        """Write a notebook, without outputs, into the server's folder and open it."""
        for cell in notebooks.code_cells(notebook):
            cell.outputs, cell.execution_count = [], None
        notebooks.write(self.notebooks / name, notebooks.text(notebooks.tidy(notebook)))
        return self.reopen(name)

    def reopen(self, name: str) -> Page:
        """Open a notebook that is there already."""
        page = self.browser.new_page(viewport={"width": 1200, "height": 900})
        page.set_default_timeout(60_000)
        page.goto(f"{self._address}/doc/tree/{name}?token={self._token}")
        # Its first "idle" comes before it knows of a kernel; a Run All then is lost.
        page.locator(_STATUS, has_text=re.compile(r"^Python.*Idle$")).wait_for()
        return Page(page)

    def _start(self) -> subprocess.Popen[bytes]:
        kinds = ("config", "data", "runtime")
        places = {
            f"JUPYTER_{kind.upper()}_DIR": str(self._folder / kind) for kind in kinds
        }
        path = {"PYTHONPATH": str(notebooks.ROOT), "OMP_NUM_THREADS": "1"}
        options = [
            "--no-browser", "--ip=127.0.0.1", "--port=0", "--allow-root",
            f"--IdentityProvider.token={self._token}",
            f"--ServerApp.root_dir={self.notebooks}",
        ]  # fmt: skip
        with self._log.open("w") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "jupyterlab", *options],
                env=os.environ | places | path, stdout=log, stderr=log,
            )  # fmt: skip

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        """Until it answers at the port that it found free, which its file names."""
        end = time.monotonic() + 120
        while time.monotonic() < end and process.poll() is None:
            with contextlib.suppress(OSError, ValueError):
                (file,) = self._folder.glob("runtime/jpserver-*.json")
                port = json.loads(file.read_text())["port"]
                self._address = f"http://127.0.0.1:{port}"
                urllib.request.urlopen(f"{self._address}/api", timeout=5).close()
                return
            time.sleep(0.2)
        raise RuntimeError(
            f"JupyterLab did not start:\n{self._log.read_text()[-3000:]}"
        )


class Page:
    """One notebook in the browser; `page` is Playwright's."""

    def __init__(self, page: Any) -> None:
        self.page = page

    def run_all(self, seconds: float = 60) -> None:
        """Run all cells, asking again if nothing begins, and wait for the last."""
        last = self.page.locator(".jp-CodeCell .jp-InputPrompt").last
        end, ask = time.monotonic() + seconds, 0.0
        while not any(letter.isdigit() for letter in last.inner_text()):
            if time.monotonic() > end:
                raise TimeoutError(f"the last cell did not end within {seconds:g} s")
            if time.monotonic() > ask and "*" not in last.inner_text():
                if self.complaints():  # an error ends the run
                    raise RuntimeError("\n".join(self.complaints()))
                self.menu("Run", "runmenu:run-all")
                ask = time.monotonic() + 4
            time.sleep(0.05)

    def menu(self, title: str, command: str) -> None:
        """Choose a command from the menu bar."""
        self.page.click(f".lm-MenuBar-item:has-text('{title}')")
        self.page.click(f"[data-command='{command}']")

    def close(self) -> None:
        """Shut the kernel down and close the page."""
        self.menu("Kernel", "kernelmenu:shutdown")
        self.page.locator(_STATUS, has_text="No Kernel").wait_for()
        self.page.close()

    def save(self) -> None:
        """Save the notebook and wait until it is."""
        self.page.keyboard.press("Control+s")
        self.page.wait_for_selector(".jp-mod-dirty", state="detached")

    def explorers(self) -> list[Explorer]:
        """The course's widgets that are alive on the page."""
        return [Explorer(e) for e in self.page.locator(".course-explorer").all()]

    def complaints(self) -> list[str]:
        """Tracebacks, words on stderr, and widgets that could not be shown."""
        texts = []
        for mime in ("stderr", "error"):
            texts += self.page.locator(f"[data-mime-type$='{mime}']").all_inner_texts()
        broken = self.page.get_by_text("Error displaying widget")
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

    def button(self, text: str) -> Any:
        """The button with that text."""
        return self.box.get_by_role("button", name=text, exact=True)

    def settled(self, quiet: float = 0.25, seconds: float = 30) -> str:
        """The picture, once none has followed it for a while."""
        end, since, now = time.monotonic() + seconds, time.monotonic(), self.picture()
        while time.monotonic() < end:
            if self.picture() != now:
                since, now = time.monotonic(), self.picture()
            elif time.monotonic() - since > quiet:
                return now
            time.sleep(0.02)
        raise TimeoutError(f"pictures kept coming for {seconds:g} s")

    def changes(self, before: str, seconds: float = 20) -> bool:
        """Whether another picture than this one is shown, and can be seen, in time."""
        end, seen = time.monotonic() + seconds, "e => e.complete && e.naturalWidth > 0"
        while time.monotonic() < end:
            if self.picture() != before and self.image.evaluate(seen):
                return True
            time.sleep(0.02)
        return False

    def pause(self) -> None:
        """Pause it where it is playing."""
        if self.button("Pause").count():
            self.button("Pause").click()

    def drag(self, handle: Any) -> None:
        """Drag a slider's handle with the mouse, toward the farther end (or right)."""
        handle.scroll_into_view_if_needed()
        box = handle.bounding_box()
        track = handle.locator("xpath=ancestor::*[contains(@class, 'noUi-base')]")
        track = track.bounding_box()
        middle = track["x"] + track["width"] / 2
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        mouse = handle.page.mouse
        mouse.move(x, y)
        mouse.down()
        way = 0.6 * track["width"]
        mouse.move(x + (way if x <= middle + 2 else -way), y, steps=10)
        mouse.up()


def widget_notebook(lesson: NotebookNode) -> NotebookNode:
    """A lesson's widget cells, its setup, and earlier cells whose names they use."""
    kept: list[NotebookNode] = []
    wanted: set[str] = set()
    for cell in reversed(notebooks.code_cells(lesson)):
        made, used = _names(cell.source)
        if {"setup", "widget"} & set(notebooks.tags(cell)) or made & wanted:
            kept.insert(0, cell)
            wanted = wanted - made | used
    lesson.cells = [cell for cell in lesson.cells if cell in kept]
    return lesson


def _names(source: str) -> tuple[set[str], set[str]]:
    """Names that a cell binds for the cells below, and names that it reads."""
    cell = symtable.symtable(source, "cell", "exec")
    tables = [cell]
    for table in tables:  # it grows while it is read
        tables += table.get_children()
    read = {s.get_name() for t in tables for s in t.get_symbols() if s.is_global()}
    here = cell.get_symbols()
    made = {s.get_name() for s in here if s.is_assigned() or s.is_imported()}
    return made, read | {s.get_name() for s in here if s.is_referenced()}
