"""What is to be recorded, without what identifies anybody: rows and bodies, masked as one whole.

First every text is searched for identities, then each is replaced wherever it stands: inside other
texts too, in any case, and percent-encoded or escaped up to eight times over. Fields that the
detector does not read are left out, since nobody can say what they hold.
"""

from __future__ import annotations

import html
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from detector.local.masks import (
    GUID,
    IPV4,
    IPV6,
    NAME,
    RULES,
    SHORTEST,
    Masks,
    Rule,
    is_ipv6,
    key_of,
    rule_of,
)
from detector.signals import arm

if TYPE_CHECKING:
    from random import Random

NOT_NEEDED: Final[Mapping[str, frozenset[str]]] = {
    "keys": frozenset({"sharedkey", "authorizationkey", "radiusserversecret"}),
    "authorizations": frozenset({"authorizations", "radiusservers"}),
    "certificates": frozenset({"vpnclientrootcertificates", "vpnclientrevokedcertificates"}),
    "tags": frozenset({"tags"}),
    "etags": frozenset({"etag"}),
}
"""What no recording keeps, masked or not, by the names of fields in lower case."""

_ROWS: Final = frozenset(
    {
        *("timegenerated", "resourceid", "source", "operation", "status", "instance", "remoteip"),
        *("reason", "message", "caller", "correlationid", "additional", "properties"),
        *("statechangereason", "operationstatus", "_timereceived", "resource", "from", "to"),
    }
)
_BODIES: Final = frozenset(
    {
        *("id", "name", "type", "location", "properties", "value", "_asof", "sku", "tier"),
        *("gatewaytype", "vpntype", "vpngatewaygeneration", "activeactive", "enablebgp"),
        *("enableprivateipaddress", "provisioningstate", "ipconfigurations", "publicipaddress"),
        *("subnet", "bgpsettings", "bgppeeringaddresses", "ipconfigurationid"),
        *("tunnelipaddresses", "vpnclientconfiguration", "vpnclientaddresspool"),
        *("addressprefixes", "virtualnetworkgatewaymigrationstatus", "state", "phase"),
        *("connectiontype", "connectionstatus", "virtualnetworkgateway1"),
        *("virtualnetworkgateway2", "localnetworkgateway2", "tunnelconnectionstatus", "tunnel"),
        *("lastconnectionestablishedutctime", "gatewayipaddress", "fqdn", "ipaddress"),
    }
)
_HEALTH: Final = frozenset(
    {
        *("availabilitystate", "currenthealthstatus", "healthstatus", "title", "summary"),
        *("details", "reasontype", "context", "healtheventcause", "cause", "category"),
        *("healtheventcategory", "eventproperties", "occuredtime", "occurredtime"),
        *("resolvedtime", "reportedtime"),
    }
)
_METRICS: Final = frozenset(
    {"interval", "timespan", "unit", "timeseries", "metadatavalues", "data", "timestamp", "average"}
)
NEEDED: Final = _ROWS | _BODIES | _HEALTH | _METRICS
"""What a masked recording keeps, by the names of fields in lower case."""

_LEFT_OUT: Final = frozenset().union(*NOT_NEEDED.values())

LEFT: Final = frozenset(
    {
        *("upgrade", "started"),  # by which a message tells of maintenance
        *("microsoft.network", "microsoft.resourcehealth", "microsoft.insights"),
        *("learn.microsoft.com", "docs.microsoft.com", "aka.ms", "portal.azure.com"),
    }
)
"""Words of Azure that look like identities, or may be a part of one, and stay in every text."""

