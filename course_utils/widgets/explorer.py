"""Pictures that move: a figure under sliders and buttons, to be played and paused.

A lesson's widget is a function that returns an Explorer:

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
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import ipywidgets as widgets
from IPython.display import display

from course_utils.figures.style import DRAWING, display_image, screen_reader_text

Action = Callable[..., Any]  # called with the controls' values by name

MOST_PICTURES = 3000  # then it pauses by itself, so that none plays on forgotten
# Beside a live view the still and its caption are hidden; where a saved notebook has
# lost its kernel, JupyterLab's "model not found" is.
_STYLE = """<style>
.jp-OutputArea-child:has(~ .jp-OutputArea-child .course-explorer),
.jp-OutputArea-child:has(.course-still) + * > .jupyter-widgets:not(:has(*))
{display: none}
</style>"""


class Explorer(widgets.VBox):
    """Controls over a function that draws; a still of it travels with the notebook.

    A picture is drawn at each change; changes that arrive meanwhile are merged by
    JupyterLab, so a slow picture skips values instead of lagging behind. While it plays
    the kernel is free between pictures: sliders, Pause and other cells are answered.

    Its cell gets three outputs: the still at the default setting, a caption, and the
    live view. JupyterLab shows the live view or, where no kernel holds it, the other
    two; code hosts and HTML pages show the still and its caption.

    Args:
        frame: called with the controls' values by name; returns PNG bytes.
        controls: name -> slider(...) or dropdown(...).
        alt: a sentence for readers who cannot see it, or a function of the controls'
            values that returns one; nothing in it that varies by machine.
        play: the name of a slider that a Play button moves to its end; or what moves a
            simulation on, called like `frame` before each picture.
        actions: further buttons: text -> what changes the simulation once, like `play`.
        fps: pictures per second while playing.

    Raises:
        ValueError: alt is empty.
    """

    _playing: Any = None  # one plays at a time

    def __init__(
        self, frame: Callable[..., bytes], controls: Mapping[str, widgets.Widget], *,
        alt: str | Callable[..., str], play: str | Action = "",
        actions: Mapping[str, Action] | None = None, fps: int = 8,
    ) -> None:  # fmt: skip
        self._frame, self._alt, self._fps = frame, alt, fps
        self.controls, self._move = dict(controls), play
        self._task: asyncio.Task[None] | None = None
        self._pause_all()  # a cell that is run again leaves no second one playing
        for name, control in self.controls.items():
            control.description = control.description or name.replace("_", " ")
            control.observe(lambda _: self._redraw(), "value")
        self._still, self._sentence = self._draw()
        if not self._sentence.strip():
            raise ValueError("an explorer needs alt text: a sentence on what it shows")
        width = f"{int.from_bytes(self._still[16:20], 'big')}px"  # as the PNG has it
        flow = {"flex_flow": "row wrap", "max_width": width, "grid_gap": "2px 12px"}
        # Without its size a box would stretch the picture and blur it.
        size = {"width": width, "max_width": "100%", "align_self": "flex-start"}
        self.image = widgets.Image(value=self._still, format="png", layout=size)
        self.message = widgets.HTML(screen_reader_text(self._sentence, role="status"))
        self.buttons = {"Play": _button("Play", self._toggle)} if play else {}
        for text, action in (actions or {}).items():
            self.buttons[text] = _button(text, partial(self.step, action))
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
        """Show picture after picture; a slider at its end starts over."""
        with DRAWING:
            self._pause_all()
            clock = self.controls.get(self._move)
            if clock and clock.value >= clock.max:
                clock.value = clock.min
            Explorer._playing = self
            self.buttons["Play"].description = "Pause"
            self._task = asyncio.get_running_loop().create_task(self._play())

    def pause(self) -> None:
        """Stop where it is."""
        with DRAWING:
            if self.playing:
                Explorer._playing = self._task = None
                self.buttons["Play"].description = "Play"

    def step(self, action: Action) -> None:
        """Pause, do it once, and show the new picture."""
        self.pause()
        self._redraw(action)

    @staticmethod
    def _pause_all() -> None:
        if Explorer._playing is not None:
            Explorer._playing.pause()

    def _toggle(self) -> None:
        self.pause() if self.playing else self.play()

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

    def _advance(self) -> bool:
        """The next picture; False at the end or where it cannot be drawn."""
        if callable(self._move):
            return self._redraw(self._move)
        clock = self.controls[self._move]
        clock.value = min(clock.value + clock.step, clock.max)
        return clock.value < clock.max

    def _draw(self) -> tuple[bytes, str]:
        alt, values = self._alt, self.values
        return self._frame(**values), alt if isinstance(alt, str) else alt(**values)

    def _redraw(self, action: Action = lambda **values: None) -> bool:
        """Do it and show the new picture, or say under the old one what went wrong."""
        with DRAWING:
            try:
                action(**self.values)
                picture, sentence = self._draw()
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
        caption = f'<small class="course-still">{html.escape(repr(self))}</small>'
        display_image(self._still, self._sentence)
        display({"text/html": caption + _STYLE, "text/plain": repr(self)}, raw=True)
        display(self._repr_mimebundle_() | {"text/plain": ""}, raw=True)


def _button(text: str, action: Callable[[], Any]) -> widgets.Button:
    button = widgets.Button(description=text, layout=widgets.Layout(width="auto"))
    button.on_click(lambda _: action())
    return button


def _error_message(values: Mapping[str, Any], error: Exception) -> str:
    setting = ", ".join(f"{name} = {value}" for name, value in values.items())
    text = f"No picture at {setting}: {type(error).__name__}: {error}"
    style = "color: var(--jp-error-color1, #b00020)"
    return f'<p role="alert" style="{style}">{html.escape(text)}</p>'
