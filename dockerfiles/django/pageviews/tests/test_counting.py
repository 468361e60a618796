from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from django.db import IntegrityError, connection, transaction
from django.test import TestCase, TransactionTestCase

from pageviews.models import PageView


def record_and_close(key=None) -> int:
    try:
        return PageView.objects.record("test", key).number
    finally:
        connection.close()


class CountingTests(TestCase):
    def test_each_view_has_the_next_number(self):
        numbers = [PageView.objects.record("test").number for _ in range(3)]
        self.assertEqual(numbers, [1, 2, 3])
        self.assertEqual(PageView.objects.total(), PageView.objects.count())

    def test_a_retried_request_is_one_view(self):
        key = uuid4()
        first = PageView.objects.record("one replica", key)
        PageView.objects.record("test")
        again = PageView.objects.record("another replica", key)
        self.assertEqual((again.number, again.served_by), (first.number, "one replica"))
        self.assertEqual(PageView.objects.count(), 2)

    def test_the_database_itself_refuses_a_number_below_one(self):
        with self.assertRaises(IntegrityError), transaction.atomic():
            PageView.objects.create(number=0, served_by="test")


class ConcurrencyTests(TransactionTestCase):
    """Needs real transactions on several connections."""

    def test_visitors_who_come_together_never_see_the_same_count(self):
        with ThreadPoolExecutor(8) as visitors:
            seen = list(visitors.map(lambda _: record_and_close(), range(80)))
        self.assertEqual(sorted(seen), list(range(1, 81)))

    def test_a_request_and_its_retry_at_the_same_moment_are_one_view(self):
        key = uuid4()
        with ThreadPoolExecutor(8) as tries:
            seen = set(tries.map(lambda _: record_and_close(key), range(8)))
        self.assertEqual(seen, {1})
        self.assertEqual(PageView.objects.count(), 1)

    def test_whoever_was_counted_holds_nobody_up(self):
        with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
            try:
                # Their connections stay open after it, as between two requests of the app.
                seen = [each.submit(PageView.objects.record, "test").result().number for each in (one, other)]
            finally:
                for each in (one, other):
                    each.submit(lambda: connection.close()).result()
        self.assertEqual(seen, [1, 2])
