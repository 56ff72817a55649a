"""Writes what happens in a run to standard output, one JSON object a line.

The driver reads these lines, so nothing else may go to standard output (Ansible's own warnings go to standard
error). Output of tasks is never passed on, but for the useful part of a failure and what `debug` says to the user; what
`no_log` hides stays hidden.
"""

from __future__ import annotations

import json
import time

from ansible.playbook.block import Block
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: ccslurm4ai_events
type: stdout
short_description: one JSON object a line for each event
description:
  - Prints plays, tasks, results and the final numbers as JSON lines.
"""

LONGEST_MESSAGE = 600
SAYS = ("debug", "ansible.builtin.debug")
HIDDEN = "the output of this task is hidden because it may hold a secret"


class CallbackModule(CallbackBase):
    """The events, in the order in which they happen."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "ccslurm4ai_events"

    def __init__(self):
        super().__init__()
        self._play = ""
        self._started = {}

    def v2_playbook_on_play_start(self, play):
        self._play = play.get_name().strip()
        self._emit("play", play=self._play)

    def v2_playbook_on_task_start(self, task, is_conditional):
        self._emit("task", play=self._play, task=name_of(task))

    def v2_playbook_on_handler_task_start(self, task):
        self.v2_playbook_on_task_start(task, False)

    def v2_runner_on_start(self, host, task):
        self._started[(host.get_name(), task._uuid)] = time.monotonic()

    def v2_runner_on_ok(self, result):
        said = {"message": message_of(result.result)} if result.task.action in SAYS else {}
        self._result(result, "changed" if result.is_changed() else "ok", **said)

    def v2_runner_on_skipped(self, result):
        self._result(result, "skipped")

    def v2_runner_on_failed(self, result, ignore_errors=False):
        more = {"message": message_of(result.result)}
        if ignore_errors or has_rescue(result.task):
            more["ignored"] = True
        self._result(result, "failed", **more)

    def v2_runner_on_unreachable(self, result):
        self._result(result, "unreachable", message=message_of(result.result))

    def v2_runner_retry(self, result):
        done, most = result.result.get("attempts"), result.result.get("retries")
        self._result(result, "retry", message=f"attempt {done} of {most}")

    def v2_playbook_on_stats(self, stats):
        self._emit("stats", hosts={host: numbers(stats.summarize(host)) for host in sorted(stats.processed)})

    def _result(self, result, status, **more):
        host = result.host.get_name()
        begun = self._started.get((host, result.task._uuid))
        seconds = 0.0 if begun is None else round(time.monotonic() - begun, 3)
        self._emit(
            "result", play=self._play, task=name_of(result.task), host=host, status=status, seconds=seconds, **more
        )

    def _emit(self, event, **fields):
        self._display.display(json.dumps({"event": event, **fields}))


def name_of(task):
    """The task's name as written, with its role before it; the same in all events of one task."""
    return task.get_name().strip()


def numbers(summary):
    """A host's final numbers under the names that the driver knows."""
    names = ("ok", "changed", "unreachable", "skipped", "rescued", "ignored")
    return {**{name: summary[name] for name in names}, "failed": summary["failures"]}


def has_rescue(task):
    """Whether a block round this task has a rescue section that takes over when the task fails."""
    inner, outer = task, task._parent
    while outer is not None:
        if isinstance(outer, Block) and outer.rescue and any(inner._uuid == one._uuid for one in outer.block):
            return True
        inner, outer = outer, outer._parent
    return False


def message_of(result):
    """The part of a failed result that helps, on one line, shortened."""
    if "censored" in result or result.get("_ansible_no_log"):
        return HIDDEN
    failed_items = [one for one in result.get("results") or [] if isinstance(one, dict) and one.get("failed")]
    if failed_items:
        return message_of(failed_items[0])
    said = str(result.get("msg") or "")
    if said.startswith("non-zero return code") or not said:
        return last_words(result.get("stderr") or result.get("module_stderr") or result.get("stdout")) or said
    return shortened(said)


def last_words(output):
    """The end of a program's output: the sentence that says why it stopped comes last."""
    words = " ".join(str(output or "").split())
    return words if len(words) <= LONGEST_MESSAGE else "…" + words[1 - LONGEST_MESSAGE :]


def shortened(text):
    """The beginning of a text on one line."""
    words = " ".join(text.split())
    return words if len(words) <= LONGEST_MESSAGE else words[: LONGEST_MESSAGE - 1] + "…"