_AZURES_NAMES: Final = frozenset({"gatewaysubnet", "current", "averagebandwidth", "default"})
# Whole values that Azure writes by itself: the rules of diagnosis decide by them.
_AZURES_VALUES: Final = re.compile(
    r"(?:gateway|tunnel|route|ike|p2s)diagnosticlog|azureactivity(?:/resourcehealth)?"
    r"|tunnel(?:dis)?connected|gatewaytenantprimarychanged|hostmaintenanceevent"
    r"|(?:set|validate)(?:gateway|connection)configuration|migratecustomersubscription"
    r"|gatewayresourcemove|microsoft\.\w+(?:/[a-z]+)*"
    r"|(?:dis|not)?connected|connecting|unknown|start(?:ed)?|accept(?:ed)?|succe(?:ss|eded)"
    r"|fail(?:ure|ed)|(?:un)?available|degraded|(?:un)?planned"
    r"|(?:platform|customer|user) ?initiated|vpn|expressroute|localgateway|(?:route|policy)based"
    r"|generation\d|none|null|true|false|basic|standard|highperformance|(?:vpn|er)gw\d+(?:az)?"
    r"|gatewaytenantworker_in_\d+|averagebandwidth|instance|ipsec|vnet2vnet"
    r"|\d+(?:\.\d+)?|\d{1,2}/\d{1,2}/\d{4} [\d:.]+|p(?:\d+[dhms]|t)+"
    r"|(?:/?\d+-\d+-\d+t[\d:.]+(?:z|[+-][\d:]+)?){1,2}",
    re.IGNORECASE,
)
_DEEPEST: Final = 30
_MOST_ROUNDS: Final = 8
_UNSEARCHABLE: Final = "masked"
_WHOLE: Final = {field: rule for rule in RULES for field in rule.fields}
_BEHIND: Final = {word: rule for rule in RULES for word in rule.behind}
_KINDS: Final = {
    *_BEHIND,
    *("providers", "subnets", "ipconfigurations", "availabilitystatuses", "metrics", "sharedkey"),
}
_ID: Final = re.compile(r"/subscriptions/\S+", re.IGNORECASE)
# A part of an id stands behind the word for its kind, in whatever text; that of an operation, as in
# Microsoft.Network/connections/write, does not.
_PART: Final = re.compile(
    r"(?:(?<!microsoft\.network/)|(?<=providers/microsoft\.network/))"
    rf"\b({'|'.join(_BEHIND)})/((?:[\w.-]|\([\w.-]*\))+)",
    re.IGNORECASE,
)
_GROUPS: Final = {rule.name.replace("-", "_"): rule for rule in RULES if rule.pattern}
_IN_TEXT: Final = "|".join(f"(?P<{name}>{rule.pattern})" for name, rule in _GROUPS.items())
_SHORTEST_HARDWARE: Final = len("0:0:0:0:0:0")
_TIME: Final = re.compile(r"\d{1,2}(?::\d\d){1,2}(?:\.\d+)?")
_JSON: Final = frozenset({"additional", "properties"})
_ENCODED: Final = re.compile(
    r"%[0-7][0-9a-f]|%[cd][0-9a-f]%[89ab][0-9a-f]|%e[0-9a-f](?:%[89ab][0-9a-f]){2}"
    r"|\\u[0-9a-f]{4}|\\[\"\\/]|&(?:#\d{1,7}|#x[0-9a-f]{1,6}|amp|quot|apos|lt|gt);",
    re.IGNORECASE,
)

Parts = dict[str, list[object]]
"""What stands in each file of a recording, by its path: rows, bodies, or answers."""

Rewrite = Callable[[str, str], str]
"""What becomes of the text of a field, which is given by its name in lower case."""


def needed(value: object) -> object:
    """A JSON value without what no recording keeps."""
    match value:
        case Mapping():
            return {
                name: needed(inner)
                for name, inner in value.items()
                if str(name).lower() not in _LEFT_OUT
            }
        case list():
            return [needed(each) for each in value]
        case _:
            return value


def masked(parts: Parts, random: Random) -> tuple[Parts, dict[str, dict[str, str]]]:
    """The files with masks for identities, and what became what, by the name of the rule.

    Equal identities anywhere in them have one mask. Identities in the table are in lower case.
    """
    known: dict[str, Rule] = {}
    _rewrite_all(parts, lambda field, text: _learn(known, field, text))
    masks = Masks(known, random)
    pattern = re.compile("|".join((_IN_TEXT, *_names(known))), re.IGNORECASE)
    hidden = _rewrite_all(parts, lambda field, text: _replaced(masks, pattern, field, text))
    return hidden, masks.table


def _rewrite_all(parts: Parts, rewrite: Rewrite) -> Parts:
    once = cache(rewrite)  # most texts come often
    return {path: [_rewritten(each, "", once) for each in values] for path, values in parts.items()}


