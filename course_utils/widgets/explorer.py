"""Pictures that move: a figure under sliders, and a simulation one can play and pause.

A lesson's widget is a function that returns an Explorer or a Player:

    def decay_explorer() -> Explorer:
        x = np.linspace(0, 3, 200)
        fig, axes = style.new_figure()
        (curve,) = axes.plot(x, np.exp(-x), color=style.DATA)
        canvas = Canvas(fig, moving=[curve])  # axes are drawn once, then the curve

        def frame(rate: float) -> bytes:
            curve.set_ydata(np.exp(-rate * x))
            return canvas.png()

        controls = {"rate": slider(0.1, 3.0, 1.0)}
        return Explorer(frame, controls, alt="A decay from 1 toward 0.")
"""

import asyncio
import html
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

import ipywidgets as widgets
from IPython.display import display

from course_utils.figures.style import DRAWING, screen_reader_text

Controls = Mapping[str, widgets.Widget]
Change = Callable[[Any, SimpleNamespace], Any]  # (state, controls) -> state

MOST_PICTURES = 3000  # then it pauses by itself, so that none plays on forgotten
# Beside a live view the still and its caption are hidden; where a saved notebook has
# lost its kernel, JupyterLab's "model not found" is.
_STYLE = """<style>
.jp-OutputArea-child:has(~ .jp-OutputArea-child .course-explorer),
.jp-OutputArea-child:has(.course-still) + * > .jupyter-widgets:not(:has(*))
{display: none}
</style>"""


class _PictureWidget(widgets.VBox):
    """Buttons and controls above one image; a still of it travels with the notebook.

    Its cell gets three outputs: the still at the default setting, a caption, and the
    live view. JupyterLab shows the live view or, where no kernel holds it, the other
    two; code hosts and HTML pages show the still and its caption. Subclasses say what
    `_draw` draws and what `_advance` does while playing (False at the end).
    """

    _playing: _PictureWidget | None = None  # one plays at a time

    def __init__(
        self, controls: Controls, actions: Mapping[str, Callable[[], Any]],
        alt: str | Callable[..., str], fps: int,
    ) -> None:  # fmt: skip
        self.controls, self._alt, self._fps = dict(controls), alt, fps
        self._task: asyncio.Task[None] | None = None
        self._pause_all()  # a cell that is run again leaves no second one playing
        for name, control in self.controls.items():
            control.description = control.description or name.replace("_", " ")
            control.observe(self._changed, "value")
        self._still, self._sentence = self._draw(), self._describe()
        if not self._sentence.strip():
            raise ValueError("an explorer needs alt text: a sentence on what it shows")
        width = f"{int.from_bytes(self._still[16:20], 'big')}px"  # as the PNG has it
        flow = widgets.Layout(
            flex_flow="row wrap", max_width=width, grid_gap="2px 12px"
        )
        size = widgets.Layout(  # without which a box stretches and blurs it
            width=width, max_width="100%", align_self="flex-start"
        )
        self.image = widgets.Image(value=self._still, format="png", layout=size)
        self.message = widgets.HTML(screen_reader_text(self._sentence, role="status"))
        self.buttons = {text: _button(text, do) for text, do in actions.items()}
        rows = [list(self.buttons.values()), list(self.controls.values())]
        boxes = [widgets.HBox(row, layout=flow) for row in rows if row]
        super().__init__([*boxes, self.image, self.message])
        self.add_class("course-explorer")

    @property
    def values(self) -> dict[str, Any]:
        """What the controls say now."""
        return {name: control.value for name, control in self.controls.items()}

    @property
    def playing(self) -> bool:
        """Whether pictures follow each other without the learner."""
        return self._task is not None

    def play(self) -> None:
        """Show picture after picture, with the kernel free in between."""
        with DRAWING:
            self._pause_all()
            _PictureWidget._playing = self
            self.buttons["Play"].description = "Pause"
            self._task = asyncio.get_running_loop().create_task(self._play())

    def pause(self) -> None:
        """Stop where it is."""
        with DRAWING:
            if self.playing:
                _PictureWidget._playing = self._task = None
                self.buttons["Play"].description = "Play"

    @staticmethod
    def _pause_all() -> None:
        if _PictureWidget._playing is not None:
            _PictureWidget._playing.pause()

    async def _play(self) -> None:
        me = asyncio.current_task()
        for _ in range(MOST_PICTURES):
            due = time.perf_counter() + 1 / self._fps
            with DRAWING:
                if self._task is not me:  # paused, perhaps in another thread
                    return
                if not self._advance():
                    break
            await asyncio.sleep(max(0.01, due - time.perf_counter()))
        self.pause()

    def _toggle(self) -> None:
        self.pause() if self.playing else self.play()

    def _describe(self) -> str:
        return self._alt if isinstance(self._alt, str) else self._alt(**self.values)

    def _changed(self, change: Any) -> None:
        self._redraw()

    def _redraw(self, action: Callable[[], None] = lambda: None) -> bool:
        """Do it and show the new picture, or say under the old one what went wrong."""
        with DRAWING:
            try:
                action()
                picture, sentence = self._draw(), self._describe()
            except Exception as error:  # a callback's traceback would be seen by nobody
                self.message.value = _error_message(self.values, error)
                return False
            self.image.value = picture
            self.message.value = screen_reader_text(sentence, role="status")
            return True

    def __repr__(self) -> str:
        names = ", ".join(control.description for control in self.controls.values())
        return f"{self._sentence} Run the cell to change it: {names}."

    def _ipython_display_(self) -> None:
        still = {"image/png": self._still, "text/plain": f"figure: {self._sentence}"}
        caption = f'<small class="course-still">{html.escape(repr(self))}</small>'
        display(still, metadata={"image/png": {"alt": self._sentence}}, raw=True)
        display({"text/html": caption + _STYLE, "text/plain": repr(self)}, raw=True)
        display(self._repr_mimebundle_() | {"text/plain": ""}, raw=True)


