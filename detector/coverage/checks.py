"""What was found out about gateways and their logs, judged: one check for each question.

Nothing is asked here. A check that could not be asked is skipped and says why; it proves nothing.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from detector.boundary import contained
from detector.errors import DetectorError, FactUnknown
from detector.insights import Check
from detector.model import (
    ACTIVITY,
    ALL_LOGS,
    RESOURCE_HEALTH,
    DiagnosticSetting,
    Gateway,
    Logged,
    Scope,
)
from detector.text import count, day, listed

GATEWAY_LOG: Final = "GatewayDiagnosticLog"
TUNNEL_LOG: Final = "TunnelDiagnosticLog"
POLICY_BASED: Final = "policybased"
EXPORTED: Final = ("Administrative", "ResourceHealth")

SETTING, CATEGORIES, WORKSPACE = "diagnostic-setting", "log-categories", "log-workspace"
BLINDING: Final = (SETTING, CATEGORIES, WORKSPACE)
"""The checks of which each that fails makes a gateway blind, wholly or in part."""

SEEN: Final = timedelta(days=30)
"""Rows are looked for so far back."""

PRINCIPAL: Final = '"<principal id>"'
READER: Final = "Monitoring Reader"
SETTING_NAME: Final = "gateway-failover-detector"

LogsOf = Sequence[Logged] | DetectorError


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What Azure says of the gateways and their logs; what could not be had says why.

    `listing` is why Resource Graph could not be asked, None where it was.
    `unread` are scopes and gateways that may be there and could not be read. `settings` are by the
    id of a gateway, or `/subscriptions/<id>` for its Activity Log; `workspaces` has the customer id
    of each workspace that they name, by its ARM id. `seen_before` is the newest row of a gateway
    that an earlier check saw.
    """

    scopes: Sequence[Scope]
    listing: FactUnknown | None
    gateways: Mapping[str, Gateway]
    unread: Mapping[str, FactUnknown]
    settings: Mapping[str, Sequence[DiagnosticSetting] | FactUnknown]
    workspaces: Mapping[str, str | FactUnknown]
    logs: Mapping[Scope, LogsOf]
    rows: Mapping[str, Sequence[Logged]]
    metrics: Mapping[str, object]
    health: Mapping[str, object]
    seen_before: Mapping[str, datetime]

    @property
    def subscriptions(self) -> list[str]:
        """`/subscriptions/<id>` of each gateway and of each scope that has one, in order."""
        ids = [*self.gateways, *(scope.id for scope in self.scopes if not scope.is_workspace)]
        return sorted({subscription_of(each) for each in ids})

    def rows_of(self, resource_id: str, sources: Collection[str]) -> list[Logged]:
        """What the scopes hold of these sources of a resource, the newest last."""
        found = (each for each in self.rows.get(resource_id, ()) if each.source.lower() in sources)
        return sorted(found, key=lambda each: each.newest)

    def newest_row(self, gateway_id: str) -> datetime | None:
        """When a gateway last logged, as far as this check or an earlier one saw."""
        rows = self.rows_of(gateway_id, _lower((GATEWAY_LOG, TUNNEL_LOG)))
        return rows[-1].newest if rows else self.seen_before.get(gateway_id)

    def is_asked_by_resource(self, resource_id: str) -> bool:
        """Whether some scope holds it by its id, and so finds every workspace that it logs to."""
        return any(
            resource_id == scope.id or resource_id.startswith(f"{scope.id}/")
            for scope in self.scopes
            if not scope.is_workspace
        )


def subscription_of(resource_id: str) -> str:
    """`/subscriptions/<id>` of a resource."""
    return "/".join(resource_id.split("/")[:3])


def checks_of(found: Found) -> list[Check]:
    """Every check that concerns gateways: of scopes, of subscriptions, and of each gateway."""
    checks = [_listing(found)]
    checks += [_readable(each, found.unread.get(each)) for each in _to_be_read(found)]
    checks += [_activity_log(each, found) for each in found.subscriptions]
    for gateway in sorted(found.gateways.values(), key=lambda each: each.id):
        judged = contained(gateway.id, partial(_of_gateway, gateway, found))
        if isinstance(judged, DetectorError):
            judged = [Check.skipped(each, gateway.id, str(judged)) for each in BLINDING]
        checks += judged
    return checks