def _rewritten(value: object, field: str, rewrite: Rewrite, depth: int = 0) -> object:
    """A JSON value with each text rewritten, and without the fields that are not needed."""
    match value:
        case _ if depth > _DEEPEST:
            return None
        case str() if field in _JSON and isinstance(inner := _json(value), Mapping):
            return json.dumps(_rewritten(inner, field, rewrite, depth + 1), ensure_ascii=False)
        case str():
            return rewrite(field, value)
        case Mapping():
            return _fields(value, rewrite, depth)
        case list():
            return [_rewritten(each, field, rewrite, depth + 1) for each in value]
        case _:
            return value


def _fields(value: Mapping[str, object], rewrite: Rewrite, depth: int) -> dict[str, object]:
    """An object's fields, rewritten; of the others only public addresses stay, under one name.

    Azure has not said in which field a gateway of SKU Basic has its own. Private ones are left
    out, since their masks would look public.
    """
    is_resource = any(name.lower() == "id" for name in value)
    kept: dict[str, object] = {}
    others: list[str] = []
    for name, inner in value.items():
        field = name.lower()
        if field not in NEEDED:
            others += () if field in _LEFT_OUT else arm.addresses_in(inner)
        elif field == "tunnelipaddresses" and isinstance(inner, list):
            public = (each for each in inner if isinstance(each, str) and arm.is_public(each))
            kept[name] = [rewrite(field, each) for each in public]
        else:
            own = "" if field == "name" and not is_resource else field  # a SKU's is no identity
            kept[name] = _rewritten(inner, own, rewrite, depth + 1)
    return kept | ({"addresses": [rewrite("", each) for each in others]} if others else {})


def _json(text: str) -> object:
    try:
        read: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return read


def _learn(known: dict[str, Rule], field: str, text: str) -> str:
    """Take down every identity in a text, each under the first rule that it fits."""
    found: list[tuple[str, Rule]] = []
    whole = _whole(field, text)
    if whole is not None:
        found.append((text.strip(), whole))
    elif _AZURES_VALUES.fullmatch(text):
        return text
    plain, _ = _decoded(text)
    found += [(name.rstrip("."), _BEHIND[kind.lower()]) for kind, name in _PART.findall(plain)]
    found += [
        (name, _BEHIND.get(kind.lower(), NAME)) for kind, name in _pairs(plain) if name and kind
    ]
    found += [(plain[start:end], rule) for start, end, rule in _hits(_LEARNING, plain)]
    for identity, rule in found:
        key = key_of(identity)
        if key and key not in _AZURES_NAMES:
            candidates = (rule_of(identity, rule), known.get(key, RULES[-1]))
            known[key] = min(candidates, key=RULES.index)
    return text


_LEARNING: Final = re.compile(_IN_TEXT, re.IGNORECASE)


def _whole(field: str, text: str) -> Rule | None:
    """The rule of a text that is an identity as a whole; None where it is not."""
    rule = _WHOLE.get(field)
    stripped = text.strip().lower()
    if rule is None or not stripped or stripped in _AZURES_NAMES:
        return None
    is_azures = field == "instance" and _AZURES_VALUES.fullmatch(stripped)
    return None if is_azures else rule


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """The kinds and names of a whole ARM id, in order; nothing for what is none.

    The namespace of a provider is no name.
    """
    if _ID.fullmatch(text.strip()):
        parts = text.strip().strip("/").split("/")
        names = (*parts[1::2], "") if len(parts) % 2 else parts[1::2]
        for kind, name in zip(parts[::2], names, strict=True):
            yield (kind, name) if kind.lower() != "providers" else ("", f"{kind}/{name}")


def _replaced(masks: Masks, pattern: re.Pattern[str], field: str, text: str) -> str:
    """A text with a mask for each identity."""
    whole = _whole(field, text)
    if whole is not None:
        return masks.of(text.strip(), whole)
    if _AZURES_VALUES.fullmatch(text):
        return text
    plain, _ = _decoded(text)
    pairs = list(_pairs(plain))
    if not pairs:
        return _in_text(masks, pattern, text)
    return "".join(f"/{_part(masks, pattern, kind, name)}" for kind, name in pairs)


