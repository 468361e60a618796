"""The edge's settings: what is believed of a release, and what becomes of it in nginx's words."""

import contextlib
import io
import json
import pathlib
import re
import unittest

import bounds
import edge_settings
from edge_settings import DEFAULTS, render_edge, render_switch, settings_of
from stand_ins import RELEASE, Case

TEMPLATE = (pathlib.Path(edge_settings.__file__).parent / "edge.conf").read_text()
SYSTEM = {"edge_user": "www-data", "clear_headers": ""}


def render(**changes: object) -> str:
    return render_edge(TEMPLATE, {**DEFAULTS, **changes}, SYSTEM)


class Bounds(unittest.TestCase):
    def refused(self, edge: object) -> str:
        return bounds.find_excess({**RELEASE, "edge": edge})

    def test_whoever_stands_in_front_can_not_be_spoken_for_by_an_underscore(self) -> None:
        proxies = ["10.0.0.0/8"]
        self.assertIn("edge.underscores", self.refused({"underscores": "pass", "trustedProxies": proxies}))
        self.assertEqual(self.refused({"underscores": "drop", "trustedProxies": proxies}), "")

    def test_a_release_of_an_earlier_berth_has_none_and_goes_by_the_defaults(self) -> None:
        self.assertEqual(bounds.find_excess(RELEASE), "")
        self.assertEqual(settings_of(RELEASE), DEFAULTS)
        self.assertEqual(settings_of({"edge": {"bodyMib": 11}}), {**DEFAULTS, "bodyMib": 11})

    def test_each_number_is_whole_and_within_its_bounds(self) -> None:
        for key, (least, most) in edge_settings.BOUNDS.items():
            for value in (least, most):
                self.assertEqual(self.refused({key: value}), "", (key, value))
            for value in (least - 1, most + 1, float(most), True, str(most), None, f"{least};"):
                self.assertEqual(self.refused({key: value}), f"the desired release is out of bounds in edge.{key}", value)

    def test_nothing_but_the_two_words_is_taken_of_underscores(self) -> None:
        for value in ("drop", "pass"):
            self.assertEqual(self.refused({"underscores": value}), "")
        for value in ("on", "", True, None, ["drop"], {}):
            self.assertIn("edge.underscores", self.refused({"underscores": value}), value)

    def test_trusted_proxies_are_blocks_and_nothing_else_gets_into_a_configuration(self) -> None:
        many = [f"10.0.{index}.0/24" for index in range(257)]
        for blocks in ([], ["10.0.0.0/8"], ["192.0.2.1/32", "203.0.113.0/24"], many[:256]):
            self.assertEqual(self.refused({"trustedProxies": blocks}), "", blocks)
        for block in ("0.0.0.0/0", "0.0.0.0/7", "10.0.0.1/8", "10.0.0.0", "::/8", "10.0.0.0/8;", "10.0.0.0/8\n", 7, None, "a", [1], {}):
            self.assertIn("edge.trustedProxies", self.refused({"trustedProxies": [block]}), block)
        for blocks in ("10.0.0.0/8", {"10.0.0.0/8": 1}, None, many):
            self.assertIn("edge.trustedProxies", self.refused({"trustedProxies": blocks}))

    def test_what_is_no_map_is_refused_whole(self) -> None:
        for edge in ([], "", 7, None):
            self.assertIn("edge", self.refused(edge), edge)