def _listing(found: Found) -> Check:
    """Whether gateways can be found at all that never logged."""
    name, subject = "gateways", "Azure Resource Graph"
    if found.listing is None:
        return Check.passed(name, subject, count(len(found.gateways), "VPN gateway"))
    if found.listing.kind == "refused":
        hint = grant(READER, '"/subscriptions/<subscription id>"')
        return Check.failed(name, subject, found.listing.why, hint)
    return Check.skipped(name, subject, found.listing.why)


def blind_of(checks: Sequence[Check]) -> dict[str, str]:
    """Why gateways are blind, by their ids."""
    blind: dict[str, list[str]] = {}
    for check in checks:
        if check.id in BLINDING and check.status == "fail":
            blind.setdefault(check.subject, []).append(check.evidence)
    return {gateway_id: "; ".join(why) for gateway_id, why in blind.items()}


def grant(role: str, scope: str) -> str:
    """The command that gives a role."""
    return (
        f"az role assignment create --assignee {PRINCIPAL} --role {shlex.quote(role)} "
        f"--scope {scope}"
    )


def shell_group(resource_id: str) -> str:
    """The resource group of a resource, or the subscription, as a shell reads it."""
    return shlex.quote("/".join(resource_id.split("/")[:5]))


def _to_be_read(found: Found) -> list[str]:
    scopes = {scope.id for scope in found.scopes if not scope.is_workspace}
    return sorted(scopes | found.unread.keys())


def _readable(resource_id: str, unknown: FactUnknown | None) -> Check:
    name = "readable"
    if unknown is None:
        return Check.passed(name, resource_id, "its gateways may be read")
    if unknown.kind == "gone":
        evidence = "there is no such resource; correct it in DETECTOR_SCOPES, or take it out"
        return Check.failed(name, resource_id, evidence, "az account list --output table")
    if unknown.kind == "refused":
        evidence = f"{unknown.why}; Resource Graph leaves out in silence what may not be read"
        return Check.failed(name, resource_id, evidence, grant(READER, shell_group(resource_id)))
    return Check.skipped(name, resource_id, unknown.why)


def _of_gateway(gateway: Gateway, found: Found) -> list[Check]:
    logs = list(_logs(gateway, found))
    return [
        *logs,
        _rows(gateway, found, is_blind=any(each.status == "fail" for each in logs)),
        _limits(gateway),
        _asked("metrics", gateway, found.metrics.get(gateway.id)),
        _asked("resource-health", gateway, found.health.get(gateway.id)),
    ]


def _logs(gateway: Gateway, found: Found) -> Iterator[Check]:
    """Whether there is a setting, with the categories that it takes, to where it is looked for."""
    settings = found.settings.get(gateway.id, FactUnknown("it was not asked for"))
    if isinstance(settings, FactUnknown):
        yield from _unknown_setting(gateway, settings)
        return
    needed = _needed(gateway)
    if not settings:
        evidence = "it has no diagnostic setting, so it logs nothing"
        hint = _switch_on(gateway.id, needed, settings, found)
        yield Check.failed(SETTING, gateway.id, evidence, hint)
        why = "there is no diagnostic setting"
        yield from (Check.skipped(name, gateway.id, why) for name in (CATEGORIES, WORKSPACE))
        return
    names = listed([each.name for each in settings])
    yield Check.passed(SETTING, gateway.id, f"it has {names}")
    off = [each for each in needed if not any(_sends(setting, each) for setting in settings)]
    on = [each for each in needed if each not in off]
    if off:
        evidence = f"{listed(off)} {'is' if len(off) == 1 else 'are'} off"
        hint = _switch_on(gateway.id, off, settings, found)
        yield Check.failed(CATEGORIES, gateway.id, evidence, hint)
    else:
        yield Check.passed(
            CATEGORIES, gateway.id, f"{listed(on)} {'is' if len(on) == 1 else 'are'} on"
        )
    yield _workspace(gateway, on, settings, found)


def _needed(gateway: Gateway) -> list[str]:
    """The categories in which its failovers show, of those that it has."""
    is_policy_based = (gateway.vpn_type or "").lower() == POLICY_BASED
    return [GATEWAY_LOG] if is_policy_based else [GATEWAY_LOG, TUNNEL_LOG]


