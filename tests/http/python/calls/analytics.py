"""analytics.*: each public function calls the method of its name; REFUSALS has a call of each that fails."""

from unkey.py import errors

from client import HOUR, new_key, sql, unique, unkey, verify


def _settle() -> None:
    """Brings what was just recorded into the tables that are asked."""
    sql("SELECT count(unkey.maintain())")


def get_verifications():
    made = new_key(credits={"remaining": 5})
    verify(made.key, credits={"cost": 2}, tags=["path=/docs"])
    verify(made.key, credits={"cost": 9})
    _settle()
    query = f"SELECT outcome, spent_credits, tags FROM key_verifications_v1 WHERE key_id = '{made.key_id}' ORDER BY outcome"
    assert unkey.analytics.get_verifications(query=query).data == [
        {"outcome": "USAGE_EXCEEDED", "spent_credits": 0, "tags": []},
        {"outcome": "VALID", "spent_credits": 2, "tags": ["path=/docs"]},
    ]


def get_ratelimits():
    identifier = unique("py")
    for _ in range(2):
        unkey.ratelimit.limit(namespace="py.analytics", identifier=identifier, limit=1, duration=HOUR)
    _settle()
    query = f"SELECT passed, count() AS n FROM ratelimits_v1 WHERE identifier = '{identifier}' GROUP BY passed ORDER BY passed"
    assert unkey.analytics.get_ratelimits(query=query).data == [{"passed": False, "n": 1}, {"passed": True, "n": 1}]


def _refused(type, call):
    return 400, errors.BadRequestErrorResponse, f"user/bad_request/{type}", call


REFUSALS = {
    "get_verifications": _refused("invalid_analytics_table", lambda unkey: unkey.analytics.get_verifications(query="SELECT hash FROM keys")),
    "get_ratelimits": _refused("invalid_analytics_query_type", lambda unkey: unkey.analytics.get_ratelimits(query="DELETE FROM ratelimits_v1")),
}