def _part(masks: Masks, pattern: re.Pattern[str], kind: str, name: str) -> str:
    """A kind and a name of an ARM id, as they stand in it."""
    if not kind:
        word, _, provider = name.partition("/")
        known = _AZURES_VALUES.fullmatch(provider)
        return name if known else f"{word}/{masks.of(provider, NAME)}"
    own = kind if kind.lower() in _KINDS else _in_text(masks, pattern, kind)
    if not name:
        return own
    is_azures = name.lower() in _AZURES_NAMES
    return f"{own}/{name if is_azures else masks.of(name, _BEHIND.get(kind.lower(), NAME))}"


def _in_text(masks: Masks, pattern: re.Pattern[str], text: str) -> str:
    """A text with masks inside; what is encoded too often to be searched is replaced whole."""
    plain, starts = _decoded(text)
    if _ENCODED.search(plain):
        return _UNSEARCHABLE
    pieces, done = [], 0
    for start, end, rule in _hits(pattern, plain):
        pieces += [text[done : starts[start]], masks.of(plain[start:end], rule)]
        done = starts[end]
    return "".join((*pieces, text[done:]))


def _hits(pattern: re.Pattern[str], plain: str) -> Iterator[tuple[int, int, Rule]]:
    """Where identities stand in a text, and of which rule they are if they are not known."""
    done = 0
    while found := pattern.search(plain, done):
        rule = _GROUPS.get(found.lastgroup or "", NAME)
        start, end = found.span()
        if rule is IPV6:
            start, end = _address(plain, start, end)
        if start == end:  # no address, and there may be a name in it
            done = found.start() + 1
            continue
        done = end
        if plain[start:end].lower() not in LEFT:
            yield start, end, rule


def _address(plain: str, start: int, end: int) -> tuple[int, int]:
    """Where the address is in a run of hexadecimal digits and colons; nowhere in one of a time."""
    for begin, stop in ((start + left, end - right) for left in (0, 1) for right in (0, 1)):
        if is_ipv6(plain[begin:stop]):
            return (begin, stop) if plain[begin:stop] not in ("::", "::1") else (start, start)
    text = plain[start:end].strip(":")
    if _TIME.fullmatch(text) or len(text) < _SHORTEST_HARDWARE:
        return start, start
    begin = plain.index(text, start)
    return begin, begin + len(text)


def _names(known: Mapping[str, Rule]) -> Iterator[str]:
    """Patterns of the identities that no pattern of a rule would find; longer ones come first."""
    names = {key for key, rule in known.items() if rule not in (GUID, IPV4, IPV6)}
    names = {key for key in names if not _AZURES_VALUES.fullmatch(key)} - LEFT
    short = sorted(key for key in names if len(key) < SHORTEST)
    yield _any_of({key for key in names if len(key) >= SHORTEST} | LEFT)
    if short:
        yield rf"(?<![^\W_])(?:{'|'.join(map(re.escape, short))})(?![^\W_])"


def _any_of(texts: Iterable[str]) -> str:
    """A pattern of any of these texts, which prefers the longest."""
    tails: dict[str, set[str]] = defaultdict(set)
    for text in texts:
        tails[text[:1]].add(text[1:])
    may_end = bool(tails.pop("", None))
    branches = [re.escape(first) + _any_of(tails[first]) for first in sorted(tails)]
    if len(branches) == 1 and not may_end:
        return branches[0]
    return f"(?:{'|'.join(branches)}){'?' if may_end else ''}" if branches else ""


def _decoded(text: str) -> tuple[str, list[int]]:
    """A text without its encodings, and where each of its characters, and its end, stood in it."""
    starts = list(range(len(text) + 1))
    for _ in range(_MOST_ROUNDS):
        pieces: list[str] = []
        moved: list[int] = []
        done = 0
        for found in _ENCODED.finditer(text):
            plain = _plain(found[0])
            pieces += [text[done : found.start()], plain]
            moved += [*starts[done : found.start()], *([starts[found.start()]] * len(plain))]
            done = found.end()
        if not pieces:
            break
        text, starts = "".join((*pieces, text[done:])), moved + starts[done:]
    return text, starts


def _plain(encoded: str) -> str:
    """The character that an encoding means; for what is none, itself."""
    if encoded.startswith("%"):
        return unquote(encoded)
    if encoded[1:2].lower() == "u":
        return chr(int(encoded[-4:], 16))
    return encoded[1:] if encoded.startswith("\\") else html.unescape(encoded)