class Rendering(unittest.TestCase):
    def test_every_place_of_the_template_is_filled(self) -> None:
        self.assertNotRegex(render(underscores="pass"), r"@\w+@")

    def test_each_setting_is_where_it_works(self) -> None:
        text = render(bodyMib=300, answerSeconds=7, idleSeconds=900, headerKib=64)
        for line in (
            "client_max_body_size 300m;",
            "client_max_body_size 10m;",
            "proxy_read_timeout 27s;",
            "proxy_send_timeout 27s;",
            "proxy_read_timeout 905s;",
            "large_client_header_buffers 4 16384;",
            "proxy_buffer_size 68k;",
            "underscores_in_headers off;",
        ):
            self.assertIn(line, text)
        self.assertIn("client_max_body_size 3m;\n            proxy_pass", render(bodyMib=3))

    def test_the_buffers_are_in_the_proportion_that_nginx_wants(self) -> None:
        for kib in range(8, 129):
            lines = " ".join(edge_settings.answer_buffers(kib))
            size, count, busy = (int(found) for found in re.findall(r"(\d+)k?(?: 4k)?;", lines))
            self.assertTrue(max(size, 4) <= busy <= (count - 1) * 4, lines)

    def test_each_spelling_of_a_header_of_the_edges_own_is_cleared_where_underscores_pass(self) -> None:
        text = render(underscores="pass")
        self.assertIn("underscores_in_headers on;", text)
        for name in ("X_Forwarded_For", "X-Forwarded_For", "X_Forwarded-For", "X_Real_IP", "X_Forwarded-Tls_Client-Cert"):
            self.assertIn(f'proxy_set_header {name} "";', text)
        for name in ("Content_Length", "Content_Type", "Transfer_Encoding"):
            self.assertIn(f'proxy_set_header {name} "";', text)
        self.assertNotIn("X_Forwarded_For", render())

    def test_each_spelling_of_a_wildcard_is_cleared_where_underscores_pass(self) -> None:
        self.assertEqual(
            edge_settings.respell("clear X-Forwarded-* X-Original-*;"),
            "clear X-Forwarded-* X-Forwarded_* X_Forwarded-* X_Forwarded_* X-Original-* X-Original_* X_Original-* X_Original_*;",
        )
        line = {"clear_headers": "more_clear_input_headers X-Forwarded-*;"}
        template = "@clear_headers@"
        self.assertIn("X_Forwarded_*", render_edge(template, {**DEFAULTS, "underscores": "pass"}, line))
        self.assertEqual(render_edge(template, DEFAULTS, line), "more_clear_input_headers X-Forwarded-*;")

    def test_nobody_is_trusted_who_is_not_named(self) -> None:
        self.assertNotIn("set_real_ip_from", render())
        text = render(trustedProxies=["10.0.0.0/8", "192.0.2.1/32"])
        self.assertEqual(re.findall(r"set_real_ip_from (\S+);", text), ["10.0.0.0/8", "192.0.2.1/32"])
        self.assertEqual(re.findall(r"^ +(\S+/\d+) 1;$", text, re.MULTILINE), ["10.0.0.0/8", "192.0.2.1/32"])

    def test_the_switch_has_its_own_three_files(self) -> None:
        files = render_switch({**DEFAULTS, "answerSeconds": 7, "idleSeconds": 900, "drainSeconds": 200, "headerKib": 64})
        self.assertEqual(files["drain.conf"], "worker_shutdown_timeout 200s;\n")
        self.assertEqual(files["websockets.conf"], "proxy_read_timeout 900s;\n")
        self.assertIn("proxy_send_timeout 7s;\nproxy_read_timeout 7s;\n", files["upstreams.conf"])
        self.assertIn("proxy_buffer_size 64k;", files["upstreams.conf"])


class Commands(Case):
    def run_it(self, told: object, *arguments: str) -> str:
        (self.folder / "edge.json").write_text(json.dumps(told))
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            edge_settings.main(arguments[0], str(self.folder / "edge.json"), *arguments[1:])
        return out.getvalue()

    def test_the_whole_configuration_is_printed(self) -> None:
        (self.folder / "template").write_text("user @edge_user@;\nsize @body_mib@m; # @named\n")
        text = self.run_it({"bodyMib": 20}, str(self.folder / "template"), "edge_user=nginx", "clear_headers=a=b;")
        self.assertEqual(text, "user nginx;\nsize 20m; # @named\n")

    def test_who_is_trusted_is_a_block_a_line(self) -> None:
        self.assertEqual(self.run_it({"trustedProxies": ["10.0.0.0/8", "192.0.2.1/32"]}, "trusted"), "10.0.0.0/8\n192.0.2.1/32\n")
        self.assertEqual(self.run_it({}, "trusted").strip(), "")

    def test_a_file_beyond_the_bounds_gives_nothing(self) -> None:
        for what in ("trusted", str(self.folder / "template")):
            with self.assertRaisesRegex(SystemExit, "out of bounds in edge.bodyMib$"):
                self.run_it({"bodyMib": 0}, what)


if __name__ == "__main__":
    unittest.main()
