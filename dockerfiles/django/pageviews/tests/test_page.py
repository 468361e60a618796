from uuid import uuid4

from django.contrib.staticfiles import finders
from django.test import TestCase

from pageviews.models import PageView


class PageTests(TestCase):
    def test_the_page_shows_the_count_and_it_rises_by_one(self):
        for count in (1, 2):
            answer = self.client.get("/")
            self.assertEqual(answer.status_code, 200)
            self.assertContains(answer, f'<span class="count" id="count">{count}</span>', html=True)
            self.assertEqual(answer["X-Page-Views"], str(count))
        self.assertEqual(PageView.objects.count(), 2)

    def test_nobody_keeps_a_copy_of_it(self):
        self.assertIn("no-store", self.client.get("/")["Cache-Control"])

    def test_head_counts_nothing(self):
        self.client.get("/")
        self.assertEqual(self.client.head("/")["X-Page-Views"], "1")
        self.assertEqual(PageView.objects.count(), 1)

    def test_post_is_refused_and_counts_nothing(self):
        self.assertEqual(self.client.post("/").status_code, 405)
        self.assertEqual(PageView.objects.count(), 0)

    def test_the_same_attempt_key_counts_once(self):
        key = uuid4().hex
        counts = [self.client.get("/", headers={"X-Attempt-Key": key})["X-Page-Views"] for _ in range(2)]
        self.assertEqual(counts, ["1", "1"])

    def test_a_malformed_attempt_key_is_no_key(self):
        counts = [self.client.get("/", headers={"X-Attempt-Key": "x"})["X-Page-Views"] for _ in range(2)]
        self.assertEqual(counts, ["1", "2"])

    def test_a_wrong_host_is_refused_and_counts_nothing(self):
        answer = self.client.get("/", headers={"Host": "evil.example"})
        self.assertEqual(answer.status_code, 400)
        self.assertEqual(PageView.objects.count(), 0)

    def test_an_unknown_address_is_our_own_page(self):
        answer = self.client.get("/nowhere")
        self.assertContains(answer, "There is nothing at this address", status_code=404)

    def test_the_style_sheet_is_named_by_its_content(self):
        self.assertIsNotNone(finders.find("pageviews/page.css"))
        self.assertRegex(self.client.get("/").content.decode(), r"/static/pageviews/page\.[0-9a-f]{12}\.css")

    def test_nothing_on_the_page_comes_from_elsewhere(self):
        self.assertNotRegex(self.client.get("/").content.decode(), r'(?:src|href)="(?:https?:)?//')

    def test_there_is_no_admin(self):
        self.assertEqual(self.client.get("/admin/").status_code, 404)
