"""A long list is predicted in batches, within what the service accepts."""

from collections.abc import Callable
from typing import Any

PREDICT_ALL = """
async ({ predictAll, limits }, { names, most, longest, settings }) => {
  Object.assign(limits, settings);
  const sizes = [], progress = [];
  const predict = async (some) => {
    sizes.push(some.length);
    const fail = (code) => { throw Object.assign(new Error("too large"), { code }); };
    if (some.length > most) fail("too_many_names");
    if (some.some((name) => name.length > longest)) fail("name_too_long");
    return some.map((label) => ({ label }));
  };
  const predictions = await predictAll(names, predict, (done) => progress.push(done));
  return { labels: predictions.map(({ label, reason }) => label ?? reason), sizes, progress, names: limits.names };
}
"""


def predict_all(
    run: Callable[..., Any], names: list[str], /, *, most: int = 99, longest: int = 99, **settings: int
) -> dict[str, Any]:
    argument = {"names": names, "most": most, "longest": longest, "settings": settings}
    return run("batches", PREDICT_ALL, argument)


def test_a_short_list_is_one_request_without_progress(run):
    found = predict_all(run, ["a", "b"])
    assert (found["labels"], found["sizes"], found["progress"]) == (["a", "b"], [2], [])


def test_a_long_list_is_split_by_names_and_by_characters(run):
    names = [str(k) for k in range(7)]
    found = predict_all(run, names, names=3)
    assert (found["labels"], found["sizes"], found["progress"]) == (names, [3, 3, 1], [0, 3, 6])
    long = ["a" * 6, "b" * 6, "c" * 3, "d" * 20]
    assert predict_all(run, long, characters=10)["sizes"] == [1, 2, 1]


def test_a_list_is_halved_until_the_service_accepts_it(run):
    names = [str(k) for k in range(20)]
    found = predict_all(run, names, most=3, names=10)
    assert found["labels"] == names
    assert found["names"] <= 3
    assert found["sizes"][-1] <= 3


def test_a_name_that_the_service_rejects_fails_alone(run):
    found = predict_all(run, ["a", "b" * 100, "c"])
    assert found["labels"] == ["a", "too large", "c"]
    assert found["names"] == 500


def test_other_errors_end_the_list(run):
    function = """
    async ({ predictAll }) => {
      const predict = async () => { throw new Error("gone"); };
      return predictAll(["a", "b"], predict, () => {}).catch((error) => error.message);
    }
    """
    assert run("batches", function) == "gone"
