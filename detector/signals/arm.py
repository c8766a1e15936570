"""The bodies that ARM answers with become gateways and connections.

A body may have ARM's own form, with its fields under `properties` (`az rest`, the SDK), or the
flattened form of `az network vnet-gateway show`. Nothing here raises for what a body holds: a
part that is missing or malformed becomes a fact that is unknown, with why.
"""

from __future__ import annotations

import ipaddress
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NoReturn

from detector.errors import FactUnknown
from detector.model import Connection, Gateway
from detector.text import encodable

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

# A body without any of these fields is no gateway's.
_TELLING: Final = frozenset({"gatewaytype", "ipconfigurations", "sku", "vpntype"})

_Fields = Mapping[str, object]


def gateway(gateway_id: str, body: object, addresses: Mapping[str, str | FactUnknown]) -> Gateway:
    """The facts of the gateway with `gateway_id` by its ARM body.

    `addresses` holds, by lower-case id, the address of each public IP that `public_ips_needed`
    named, or why it cannot be had.
    """
    fields = _fields(body)
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
    written = fields.get("id")  # as Azure writes it, where the id asked for is all lower case
    if not isinstance(written, str) or written.lower() != gateway_id.lower():
        written = gateway_id
    return Gateway(
        id=gateway_id.lower(),
        name=_words(fields.get("name")) or segment(written, "virtualNetworkGateways"),
        resource_group=segment(written, "resourceGroups"),
        subscription_id=segment(written, "subscriptions").lower(),
        vips=vips,
        unknown=unknown,
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
    fields = _fields(body)
    tunnels = _tunnel_addresses(fields)
    return tuple(
        public_ip_id
        for configuration_id, public_ip_id in _configurations(fields)
        if public_ip_id and not tunnels.get(configuration_id)
    )


def address(body: object) -> str | FactUnknown:
    """The address of a public IP by its ARM body; FactUnknown while it has none."""
    fields = _fields(body)
    if not fields:
        return FactUnknown(UNREADABLE)
    value = fields.get("ipaddress")
    if not value:
        return FactUnknown(NOT_ALLOCATED)
    return value if isinstance(value, str) and _is_public(value) else FactUnknown(UNREADABLE)


def peer_needed(body: object) -> str | None:
    """The id, as written, of the local network gateway that a connection leads to."""
    return own_id(_fields(body).get("localnetworkgateway2"))


def connection(body: object, peers: Mapping[str, object]) -> Connection:
    """A connection by its ARM body.

    `peers` holds, by lower-case id, the bodies of local network gateways. The remote IP is the
    peer's address, or its name where it is known by a name; None where neither is known.
    """
    fields = _fields(body)
    peer_id = peer_needed(body)
    peer = _fields(peers.get((peer_id or "").lower(), fields.get("localnetworkgateway2")))
    return Connection(
        name=_words(fields.get("name")) or segment(own_id(body) or "", "connections"),
        remote_ip=_words(peer.get("gatewayipaddress")) or _words(peer.get("fqdn")),
        status=_words(fields.get("connectionstatus")),
    )


def gateways_of(body: object) -> frozenset[str]:
    """The ids, lower case, of the gateways that a connection belongs to."""
    fields = _fields(body)
    ends = (fields.get("virtualnetworkgateway1"), fields.get("virtualnetworkgateway2"))
    return frozenset(end.lower() for end in map(own_id, ends) if end)


def own_id(body: object) -> str | None:
    """The id of a body or of a reference, as written; None where it has none."""
    return _words(_fields(body).get("id"))


def segment(resource_id: str, collection: str) -> str:
    """What follows `collection`, in any case, in a resource id; empty where nothing does."""
    pairs = itertools.pairwise(resource_id.split("/"))
    return next((value for name, value in pairs if name.lower() == collection.lower()), "")


def _fields(body: object) -> _Fields:
    """The fields of a body in either form, by lower-case name; none where it is malformed."""
    if not isinstance(body, Mapping):
        return {}
    own: dict[str, object] = {str(name).lower(): value for name, value in body.items()}
    properties = own.get("properties", {})
    if not isinstance(properties, Mapping):
        return {}
    return {str(name).lower(): value for name, value in properties.items()} | own


def _words(value: object) -> str | None:
    return encodable(value) if isinstance(value, str) and value else None


def _objects(value: object) -> Iterator[_Fields]:
    if isinstance(value, list | tuple):
        yield from (fields for fields in map(_fields, value) if fields)


def _unknown(value: object) -> NoReturn:
    raise FactUnknown(NOT_SET if value in (None, "") else UNREADABLE)


def _text(name: str) -> Callable[[_Fields], str]:
    """Reads the field `name` as text; raises FactUnknown."""

    def read(fields: _Fields) -> str:
        value = fields.get(name)
        return _words(value) or _unknown(value)

    return read


def _sku(fields: _Fields) -> str:
    sku = fields.get("sku")
    return _words(sku) or (_text("name")(_fields(sku)) if _fields(sku) else _unknown(sku))


def _generation(fields: _Fields) -> str:
    value = _text("vpngatewaygeneration")(fields)
    if value.lower() == "none":  # what Azure writes for SKUs that have no generation
        raise FactUnknown(NOT_SET)
    return value


def _active_active(fields: _Fields) -> bool:
    value = fields.get("activeactive")
    known = {"true": True, "false": False}.get(str(value).lower())
    return _unknown(value) if known is None else known


def _virtual_network(fields: _Fields) -> re.Match[str]:
    """The match of the virtual network's id in the first subnet's; its group is the name."""
    configurations = list(_objects(fields.get("ipconfigurations")))
    if not configurations:
        _unknown(fields.get("ipconfigurations") or None)
    subnets = (own_id(configuration.get("subnet")) for configuration in configurations)
    subnet = next(filter(None, subnets), None)
    return _VNET.match(subnet or "") or _unknown(subnet)


_READERS: Final[Mapping[str, Callable[[_Fields], object]]] = {
    "location": _text("location"),
    "sku": _sku,
    "generation": _generation,
    "vpn_type": _text("vpntype"),
    "active_active": _active_active,
    "virtual_network_id": lambda fields: _virtual_network(fields).group().lower(),
    "virtual_network_name": lambda fields: _virtual_network(fields).group(1),
}
"""How each fact is read, by its name in Gateway. Raises FactUnknown."""


def _vips(
    fields: _Fields, addresses: Mapping[str, str | FactUnknown]
) -> tuple[tuple[str, ...], FactUnknown | None]:
    """The VIPs in the order of the ipConfigurations, and why one of them is lacking."""
    configurations = list(_configurations(fields))
    if not configurations:
        return (), FactUnknown(UNREADABLE if fields.get("ipconfigurations") else NOT_SET)
    tunnels = _tunnel_addresses(fields)
    vips: dict[str, None] = {}
    lacking: FactUnknown | None = None
    for configuration_id, public_ip_id in configurations:
        own = tunnels.get(configuration_id, ())
        vips.update(dict.fromkeys(own))
        if not own:
            found = addresses.get(public_ip_id.lower(), FactUnknown(NOT_SET))
            if isinstance(found, FactUnknown):
                lacking = lacking or found
            else:
                vips[found] = None
    return tuple(vips), lacking


def _configurations(fields: _Fields) -> Iterator[tuple[str, str]]:
    """The id, lower case, of each ipConfiguration, and its public IP's id, as written, or ""."""
    for configuration in _objects(fields.get("ipconfigurations")):
        public_ip_id = own_id(configuration.get("publicipaddress"))
        yield (own_id(configuration) or "").lower(), public_ip_id or ""


def _tunnel_addresses(fields: _Fields) -> dict[str, tuple[str, ...]]:
    """The public tunnel addresses by the lower-case id of their ipConfiguration."""
    peerings = _objects(_fields(fields.get("bgpsettings")).get("bgppeeringaddresses"))
    tunnels: dict[str, tuple[str, ...]] = {}
    for peering in peerings:
        listed = peering.get("tunnelipaddresses")
        tunnels[str(peering.get("ipconfigurationid")).lower()] = tuple(
            tunnel
            for tunnel in (listed if isinstance(listed, list | tuple) else ())
            if isinstance(tunnel, str) and _is_public(tunnel)
        )
    return tunnels


def _is_public(text: str) -> bool:
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not any(parsed in network for network in _PRIVATE)
