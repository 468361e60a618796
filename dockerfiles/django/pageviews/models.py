from __future__ import annotations

from uuid import UUID

from django.db import connection, models, transaction

# Any constant will do, as long as nothing else in this database uses it.
COUNTING = 7_266_883


class PageViews(models.Manager["PageView"]):
    def record(self, served_by: str, key: UUID | None = None) -> PageView:
        """Adds a view and returns it; its `number` is the count at that moment, shown to nobody else.

        A proxy that lost the answer asks again with the same `key`: that is still one view, with its first number.
        """
        with transaction.atomic():
            self._wait_for_turn()
            if key is not None and (seen := self.filter(key=key).first()):
                return seen
            return self.create(number=self.total() + 1, served_by=served_by, key=key)

    def total(self) -> int:
        # Numbers have no gaps, so the last one is the count: one step down an index, however many views there are.
        return self.aggregate(last=models.Max("number"))["last"] or 0

    def _wait_for_turn(self) -> None:
        # "Insert, then count" shows the same count to two visitors who come together. Locking the last row isn't
        # enough either: whoever waited for it still sees the old one. sqlite's IMMEDIATE transactions need no lock.
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [COUNTING])


class PageView(models.Model):
    number = models.BigIntegerField(primary_key=True, editable=False)
    key = models.UUIDField(unique=True, null=True, editable=False)
    served_by = models.CharField(max_length=64)
    at = models.DateTimeField(auto_now_add=True)

    objects = PageViews()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(number__gt=0), name="number_counts_from_one")]

    def __str__(self) -> str:
        return f"view {self.number}"
