"""Berth's changes to moto's CloudWatch: percentiles, values that are counted and not copied, and the limits of PutMetricData."""

from __future__ import annotations

import datetime
import re

MOST_VALUES, MOST_METRICS = 150, 1000
OLDEST, NEWEST = datetime.timedelta(days=-14), datetime.timedelta(hours=2)


def keep_metrics() -> None:
    from moto.cloudwatch.exceptions import InvalidParameterValue
    from moto.cloudwatch.models import CloudWatchBackend, MetricDatum, Statistics
    from moto.core.utils import utcnow

    put, name_statistic = CloudWatchBackend.put_metric_data, Statistics.get_statistics_for_type

    def put_counted(self, namespace: str, metric_data: list[dict]) -> None:
        why = refusal_of(metric_data, utcnow())
        if why is not None:
            raise InvalidParameterValue(why)
        put(self, namespace, [one for one in metric_data if not one.get("Values")])
        for one in metric_data:
            # One of each value, however often it was counted: a busy minute has a hundred thousand.
            for value, count in zip(one.get("Values") or [], one.get("Counts") or [1] * len(one.get("Values") or [])):
                dimensions, at = one.get("Dimensions", []), one.get("Timestamp")
                datum = MetricDatum(namespace, one["MetricName"], float(value), dimensions, at, one.get("Unit"))
                datum.berth_count = float(count)
                self.metric_data.append(datum)

    def counted(self) -> list[tuple[float, float]]:
        return sorted((one.value, vars(one).get("berth_count", 1.0)) for one in self.metric_data if isinstance(one, MetricDatum))

    def statistic(self, stat: str):
        if re.fullmatch(r"p\d{1,2}(\.\d+)?|p100", stat):
            return percentile(counted(self), float(stat[1:]))
        return name_statistic(self, stat)

    def count(self) -> float:
        return sum(count for _, count in counted(self)) + sum(one.sample_count for one in self.metric_aggregated_list)

    def total(self) -> float:
        return sum(value * count for value, count in counted(self)) + sum(one.sum for one in self.metric_aggregated_list)

    CloudWatchBackend.put_metric_data = put_counted
    Statistics.get_statistics_for_type = statistic
    Statistics.calc_sample_count = count
    Statistics.calc_sum = total


def refusal_of(metric_data: list[dict], now: datetime.datetime) -> str | None:
    """Why CloudWatch takes none of it."""
    if len(metric_data) > MOST_METRICS:
        return f"The collection MetricData must not have a size greater than {MOST_METRICS}."
    for at, one in enumerate(metric_data, 1):
        named = f"MetricData.member.{at}"
        values, counts = one.get("Values") or [], one.get("Counts") or []
        if len(values) > MOST_VALUES:
            return f"The collection {named}.Values must not have a size greater than {MOST_VALUES}."
        if counts and len(counts) != len(values):
            return f"The parameters {named}.Values and {named}.Counts must be of the same size."
        if any(count < 1 for count in counts):
            return f"The values of {named}.Counts must be positive."
        age = one.get("Timestamp", now) - now
        if not OLDEST <= age <= NEWEST:
            return f"The parameter {named}.Timestamp must specify a time within the past two weeks or the next two hours."
    return None


def percentile(counted: list[tuple[float, float]], share: float) -> float | None:
    wanted, seen = sum(count for _, count in counted) * share / 100, 0.0
    for value, count in counted:
        seen += count
        if seen >= wanted:
            return value
    return None
