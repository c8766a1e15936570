"""The rules of masking, and how their masks are drawn."""

from __future__ import annotations

import ipaddress
import re
from random import Random
from uuid import UUID

import pytest

from detector.local.masks import IPV4, IPV6, NAME, RULES, Masks, Rule, key_of, rule_of
from tests.command_line import ROOT

BY_NAME = {rule.name: rule for rule in RULES}
DOCUMENTATION = [
    ipaddress.ip_network(each) for each in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
]


def of_documentation(mask: str) -> bool:
    return any(ipaddress.ip_address(mask) in network for network in DOCUMENTATION)


def table(rule: Rule, *keys: str) -> dict[str, str]:
    """The masks of these identities."""
    return Masks(dict.fromkeys(keys, rule), Random(1)).table[rule.name]


def test_the_documentation_names_every_rule() -> None:
    text = (ROOT / "docs" / "recordings.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*`) \|", text, re.MULTILINE)

    assert BY_NAME.keys() == set(re.findall(r"`([^`]+)`", " ".join(rows)))


def test_each_rule_has_a_name_of_its_own() -> None:
    assert len(RULES) == len(BY_NAME)


@pytest.mark.parametrize("rule", RULES, ids=BY_NAME)
def test_masks_keep_the_order_of_what_they_hide(rule: Rule) -> None:
    keys = [f"x{number:03}" for number in range(40)]
    masks = table(rule, *keys)

    assert sorted(masks.values()) == [masks[key] for key in keys]


def test_addresses_are_of_documentation_first_and_then_of_benchmarks() -> None:
    masks = list(table(IPV4, *(f"84.16.{n // 256}.{n % 256}" for n in range(1000))).values())
    documented = list(filter(of_documentation, masks))
    others = ipaddress.ip_network("198.18.0.0/15")

    assert 1000 == len(set(masks))
    assert 254 * 3 == len(documented)
    assert all(ipaddress.ip_address(each) in others for each in set(masks) - set(documented))


def test_no_mask_holds_an_address_of_the_recording() -> None:
    originals = [f"203.0.113.{number}" for number in range(1, 255)]
    masks = table(IPV4, *originals)

    assert not [mask for mask in masks.values() if any(each in mask for each in originals)]


@pytest.mark.parametrize("name", ["vpn", "pip-", "example", "net", "host-"])
def test_no_mask_holds_a_name_of_the_recording(name: str) -> None:
    known = dict.fromkeys((name, "other"), NAME) | {
        f"x{number}": rule for number, rule in enumerate(RULES)
    }
    masks = Masks(known, Random(1)).table

    assert not [mask for each in masks.values() for mask in each.values() if name in mask]


def test_guids_stay_guids_in_each_of_their_forms() -> None:
    dashed, bare = "3F2504E0-4F89-41D3-9A0C-0305E82C3301", "3f2504e04f8941d39a0c0305e82c3301"
    masks = Masks({key_of(dashed): BY_NAME["correlation-id"]}, Random(1))

    assert UUID(masks.of(dashed, NAME)) == UUID(masks.of(bare, NAME))
    assert (36, 32) == (len(masks.of(dashed, NAME)), len(masks.of(bare, NAME)))


def test_one_ipv6_address_has_one_mask_in_all_its_spellings() -> None:
    masks = Masks({}, Random(1))

    assert masks.of("2A01:CB00:0:0::7", IPV6) == masks.of("2a01:cb00::7", IPV6)


def test_what_was_not_known_at_first_gets_a_mask_of_its_own() -> None:
    masks = Masks({"known": NAME}, Random(1))
    late = masks.of("late", NAME)

    assert {"known", "late"} == masks.table["other-name"].keys()
    assert late == masks.of("LATE", NAME)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("3f2504e0-4f89-41d3-9a0c-0305e82c3301", "guid"),
        ("203.0.113.7", "ipv4-address"),
        ("fe80::1", "ipv6-address"),
        ("kim@example.net", "e-mail-address"),
        ("Kim Doe", "caller"),
    ],
)
def test_a_caller_is_masked_as_what_it_looks_like(text: str, name: str) -> None:
    assert name == rule_of(text, BY_NAME["caller"]).name


def test_masks_are_drawn_and_not_made_of_what_they_hide() -> None:
    known = {"vpn-hub": BY_NAME["gateway"]}

    assert Masks(known, Random(1)).table != Masks(known, Random(2)).table
