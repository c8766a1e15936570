"""Tells what happened when an Azure VPN gateway switched over to its other instance.

A timer asks Azure Monitor for signals (rows); pure functions find switch-overs in them, group
them into failovers and diagnose each; the failovers are reconciled with each gateway's history,
which names the reason for telling something; what is to be told becomes an insight, a self-help
article rendered with the gateway's facts; the insight is written to the history first and then
delivered to every sink. Values stand in the middle and Azure at the edge: only `azure/`, the
bootstrap and `function_app.py` name an Azure package, the edges do not import each other, and
`app/bootstrap.py` joins them. Each run reads the whole window again and compares what it sees with
what was told, so late rows, missed timers, crashes and repeated rows are all one case.
"""