class Explorer(_PictureWidget):
    """Controls over a pure function that draws.

    A picture is drawn at each change. Changes that arrive while one is being drawn are
    merged by JupyterLab, so a slow picture skips values instead of lagging behind.

    Args:
        frame: called with the controls' values by name; returns PNG bytes.
        controls: name -> slider(...) or dropdown(...).
        alt: a sentence for readers who cannot see it, or a function of the controls'
            values that returns one; nothing in it that varies by machine.
        play: the name of a slider that gets a Play button.
        fps: pictures per second while playing.

    Raises:
        ValueError: alt is empty.
    """

    def __init__(
        self, frame: Callable[..., bytes], controls: Controls, *,
        alt: str | Callable[..., str], play: str = "", fps: int = 8,
    ) -> None:  # fmt: skip
        self._frame, self._clock = frame, controls[play] if play else None
        super().__init__(controls, {"Play": self._toggle} if play else {}, alt, fps)

    def play(self) -> None:
        """Move the slider to its end; from its start, if it is there already."""
        if self._clock.value >= self._clock.max:
            self._clock.value = self._clock.min
        super().play()

    def _draw(self) -> bytes:
        return self._frame(**self.values)

    def _advance(self) -> bool:
        self._clock.value = min(self._clock.value + self._clock.step, self._clock.max)
        return self._clock.value < self._clock.max


class Player(_PictureWidget):
    """A simulation that runs beside the notebook: play, pause, step, reset.

    It advances, draws, and hands the kernel back until the next picture is due, so that
    sliders, Pause and other cells are answered in between.

    Args:
        start: start(controls) -> state; Reset calls it again.
        advance: advance(state, controls) -> state, as many steps as one picture needs.
            It may change the state in place, and returns it.
        frame: frame(state, controls) -> PNG bytes.
        controls: as for Explorer; the functions read them as controls.learning_rate.
        alt, fps: as for Explorer.
        actions: buttons that change the state once: text -> a function like advance.
        restart: names of controls whose change also resets (a seed, a data set).

    Raises:
        ValueError: alt is empty.
    """

    def __init__(
        self, *, start: Callable[[SimpleNamespace], Any], advance: Change,
        frame: Callable[[Any, SimpleNamespace], bytes], controls: Controls,
        alt: str | Callable[..., str], actions: Mapping[str, Change],
        restart: Sequence[str] = (), fps: int = 12,
    ) -> None:  # fmt: skip
        self._start, self._change, self._frame = start, advance, frame
        self._restart = [controls[name] for name in restart]
        self.controls = dict(controls)
        self.state = start(self._settings)
        steps = {text: partial(self.step, change) for text, change in actions.items()}
        buttons = {"Play": self._toggle, **steps, "Reset": self.reset}
        super().__init__(controls, buttons, alt, fps)

    def step(self, change: Change | None = None) -> None:
        """Pause, and change the state once: by `advance` where nothing is given."""
        self.pause()
        self._move(change or self._change)

    def reset(self) -> None:
        """Pause, and go back to the start with the controls as they are."""
        self.step(lambda state, controls: self._start(controls))

    @property
    def _settings(self) -> SimpleNamespace:
        return SimpleNamespace(**self.values)

    def _draw(self) -> bytes:
        return self._frame(self.state, self._settings)

    def _advance(self) -> bool:
        return self._move(self._change)

    def _changed(self, change: Any) -> None:
        if change.owner in self._restart:
            self._move(lambda state, controls: self._start(controls))
        elif not self.playing:  # otherwise the next picture shows it
            self._redraw()

    def _move(self, change: Change) -> bool:
        def move() -> None:
            self.state = change(self.state, self._settings)

        return self._redraw(move)


def _button(text: str, action: Callable[[], Any]) -> widgets.Button:
    button = widgets.Button(description=text, layout=widgets.Layout(width="auto"))
    button.on_click(lambda _: action())
    return button


def _error_message(values: Mapping[str, Any], error: Exception) -> str:
    setting = ", ".join(f"{name} = {value}" for name, value in values.items())
    text = f"No picture at {setting}: {type(error).__name__}: {error}"
    style = "color: var(--jp-error-color1, #b00020)"
    return f'<p role="alert" style="{style}">{html.escape(text)}</p>'
