"""How fast the first article renders, and whether hostile articles cost only what they weigh.

    python -m benchmarks.render

Of each hostile article the time for four times its length is printed as a multiple of the time
for the length itself: about 4 is linear, about 16 would be quadratic.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from detector.articles.article import parse

ARTICLE = "VNGTenantEventsGatewayFailoverDetectedSecondaryInsight.md"
FACTS = {
    "virtualNetworkName": "vnet_hub_weu",
    "gatewayVip": "203.0.113.10, 203.0.113.11",
    "preciseTimestamp": "2026-11-22T02:14:07.123Z",
}
LENGTH = 200_000

# What is repeated to that length, and what stands before it.
HOSTILE: Mapping[str, tuple[str, str]] = {
    "openers": ("", "<!--$a-->"),
    "openers of many slots": ("", "<!--$a--> <!--$b--> "),
    "slots": ("", "<!--$a-->[a]<!--/$a-->"),
    "slots on one line": ("", "<!--$a-->[a]<!--/$a--> "),
    "unended openers": ("", "<!--$a "),
    "blanks in a comment": ("<!--$a", " "),
    "descriptions": ("", "<!--issueDescription-->"),
    "comments": ("x ", "<!-- "),
    "declarations": ("x ", "<!a "),
    "headers": ("", "<properties "),
    "an open value": ('<properties a="', 'b="c '),
    "values on one line": ('<properties x="', '\nc=1 b="x'),
    "curly quotes": ("<properties a=“", "”"),
    "spaced quotes": ('<properties a="', '" '),
    "attributes": ("<properties ", 'a="b"\n'),
    "rubbish in the header": ("<properties ", "rubbish\n"),
    "backticks": ("", "`"),
    "growing runs of backticks": ("", "`a``a```a````a`````a"),
    "escaped backticks": ("", "\\``"),
    "braces": ("", "{"),
    "brace tokens": ("", "{name} "),
    "brackets": ("", "["),
    "closing brackets": ("[", "]("),
    "links in links": ("", "[a](b"),
    "links with titles": ("", '[a](b "'),
    "definitions": ("", "[a]:\n"),
    "parentheses": ("[a]", "("),
    "tags": ("x ", "<a b='"),
    "tags of both quotes": ("x ", "<a b=\"' c='"),
    "attributes of a tag": ("x <a", " b"),
    "blocks of HTML": ("", "<div>\n"),
    "quotes": ("", ">"),
    "quoted lines": ("", "> > > > a\n"),
    "list items": ("", "- "),
    "blank lines in lists": ("- " * 40 + "a\n", "\n"),
    "fences": ("", "```\n"),
    "growing fences": ("", "```a\n\n````\n"),
    "table rows": ("|a|b|\n|---|---|\n", "|`|`|\n"),
    "delimiter row": ("a\n", "-|"),
    "stars": ("", "* "),
    "underscores": ("# ", "_"),
    "hashes": ("# a", " #"),
    "tabs": ("", "\t"),
    "carriage returns": ("", "\r"),
    "bare addresses": ("", "www."),
}


def seconds(work: Callable[[], object]) -> float:
    """The shortest of three times that `work` takes."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def hostile(head: str, unit: str, length: int) -> str:
    """An article of about `length` characters; openers of slots are given facts."""
    return head + unit * (length // len(unit))


def render_hostile(text: str) -> str:
    """Everything that is done with an article: read it, render it, and show its title."""
    article = parse(text)
    facts = dict.fromkeys(article.slots, "x_`")
    return article.title + article.render(facts) + article.description


def main() -> None:
    """Print the rates."""
    text = Path("articles", ARTICLE).read_text(encoding="utf-8")
    article = parse(text)
    each = seconds(lambda: [article.render(FACTS) for _ in range(1000)]) / 1000
    read = seconds(lambda: [parse(text) for _ in range(100)]) / 100
    print(f"render {1 / each:,.0f} articles/s, parse {1 / read:,.0f} articles/s")
    for name, (head, unit) in HOSTILE.items():
        once = seconds(lambda: render_hostile(hostile(head, unit, LENGTH)))  # noqa: B023
        four = seconds(lambda: render_hostile(hostile(head, unit, 4 * LENGTH)))  # noqa: B023
        print(f"{four / once:6.1f}  {once * 1000:8.1f} ms  {name}")


if __name__ == "__main__":
    main()
