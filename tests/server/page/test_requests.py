"""Older requests are dropped, and waiting can be aborted."""


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
    assert run("requests", function) == ["second"]


def test_an_error_of_the_latest_run_is_thrown_and_of_an_older_one_dropped(run):
    function = """
    async ({ runLatest }) => {
      const task = runLatest(async (signal, name) => { await null; throw new Error(name); });
      const all = await Promise.allSettled([task("first"), task("second")]);
      return all.map((one) => one.reason?.message ?? null);
    }
    """
    assert run("requests", function) == [None, "second"]


def test_sleep_ends_when_it_is_aborted(run):
    function = """
    async ({ sleep }) => {
      const controller = new AbortController();
      const asleep = sleep(1e6, controller.signal).catch((error) => error.name);
      controller.abort();
      return [await asleep, await sleep(1).then(() => "rested")];
    }
    """
    assert run("requests", function) == ["AbortError", "rested"]
