"""The rules of masking: what identifies somebody in a recording, and what takes its place.

A mask is drawn at random and never computed from what it hides. Only two things are kept: what is
the same stays the same, and what is of one rule keeps its order, since insights list by it.
"""

from __future__ import annotations

import ipaddress
import re
import string
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from random import Random
from typing import Final

_LETTERS: Final = string.ascii_lowercase + string.digits
# Where a rule's own masks hold some short identity by chance, a mask is letters and digits alone.
_ATTEMPTS: Final = 200
_MOST_ADDRESSES: Final = 1 << 17
# RFC 5737 for documentation, then RFC 2544 for benchmarks: nobody has these addresses.
_DOCUMENTATION: Final = tuple(
    ipaddress.IPv4Network(network)
    for network in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
)
_BENCHMARKS: Final = ipaddress.IPv4Network("198.18.0.0/15")
SHORTEST: Final = 3
"""A shorter name is masked where it stands alone, and not inside other words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One kind of identity, and how its masks are drawn.

    It is what stands behind one of the words `behind` in an ARM id, the whole text of one of
    `fields` (lower case), or whatever `pattern` finds in any text, in any case.
    """

    name: str
    draws: Callable[[Random], Iterator[str]]
    behind: frozenset[str] = frozenset()
    fields: frozenset[str] = frozenset()
    pattern: str = ""


def _guids(random: Random) -> Iterator[str]:
    while True:
        yield str(uuid.UUID(int=random.getrandbits(128), version=4))


def _named(prefix: str, ending: str = "") -> Callable[[Random], Iterator[str]]:
    def draws(random: Random) -> Iterator[str]:
        while True:
            yield prefix + "".join(random.choices(_LETTERS, k=8)) + ending

    return draws


def _ipv4_addresses(random: Random) -> Iterator[str]:
    documentation = [str(address) for network in _DOCUMENTATION for address in network.hosts()]
    yield from random.sample(documentation, len(documentation))
    yield from (str(_BENCHMARKS[n]) for n in random.sample(range(_MOST_ADDRESSES), _MOST_ADDRESSES))


def _ipv6_addresses(random: Random) -> Iterator[str]:
    first = int(ipaddress.IPv6Address("2001:db8::"))  # RFC 3849
    while True:
        yield str(ipaddress.IPv6Address(first + random.getrandbits(64)))


GUID: Final = Rule(
    name="guid",  # of a tenant, an application, an operation
    draws=_guids,
    pattern=r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])",
)
IPV4: Final = Rule(name="ipv4-address", draws=_ipv4_addresses, pattern=r"(?:\d{1,3}\.){3}\d{1,3}")
IPV6: Final = Rule(
    name="ipv6-address",  # or one of hardware; times look alike, and are told apart
    draws=_ipv6_addresses,
    pattern=r"(?:[0-9a-f]{0,4}:){2,8}[0-9a-f]{0,4}(?:\.\d{1,3}){0,3}",
)
EMAIL: Final = Rule(
    name="e-mail-address",
    draws=_named("person-", "@example.net"),
    pattern=r"(?<![^\s@<>\"'(),;:/\\\[\]{}|=&])[^\s@<>\"'(),;:/\\\[\]{}|=&]+@[\w-]+(?:\.[\w-]+)*",
)
NAME: Final = Rule(name="other-name", draws=_named("name-"), fields=frozenset({"name"}))

