"""Which images stay on the host, and when one is pulled."""

import json
import unittest

import images
from command import Failed
from hosts import HostCase
from state import load


def image(number: int) -> str:
    return f"registry/app@sha256:{number:02}"


class Images(HostCase):
    def ship(self, number: int, of: "int | None" = None) -> "list[str]":
        """Ships a release and returns what was pulled for it."""
        self.wish(number=number, image=image(of or number))
        return [call[-1] for call in self.turn() if call[0] == "pull"]

    def test_a_rollback_to_one_of_the_last_three_pulls_nothing(self) -> None:
        for number in (1, 2, 3):
            self.assertEqual(self.ship(number), [image(number)])
        self.assertEqual(self.ship(4, of=1), [])
        self.assertEqual(self.ship(5, of=2), [])
        self.assertEqual(self.said()[-1], (5, "serving"))

    def test_a_fourth_one_goes_when_its_replicas_have_gone(self) -> None:
        for number in (1, 2, 3, 4):
            self.ship(number)
        self.assertEqual(self.engine.images, [image(2), image(3), image(4)])
        self.assertEqual(self.ship(5, of=1), [image(1)])

    def test_a_release_of_the_same_image_takes_no_place(self) -> None:
        self.ship(1)
        self.ship(2)
        for number in (3, 4, 5, 6):
            self.ship(number, of=3)
        self.assertEqual(self.engine.images, [image(1), image(2), image(3)])

    def test_they_take_no_more_than_a_quarter_of_the_disk_the_newest_first(self) -> None:
        self.engine.sizes = {image(1): 10, image(2): 100, image(3): 150}
        for number in (1, 2, 3):
            self.ship(number)
        self.assertEqual(self.engine.images, [image(2), image(3)], "100 and 150 of 1000 fit, no more")
        self.engine.sizes[image(4)] = 900
        self.ship(4)
        self.assertEqual(self.engine.images, [image(4)], "what serves stays, whatever it takes")

    def test_the_image_of_a_release_that_failed_goes_with_the_next_one_that_serves(self) -> None:
        self.ship(1)
        self.wish(number=2, image=image(2))
        self.turn(503)
        self.ship(3)
        self.assertEqual(self.engine.images, [image(1), image(3)])

    def test_they_are_known_after_a_restart(self) -> None:
        self.ship(1)
        self.ship(2)
        self.restart()
        self.turn()
        self.ship(3)
        self.assertEqual(self.engine.images, [image(1), image(2), image(3)])
        self.assertEqual(load("images.json"), {"served": [image(3), image(2), image(1)]})

    def test_a_memory_that_is_none_keeps_what_serves(self) -> None:
        for damage in ({"served": "x"}, {"served": [7, None]}, {}):
            (self.folder / "images.json").write_text(json.dumps(damage))
            self.engine.images = [image(1), image(9)]
            self.assertEqual(images.remembered(), [])
            images.note({"image": image(9)})
            self.assertEqual(self.engine.images, [image(9)])

    def test_images_of_other_repositories_are_not_asked_for(self) -> None:
        self.ship(1)
        self.ship(2)
        asked = [call for call in self.engine.calls if call[0] == "images"]
        self.assertEqual([call[-1] for call in asked], ["registry/app"])

    def test_a_full_disk_takes_what_only_a_rollback_would_want(self) -> None:
        for number in (1, 2, 3):
            self.ship(number)
        self.engine.refused = {"pull": "docker pull: Error: write /var/lib/docker/x: no space left on device"}
        self.ship(4)
        self.assertEqual(self.engine.images, [image(3)])
        self.engine.refused = {}
        self.clock.now += 2
        self.turn()
        self.assertEqual(self.said()[-1], (4, "serving"))

    def test_a_registry_that_refuses_takes_nothing(self) -> None:
        for number in (1, 2):
            self.ship(number)
        self.engine.refused = {"pull": "docker pull: Error: denied"}
        with self.assertRaises(Failed):
            images.ensure({"image": image(3)})
        self.assertEqual(self.engine.images, [image(1), image(2)])


if __name__ == "__main__":
    unittest.main()
