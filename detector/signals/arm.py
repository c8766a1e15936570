"""The bodies that ARM answers with become gateways, connections and health events.

A body may have ARM's own form, with its fields under `properties` (`az rest`, the SDK), or the
flattened form of `az network vnet-gateway show`. Nothing here raises for what a body holds: a
part that is missing or malformed becomes a fact that is unknown, with why.
"""

from __future__ import annotations

import ipaddress
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, NoReturn

from detector.errors import FactUnknown
from detector.model import Connection, Gateway, HealthEvent, TunnelState, TunnelStatus
from detector.signals.fields import Fields, fields_of, objects_in, text_of, written
from detector.signals.resource_health import health_event
from detector.signals.row import UnreadableRow, instant

NOT_SET: Final = "not set on the gateway"
UNREADABLE: Final = "the answer could not be read"
NOT_ALLOCATED: Final = "no public address is allocated yet"

_VNET: Final = re.compile(r".*/virtualnetworks/([^/]+)", re.IGNORECASE)
# Networks whose addresses are no VIP: nobody can reach them over the internet.
_PRIVATE: Final = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::/127",
        "fc00::/7",
        "fe80::/10",
    )
)

_STATUSES: Final = {status.lower(): status for status in TunnelStatus}
_MONTH_FIRST: Final = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4}) +(\d{1,2}:\d\d:\d\d)")
# The instant that .NET writes where there is none.
_NEVER: Final = ("01/01/0001", "1/1/0001", "0001-01-01")

_MOST_EVENTS: Final = 50
# A gateway has three VIPs at most, and a connection two tunnels.
_MOST_PARTS: Final = 20
# The name of a resource has 80 characters at most, and that of a host 253.
_LONGEST_NAME: Final = 100
_LONGEST_HOST: Final = 253
# A body without any of these fields is no gateway's.
_TELLING: Final = frozenset({"gatewaytype", "ipconfigurations", "sku", "vpntype"})


def gateway(gateway_id: str, body: object, addresses: Mapping[str, str | FactUnknown]) -> Gateway:
    """The facts of the gateway with `gateway_id` by its ARM body.

    `addresses` holds, by lower-case id, the address of each public IP that `public_ips_needed`
    named, or why it cannot be had.
    """
    fields = fields_of(body)
    if fields.keys().isdisjoint(_TELLING):
        return missing(gateway_id, UNREADABLE)
    facts: dict[str, Any] = {}
    unknown: dict[str, str] = {}
    for name, read in _READERS.items():
        try:
            facts[name] = read(fields)
        except FactUnknown as error:
            unknown[name] = error.why
    vips, lacking = _vips(fields, addresses)
    if lacking is not None:
        unknown["vips"] = lacking.why
    own = own_id(fields) or ""  # as Azure writes it, where the id asked for is all lower case
    if own.lower() != gateway_id.lower():
        own = gateway_id
    return Gateway(
        id=gateway_id.lower(),
        name=_name(fields, own, "virtualNetworkGateways"),
        resource_group=segment(own, "resourceGroups"),
        subscription_id=segment(own, "subscriptions").lower(),
        vips=vips,
        unknown=unknown,
        gateway_type=text_of(fields.get("gatewaytype")),
        point_to_site=_point_to_site(fields),
        migration=_migration(fields),
        **facts,
    )


def missing(gateway_id: str, why: str) -> Gateway:
    """The gateway of which only the id is known; every other fact is unknown for `why`."""
    return Gateway(
        id=gateway_id.lower(),
        name=segment(gateway_id, "virtualNetworkGateways"),
        resource_group=segment(gateway_id, "resourceGroups"),
        subscription_id=segment(gateway_id, "subscriptions").lower(),
        unknown=dict.fromkeys((*_READERS, "vips"), why),
    )


def public_ips_needed(body: object) -> tuple[str, ...]:
    """The ids, as written, of the public IPs whose addresses the gateway's own body lacks."""
    fields = fields_of(body)
    return tuple(
        public_ip_id for public_ip_id, own in _configurations(fields) if not own and public_ip_id
    )


def public_ips_of(body: object) -> tuple[str, ...]:
    """The ids, as written, of all public IPs that the gateway's body names."""
    return tuple(known for known, _ in _configurations(fields_of(body)) if known)


def first_id(listing: object) -> str | None:
    """The id of the first resource in an answer that lists some; None where there is none."""
    return next((own_id(each) for each in objects_in(fields_of(listing).get("value"))), None)


def address(body: object) -> str | FactUnknown:
    """The address of a public IP by its ARM body; FactUnknown while it has none."""
    fields = fields_of(body)
    if not fields:
        return FactUnknown(UNREADABLE)
    value = fields.get("ipaddress")
    if not value:
        return FactUnknown(NOT_ALLOCATED)
    return value if isinstance(value, str) and is_public(value) else FactUnknown(UNREADABLE)


