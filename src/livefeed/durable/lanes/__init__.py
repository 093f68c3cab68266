"""Lanes: what one consumer still has to do for one key; lease, renew, settle."""

from livefeed.durable.lanes.hurrying import Hurried, hurry_failing
from livefeed.durable.lanes.lease import lease_due
from livefeed.durable.lanes.rows import LaneRow, Lease, LeasedConsumer
from livefeed.durable.lanes.settle import Lost, Settled, settle, settle_many
from livefeed.durable.lanes.upkeep import free_all, is_held, list_lanes, next_due, renew

__all__ = [
    "Hurried",
    "LaneRow",
    "Lease",
    "LeasedConsumer",
    "Lost",
    "Settled",
    "free_all",
    "hurry_failing",
    "is_held",
    "lease_due",
    "list_lanes",
    "next_due",
    "renew",
    "settle",
    "settle_many",
]
