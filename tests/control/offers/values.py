"""Few values, so that they meet each other: good ones, and such as are refused."""

from __future__ import annotations

from typing import Any

NAMES = ("web", "Web", "db", "db ", "app", "cache", "a name-of_255./()#,@[]+=&;{}!$*:")
BAD_NAMES = ("default", "Default", "sg-web", "wéb", "n" * 256, "bar|", "", None)
DESCRIPTIONS = ("A group", "", "d" * 255, "a b-c_d./()#,@[]+=&;{}!$*:")
BAD_DESCRIPTIONS = ("für alle", "d" * 256, "it's", "a\nb")
BLOCKS = ("0.0.0.0/0", "10.0.0.0/8", "10.1.2.3/8", "192.0.2.0/24", "192.0.2.77/24", "198.51.100.7/32", "10.0.0.0/16")
BLOCKS6 = ("::/0", "::0/0", "2001:DB8::/32", "2001:db8:0::1/32", "2001:db8:1::/48", "fd00::5/128")
BAD_BLOCKS = ("nonsense", "10.0.0.0/33", "10.0.0.1", "10.0.0.300/8", "", "10.0.0.0/8 ", "::/129", "1.2.3.4/0x1", None)
SERVICES: tuple[tuple[Any, Any, Any], ...] = (
    *((("tcp", 22, 22),) * 3),
    ("tcp", 22, 23),
    ("6", 22, 22),
    ("tcp", 0, 65535),
    ("udp", 53, 53),
    ("17", 53, 53),
    ("-1", None, None),
    ("-1", 0, 0),
    ("-1", 22, 80),
    ("icmp", -1, -1),
    ("icmp", 8, -1),
    ("1", 8, -1),
    ("icmp", 3, 4),
    ("icmpv6", None, None),
    ("icmpv6", -1, -1),
    ("58", 128, -1),
    ("50", None, None),
    ("50", 1, 2),
    ("132", 22, 22),
)
BAD_SERVICES: tuple[tuple[Any, Any, Any], ...] = (
    (None, 22, 22),
    ("all", None, None),
    ("sctp", None, None),
    ("256", None, None),
    ("-2", None, None),
    ("", None, None),
    ("tcp", None, None),
    ("udp", 53, None),
    ("tcp", None, 53),
    ("tcp", -1, -1),
    ("tcp", 80, 22),
    ("udp", 0, 65536),
    ("icmp", None, None),
    ("icmp", 0, 65535),
    ("icmp", 256, 0),
    ("icmp", -1, 4),
    ("icmp", 8, -2),
    ("icmpv6", 300, 0),
)
PLACES = ("10.0.0.0/16", "10.1.0.0/16", "10.2.0.0/16", "10.1.128.0/17", "172.31.0.0/16")
TAGS = ("Name", "team", "a b", "Team")