RULES: Final = (
    Rule(name="subscription", draws=_guids, behind=frozenset({"subscriptions"})),
    Rule(name="resource-group", draws=_named("rg-"), behind=frozenset({"resourcegroups"})),
    Rule(name="gateway", draws=_named("vpn-"), behind=frozenset({"virtualnetworkgateways"})),
    Rule(name="connection", draws=_named("conn-"), behind=frozenset({"connections"})),
    Rule(name="peer", draws=_named("lng-"), behind=frozenset({"localnetworkgateways"})),
    Rule(name="public-ip", draws=_named("pip-"), behind=frozenset({"publicipaddresses"})),
    Rule(name="virtual-network", draws=_named("vnet-"), behind=frozenset({"virtualnetworks"})),
    NAME,
    Rule(name="caller", draws=_named("caller-"), fields=frozenset({"caller"})),
    Rule(name="correlation-id", draws=_guids, fields=frozenset({"correlationid"})),
    Rule(name="instance", draws=_named("instance-"), fields=frozenset({"instance"})),
    EMAIL,
    GUID,
    Rule(
        name="host-name",
        draws=_named("host-", ".example.net"),
        fields=frozenset({"fqdn", "remoteip", "gatewayipaddress"}),
        pattern=r"(?<![\w-])(?:[\w-]{1,63}\.){1,16}[^\W\d_]{2,63}(?![\w-])",
    ),
    IPV6,
    IPV4,
)
"""Every rule. An identity is of the first that fits it; one that looks like a GUID or an address of
any kind stays one."""


def rule_of(text: str, other: Rule) -> Rule:
    """The rule of a whole text: what looks like a GUID or an address stays one; else `other`."""
    if re.fullmatch(GUID.pattern, text, re.IGNORECASE):
        return other if other.draws is _guids else GUID
    for shape in (IPV4, EMAIL):
        if re.fullmatch(shape.pattern, text):
            return shape
    return IPV6 if is_ipv6(text) else other


def is_ipv6(text: str) -> bool:
    """Whether a text is an IPv6 address, in whatever spelling."""
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def key_of(text: str) -> str:
    """What is the same for all spellings of one identity."""
    lowered = text.lower()
    if re.fullmatch(GUID.pattern, lowered):
        return str(uuid.UUID(lowered))
    return str(ipaddress.IPv6Address(lowered)) if is_ipv6(lowered) else lowered


class Masks:
    """The masks of one recording: each identity has one, and no two have the same.

    No mask contains an identity of three characters or more. Those that are `known` from the
    start keep their order within their rule.
    """

    def __init__(self, known: Mapping[str, Rule], random: Random) -> None:
        self._random = random
        self._known = {key for key in known if len(key) >= SHORTEST}
        self._lengths = sorted({len(key) for key in self._known})
        self._taken: set[str] = set()
        self._draws: dict[str, Iterator[str]] = {}
        self._table: dict[str, dict[str, str]] = defaultdict(dict)
        for rule in RULES:
            keys = sorted(key for key, its in known.items() if its is rule)
            drawn = sorted(self._drawn(rule) for _ in keys)
            self._table[rule.name] = dict(zip(keys, drawn, strict=True))
        self._masks = {key: mask for masks in self._table.values() for key, mask in masks.items()}

    @property
    def table(self) -> dict[str, dict[str, str]]:
        """What became what, by the name of the rule; an identity is in lower case."""
        return {name: masks for name, masks in self._table.items() if masks}

    def of(self, text: str, rule: Rule) -> str:
        """The mask of an identity; one that was not known is of this rule."""
        key = key_of(text)
        if key not in self._masks:
            self._masks[key] = self._table[rule.name][key] = self._drawn(rule)
        mask = self._masks[key]
        is_bare = len(text) == 32 and rule_of(text, NAME) is GUID
        return mask.replace("-", "") if is_bare else mask

    def _drawn(self, rule: Rule) -> str:
        own = self._draws.setdefault(rule.name, rule.draws(self._random))
        draws = chain(islice(own, _ATTEMPTS), _named("")(self._random))
        mask = next(mask for mask in draws if mask not in self._taken and not self._tells(mask))
        self._taken.add(mask)
        return mask

    def _tells(self, mask: str) -> bool:
        """Whether an identity stands in a mask by chance."""
        bare = mask.replace("-", "")
        return any(
            each[start : start + length] in self._known
            for each in (mask, bare)
            for length in self._lengths
            for start in range(len(each) - length + 1)
        )