def _unknown_setting(gateway: Gateway, unknown: FactUnknown) -> Iterator[Check]:
    why = f"its diagnostic settings: {unknown.why}"
    if unknown.kind == "refused":
        hint = grant(READER, shell_group(gateway.id))
        yield Check.failed("settings-readable", gateway.id, why, hint)
    yield from (Check.skipped(name, gateway.id, why) for name in BLINDING)


def _workspace(
    gateway: Gateway, on: Sequence[str], settings: Sequence[DiagnosticSetting], found: Found
) -> Check:
    """Whether each category that is on goes to where it is looked for."""
    if not on:
        return Check.skipped(WORKSPACE, gateway.id, "the logs in which failovers show are off")
    unseen: list[str] = []
    for category in on:
        goes_to = {each.workspace_id for each in settings if _sends(each, category)}
        if not any(_is_watched(gateway.id, each, found) for each in goes_to if each):
            unseen.append(category)
    if not unseen:
        return Check.passed(WORKSPACE, gateway.id, f"{listed(on)} can be seen in the scopes")
    unknown = [
        answer
        for each in settings
        if isinstance(answer := found.workspaces.get(each.workspace_id or ""), FactUnknown)
    ]
    arrived = {row.source.lower() for row in found.rows_of(gateway.id, _lower(unseen))}
    if unknown and arrived >= _lower(unseen):
        return Check.passed(WORKSPACE, gateway.id, f"rows of {listed(unseen)} are in the scopes")
    if unknown:
        why = f"whether its workspace is in the scopes is not known: {unknown[0].why}"
        workspace = next(each.workspace_id for each in settings if each.workspace_id)
        hint = grant(READER, shlex.quote(workspace or ""))
        return Check.skipped(WORKSPACE, gateway.id, why, hint=hint)
    goes = "goes" if len(unseen) == 1 else "go"
    evidence = f"{listed(unseen)} {goes} to no workspace that is in DETECTOR_SCOPES"
    return Check.failed(
        WORKSPACE, gateway.id, evidence, _switch_on(gateway.id, unseen, settings, found)
    )


def _is_watched(resource_id: str, workspace_id: str, found: Found) -> bool:
    if found.is_asked_by_resource(resource_id):
        return True
    customer_id = found.workspaces.get(workspace_id)
    return any(scope.id == customer_id for scope in found.scopes if scope.is_workspace)


def _sends(setting: DiagnosticSetting, category: str) -> bool:
    return bool({category.lower(), ALL_LOGS} & setting.categories)


def _rows(gateway: Gateway, found: Found, *, is_blind: bool) -> Check:
    if newest := found.newest_row(gateway.id):
        return Check.passed("log-rows", gateway.id, f"the newest row is of {day(newest)}")
    if is_blind:
        return Check.skipped("log-rows", gateway.id, "its logs do not come to the scopes")
    lacking = [str(each) for each in found.logs.values() if isinstance(each, Exception)]
    if lacking:
        return Check.skipped(
            "log-rows", gateway.id, f"the logs were not answered in full: {lacking[0]}"
        )
    return Check.warned(
        "log-rows",
        gateway.id,
        f"no row was seen in {SEEN.days} days; a new setting takes hours, and a gateway at rest "
        "may log nothing",
        f"az monitor diagnostic-settings list --resource {shlex.quote(gateway.id)}",
    )


def _limits(gateway: Gateway) -> Check:
    """What Azure does not offer for this gateway; only another one in its place would mend it."""
    limits = []
    if (gateway.vpn_type or "").lower() == POLICY_BASED:
        limits.append("it is policy-based and logs no tunnels, so outages cannot be told")
    if (gateway.sku or "").lower() == "basic":
        limits.append("its SKU is Basic, at 100 Mbps and never active-active")
    if limits:
        return Check.warned("limits", gateway.id, "; ".join(limits), hint=None)
    if gateway.vpn_type is None or gateway.sku is None:
        why = gateway.unknown.get("vpn_type") or gateway.unknown.get("sku") or "it was not told"
        return Check.skipped("limits", gateway.id, f"its type or SKU is not known: {why}")
    return Check.passed("limits", gateway.id, f"{gateway.vpn_type}, {gateway.sku}")