def peer_needed(body: object) -> str | None:
    """The id, as written, of the local network gateway that a connection leads to."""
    return own_id(fields_of(body).get("localnetworkgateway2"))


def connection(body: object, peers: Mapping[str, object]) -> Connection:
    """A connection by its ARM body; no key of its is kept.

    `peers` holds, by lower-case id, the bodies of local network gateways. The remote IP is the
    peer's address, or its name where it is known by a name; None where neither is known.
    """
    fields = fields_of(body)
    own = own_id(body) or ""
    peer_id = peer_needed(body)
    peer = fields_of(peers.get((peer_id or "").lower(), fields.get("localnetworkgateway2")))
    remote_ip = text_of(peer.get("gatewayipaddress")) or text_of(peer.get("fqdn"))
    tunnels = objects_in(fields.get("tunnelconnectionstatus"))
    return Connection(
        id=own.lower(),
        name=_name(fields, own, "connections"),
        remote_ip=remote_ip and remote_ip[:_LONGEST_HOST],
        status=text_of(fields.get("connectionstatus")),
        tunnels=tuple(map(_tunnel, itertools.islice(tunnels, _MOST_PARTS))),
    )


def health_events(entries: Iterable[object]) -> list[HealthEvent]:
    """The newest 50 of what these availability statuses tell of, the newest first.

    One without a time tells of nothing. Azure spells it `occuredTime`, sometimes `occurredTime`.
    """
    found = []
    for fields in map(fields_of, entries):
        at = _time(fields.get("occuredtime")) or _time(fields.get("occurredtime"))
        if at is not None:
            resolved_at = _time(fields.get("resolvedtime"))
            found.append(health_event(fields, at=at, resolved_at=resolved_at))
    return sorted(found, key=lambda event: event.at, reverse=True)[:_MOST_EVENTS]


def gateways_of(body: object) -> frozenset[str]:
    """The ids, lower case, of the gateways that a connection belongs to."""
    fields = fields_of(body)
    ends = (fields.get("virtualnetworkgateway1"), fields.get("virtualnetworkgateway2"))
    return frozenset(end.lower() for end in map(own_id, ends) if end)


def own_id(body: object) -> str | None:
    """The id of a body or of a reference, as written; None where it has none."""
    return text_of(fields_of(body).get("id"))


def segment(resource_id: str, collection: str) -> str:
    """What follows `collection`, in any case, in a resource id; empty where nothing does."""
    pairs = itertools.pairwise(resource_id.split("/"))
    return next((value for name, value in pairs if name.lower() == collection.lower()), "")


def _name(fields: Fields, own: str, collection: str) -> str:
    return (text_of(fields.get("name")) or segment(own, collection))[:_LONGEST_NAME]


def _unknown(value: object) -> NoReturn:
    raise FactUnknown(NOT_SET if value in (None, "") else UNREADABLE)


def _text(name: str) -> Callable[[Fields], str]:
    """Reads the field `name` as text; raises FactUnknown."""

    def read(fields: Fields) -> str:
        value = fields.get(name)
        return text_of(value) or _unknown(value)

    return read


def _sku(fields: Fields) -> str:
    sku = fields.get("sku")
    return text_of(sku) or (_text("name")(fields_of(sku)) if fields_of(sku) else _unknown(sku))


def _generation(fields: Fields) -> str:
    value = _text("vpngatewaygeneration")(fields)
    if value.lower() == "none":  # what Azure writes for SKUs that have no generation
        raise FactUnknown(NOT_SET)
    return value


def _active_active(fields: Fields) -> bool:
    value = fields.get("activeactive")
    known = {"true": True, "false": False}.get(written(value).lower())
    return _unknown(value) if known is None else known


def _virtual_network(fields: Fields) -> re.Match[str]:
    """The match of the virtual network's id in the first subnet's; its group is the name."""
    configurations = list(objects_in(fields.get("ipconfigurations")))
    if not configurations:
        _unknown(fields.get("ipconfigurations") or None)
    subnets = (own_id(configuration.get("subnet")) for configuration in configurations)
    subnet = next(filter(None, subnets), None)
    return _VNET.match(subnet or "") or _unknown(subnet)


_READERS: Final[Mapping[str, Callable[[Fields], object]]] = {
    "location": _text("location"),
    "sku": _sku,
    "generation": _generation,
    "vpn_type": _text("vpntype"),
    "active_active": _active_active,
    "virtual_network_id": lambda fields: _virtual_network(fields).group().lower(),
    "virtual_network_name": lambda fields: _virtual_network(fields).group(1),
}
"""How each fact is read, by its name in Gateway. Raises FactUnknown."""


