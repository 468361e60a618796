"""What is told of the last minute and the last hour."""

import unittest

from rates import Rates
from stand_ins import Case


class Told(Case):
    def test_what_is_older_than_a_minute_is_of_the_hour_and_what_is_older_than_that_is_forgotten(self) -> None:
        rates = Rates()
        self.clock.now = 10_000.0
        rates.add(10, 1)
        rates.add(5, 0)
        self.clock.now += 59
        rates.add(4, 4)
        self.assertEqual(rates.told()["lastHour"], {"tries": 19, "errors": 5})
        self.assertEqual(rates.told()["lastMinute"], {"tries": 19, "errors": 5})
        self.clock.now += 2
        self.assertEqual(rates.told()["lastMinute"], {"tries": 4, "errors": 4})
        self.clock.now = 10_000.0 + 3_601
        rates.add(0, 0)
        self.assertEqual(rates.told()["lastHour"], {"tries": 4, "errors": 4})
        self.assertEqual(rates.told()["lastMinute"], {"tries": 0, "errors": 0})
        self.assertEqual(len(rates.slots), 1, "an hour at most is kept")


if __name__ == "__main__":
    unittest.main()