def _asked(name: str, gateway: Gateway, answer: object) -> Check:
    """Whether metrics or Resource Health were answered."""
    if answer is None:
        return Check.skipped(name, gateway.id, "it was not asked for")
    if not isinstance(answer, FactUnknown):
        return Check.passed(name, gateway.id, "it is answered")
    if answer.kind != "refused":
        return Check.skipped(name, gateway.id, answer.why)
    return Check.failed(name, gateway.id, answer.why, grant(READER, shell_group(gateway.id)))


def _activity_log(subscription: str, found: Found) -> Check:
    """Whether who resets a gateway, and its health, are exported to where they are looked for."""
    settings = found.settings.get(subscription, FactUnknown("it was not asked for"))
    if isinstance(settings, FactUnknown):
        rows = found.rows_of(subscription, _lower((ACTIVITY, RESOURCE_HEALTH)))
        if {row.source for row in rows} == {ACTIVITY, RESOURCE_HEALTH}:
            return Check.passed(
                "activity-log", subscription, "rows of both categories are in the scopes"
            )
        hint = None
        if settings.kind == "refused":
            hint = grant(READER, subscription)
        return Check.skipped("activity-log", subscription, f"its export: {settings.why}", hint=hint)
    lacking = [
        category
        for category in EXPORTED
        if not any(
            _sends(each, category)
            and each.workspace_id
            and _is_watched(subscription, each.workspace_id, found)
            for each in settings
        )
    ]
    if not lacking:
        return Check.passed("activity-log", subscription, f"{listed(EXPORTED)} are exported")
    is_one = len(lacking) == 1
    return Check.warned(
        "activity-log",
        subscription,
        f"{listed(lacking)} of the Activity Log {'is' if is_one else 'are'} exported to no "
        "workspace that is in DETECTOR_SCOPES: who reset or changed a gateway, or what its health "
        "was, is not seen",
        _export(subscription, lacking, settings, found),
    )


def scope_id(scope: Scope) -> str:
    """The ARM id of a scope as a shell reads it; that of a workspace has to be looked up."""
    if not scope.is_workspace:
        return shlex.quote(scope.id)
    query = f"[?customerId=='{scope.id}'].id"
    return f'"$(az monitor log-analytics workspace list --query "{query}" --output tsv)"'


def _switch_on(
    gateway_id: str,
    categories: Sequence[str],
    settings: Sequence[DiagnosticSetting],
    found: Found,
) -> str:
    """The command that makes one more setting; Azure takes a category once to each workspace."""
    return (
        f"az monitor diagnostic-settings create --name {_new_name(settings)} "
        f"--resource {shlex.quote(gateway_id)} --workspace {_workspace_id(found)} "
        f"--logs {_as_json(categories)}"
    )


def _export(
    subscription: str,
    categories: Sequence[str],
    settings: Sequence[DiagnosticSetting],
    found: Found,
) -> str:
    return (
        f"az monitor diagnostic-settings subscription create --name {_new_name(settings)} "
        f"--subscription {subscription.rpartition('/')[2]} --location global "
        f"--workspace {_workspace_id(found)} --logs {_as_json(categories)}"
    )


def _new_name(settings: Sequence[DiagnosticSetting]) -> str:
    taken = {each.name.lower() for each in settings}
    names = (SETTING_NAME, *(f"{SETTING_NAME}-{number}" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)


def _workspace_id(found: Found) -> str:
    """A workspace that is in the scopes, as a shell reads it, or what to put there."""
    for workspace_id, customer_id in sorted(found.workspaces.items()):
        if any(scope.id == customer_id for scope in found.scopes):
            return shlex.quote(workspace_id)
    workspaces = [scope for scope in found.scopes if scope.is_workspace]
    return scope_id(workspaces[0]) if workspaces else '"<workspace id>"'


def _as_json(categories: Sequence[str]) -> str:
    return shlex.quote(json.dumps([{"category": each, "enabled": True} for each in categories]))


def _lower(texts: Collection[str]) -> set[str]:
    return {text.lower() for text in texts}