def _point_to_site(fields: Fields) -> bool | None:
    """Whether clients get addresses of the gateway; None where that cannot be read."""
    clients = fields.get("vpnclientconfiguration")
    if not clients:
        return False
    pool = fields_of(clients).get("vpnclientaddresspool")
    return bool(fields_of(pool).get("addressprefixes")) if isinstance(clients, Mapping) else None


def _migration(fields: Fields) -> str | None:
    status = fields_of(fields.get("virtualnetworkgatewaymigrationstatus"))
    phase, state = (text_of(status.get(name)) or "None" for name in ("phase", "state"))
    return None if phase == state == "None" else f"{phase}/{state}"


def _tunnel(fields: Fields) -> TunnelState:
    """One entry of a connection's `tunnelConnectionStatus`.

    A tunnel is named `<connection>_<VIP>`, as in
    https://learn.microsoft.com/rest/api/network-gateway/virtual-network-gateway-connections/get.
    """
    vip = (text_of(fields.get("tunnel")) or "").rpartition("_")[2]
    status = written(fields.get("connectionstatus")).lower()
    last = fields.get("lastconnectionestablishedutctime")
    never = last in (None, "") or written(last).startswith(_NEVER)
    since = None if never else _time(last)
    return TunnelState(
        vip=vip if _address(vip) else None,
        status=_STATUSES.get(status, TunnelStatus.UNKNOWN),
        connected_since=since,
        since_unreadable=since is None and not never,
    )


def _time(value: object) -> datetime | None:
    """The instant that ISO 8601, or UTC with the month first (`11/04/2017 17:03:30`), means."""
    if isinstance(value, str) and (found := _MONTH_FIRST.fullmatch(value.strip())):
        month, day, year, time = found.groups()
        value = f"{year}-{month:0>2}-{day:0>2}T{time:0>8}"
    try:
        return instant(value)
    except UnreadableRow:
        return None


def _vips(
    fields: Fields, addresses: Mapping[str, str | FactUnknown]
) -> tuple[tuple[str, ...], FactUnknown | None]:
    """The VIPs in the order of the ipConfigurations, and why one of them is lacking."""
    configurations = list(_configurations(fields))
    if not configurations:
        return (), FactUnknown(UNREADABLE if fields.get("ipconfigurations") else NOT_SET)
    vips: dict[str, None] = {}
    lacking: FactUnknown | None = None
    for public_ip_id, own in configurations:
        vips.update(dict.fromkeys(own))
        if not own:
            found = addresses.get(public_ip_id.lower(), FactUnknown(NOT_SET))
            if isinstance(found, FactUnknown):
                lacking = lacking or found
            else:
                vips[found] = None
    return tuple(vips)[:_MOST_PARTS], lacking


def _configurations(fields: Fields) -> Iterator[tuple[str, tuple[str, ...]]]:
    """For each ipConfiguration its public IP's id, as written, or "", and the VIPs of its own.

    These are its tunnels' addresses or else those in any of its fields: gateways of SKU Basic have
    no reference to a public IP any more, and the field that has the address instead is unnamed.
    """
    tunnels = _tunnel_addresses(fields)
    for configuration in itertools.islice(objects_in(fields.get("ipconfigurations")), _MOST_PARTS):
        public_ip_id = own_id(configuration.get("publicipaddress")) or ""
        configuration_id = (own_id(configuration) or "").lower()
        own = tunnels.get(configuration_id) or tuple(addresses_in(configuration))
        yield public_ip_id, own


def addresses_in(value: object) -> Iterator[str]:
    """Every public IPv4 address that stands as a text of its own anywhere in `value`, in order."""
    waiting = [value]  # and no recursion: nobody knows how deep it is
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, str):
            if ":" not in inner and is_public(inner):
                yield inner
        elif isinstance(inner, Mapping):
            waiting += reversed(list(inner.values()))
        elif isinstance(inner, list | tuple):
            waiting += reversed(inner)


def _tunnel_addresses(fields: Fields) -> dict[str, tuple[str, ...]]:
    """The public tunnel addresses by the lower-case id of their ipConfiguration."""
    peerings = objects_in(fields_of(fields.get("bgpsettings")).get("bgppeeringaddresses"))
    tunnels: dict[str, tuple[str, ...]] = {}
    for peering in peerings:
        listed = peering.get("tunnelipaddresses")
        tunnels[written(peering.get("ipconfigurationid")).lower()] = tuple(
            tunnel
            for tunnel in (listed if isinstance(listed, list | tuple) else ())
            if isinstance(tunnel, str) and is_public(tunnel)
        )
    return tunnels


def is_public(text: str) -> bool:
    """Whether a text is an address that can be reached over the internet."""
    parsed = _address(text)
    return parsed is not None and not any(parsed in network for network in _PRIVATE)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    if "%" in text:  # a zone, which may be any text and means something on one machine only
        return None
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
