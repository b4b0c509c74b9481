"""Requests to the service wait, ask for the key, and fail with a message; older ones are dropped."""

from collections.abc import Callable
from typing import Any

import pytest

# Requests


FETCH = """
const sent = [];
const stub = (...answers) => {
  globalThis.fetch = async (path, options) => {
    sent.push([path, options.method, options.headers, typeof options.body === "string" ? options.body : null]);
    const [status, body, headers] = answers.length > 1 ? answers.shift() : answers[0];
    if (status === 0) throw new TypeError("failed");
    return new Response(JSON.stringify(body), { status, headers });
  };
};
"""


def run_server(run: Callable[..., Any], body: str) -> Any:
    names = "setKeyPrompt, call, callJson, ServiceError, UnreachableError, ignoreServiceErrors"
    return run("server", f"async ({{ {names} }}) => {{ {FETCH} {body} }}")


def test_json_is_posted_and_without_a_body_the_method_is_get(run):
    found = run_server(
        run,
        'stub([200, { a: 1 }]); const got = await callJson("x", { b: 2 }); await callJson("y");'
        'await call("z", { body: new FormData() }); return [got, sent];',
    )
    assert found == [
        {"a": 1},
        [
            ["x", "POST", {"Content-Type": "application/json"}, '{"b":2}'],
            ["y", "GET", {}, None],
            ["z", "POST", {}, None],
        ],
    ]


def test_a_busy_service_is_tried_again(run):
    found = run_server(
        run,
        'stub([429, {}, { "Retry-After": "0.01" }], [200, 5]); const said = [];'
        'return [await callJson("x", {}, { onWait: (message) => said.push(message) }), said];',
    )
    assert found == [5, ["The server is busy. Elman tries again in 0.01 s.", ""]]


def test_the_key_is_asked_for_once_and_again_if_it_is_wrong(run):
    found = run_server(
        run,
        """
        const prompts = [];
        setKeyPrompt(async (isRejected) => { prompts.push(isRejected); return isRejected ? "right" : "wrong"; });
        globalThis.fetch = async (path, { headers }) =>
          new Response("7", { status: headers.Authorization === "Bearer right" ? 200 : 401 });
        return [await Promise.all([callJson("x"), callJson("y"), callJson("z")]), prompts];
        """,
    )
    assert found == [[7, 7, 7], [False, True]]


def test_without_a_key_every_waiting_request_fails_and_the_next_one_asks_again(run):
    found = run_server(
        run,
        """
        stub([401, {}]);
        let prompts = 0;
        setKeyPrompt(() => { prompts += 1; return Promise.reject(new ServiceError("no key")); });
        const fail = (path) => call(path).catch((error) => error.message);
        const both = await Promise.all([fail("x"), fail("y")]);
        return [both, await fail("z"), prompts];
        """,
    )
    assert found == [["no key", "no key"], "no key", 2]


@pytest.mark.parametrize(
    ("answer", "message", "code"),
    [
        ('[422, { error: { code: "invalid", message: "top: too large" } }]', "Top: too large.", "invalid"),
        ("[502, null]", "The server answered with an error, status 502.", None),
    ],
)
def test_an_error_has_a_sentence_and_a_code(run, answer, message, code):
    describe = "(error) => [error.constructor.name, error.message, error.code ?? null]"
    assert run_server(run, f'stub({answer}); return call("x").catch({describe});') == ["ServiceError", message, code]


def test_an_unreachable_service_is_an_error_of_its_own(run):
    body = 'stub([0]); return call("x").catch((error) => [error instanceof UnreachableError, error.message]);'
    assert run_server(run, body) == [True, "The server does not answer. What you typed is kept."]


def test_the_answer_to_an_aborted_request_is_dropped(run):
    found = run_server(
        run,
        """
        const controller = new AbortController();
        globalThis.fetch = async () => { controller.abort(); return new Response("1"); };
        return callJson("x", {}, { signal: controller.signal }).catch((error) => error.name);
        """,
    )
    assert found == "AbortError"


def test_only_errors_of_the_service_are_ignored(run):
    found = run_server(
        run,
        'const ignored = await ignoreServiceErrors(Promise.reject(new ServiceError("a")));'
        'const thrown = await ignoreServiceErrors(Promise.reject(new Error("b"))).catch((error) => error.message);'
        "return [ignored ?? null, thrown];",
    )
    assert found == [None, "b"]


# Waiting


def test_only_the_latest_run_of_a_task_counts(run):
    function = """
    async ({ runLatest }) => {
      const seen = [], resolvers = [];
      const task = runLatest(async (signal, name) => {
        await new Promise((resolve) => resolvers.push(resolve));
        signal.throwIfAborted();
        seen.push(name);
      });
      const runs = [task("first"), task("second")];
      resolvers.reverse().forEach((resolve) => resolve());
      await Promise.all(runs);
      return seen;
    }
    """
    assert run("server", function) == ["second"]


def test_an_error_of_the_latest_run_is_thrown_and_of_an_older_one_dropped(run):
    function = """
    async ({ runLatest }) => {
      const task = runLatest(async (signal, name) => { await null; throw new Error(name); });
      const all = await Promise.allSettled([task("first"), task("second")]);
      return all.map((one) => one.reason?.message ?? null);
    }
    """
    assert run("server", function) == [None, "second"]


def test_sleep_ends_when_it_is_aborted(run):
    function = """
    async ({ sleep }) => {
      const controller = new AbortController();
      const asleep = sleep(1e6, controller.signal).catch((error) => error.name);
      controller.abort();
      return [await asleep, await sleep(1).then(() => "rested")];
    }
    """
    assert run("server", function) == ["AbortError", "rested"]
