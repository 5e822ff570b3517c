"""Link-layer types by number: which are decoded, what the well-known others are called (tcpdump.org/linktypes)."""

from __future__ import annotations

from sgsim.errors import CaptureError

ETHERNET = 1
SUPPORTED = frozenset({0, 1, 12, 14, 101, 108, 113, 228, 229, 276})

NAMES = {
    0: "NULL",
    1: "ETHERNET",
    2: "EXP_ETHERNET",
    3: "AX25",
    6: "IEEE802_5",
    7: "ARCNET_BSD",
    8: "SLIP",
    9: "PPP",
    10: "FDDI",
    12: "RAW",
    14: "RAW",
    50: "PPP_HDLC",
    51: "PPP_ETHER",
    100: "ATM_RFC1483",
    101: "RAW",
    104: "C_HDLC",
    105: "IEEE802_11",
    106: "ATM_CLIP",
    107: "FRELAY",
    108: "LOOP",
    113: "LINUX_SLL",
    114: "LTALK",
    117: "PFLOG",
    119: "IEEE802_11_PRISM",
    122: "IP_OVER_FC",
    123: "SUNATM",
    127: "IEEE802_11_RADIOTAP",
    129: "ARCNET_LINUX",
    132: "JUNIPER_ES",
    137: "JUNIPER_ATM1",
    138: "APPLE_IP_OVER_IEEE1394",
    143: "DOCSIS",
    **{147 + number: f"USER{number}" for number in range(16)},
    163: "IEEE802_11_AVS",
    164: "JUNIPER_MONITOR",
    165: "BACNET_MS_TP",
    166: "PPP_PPPD",
    178: "JUNIPER_ETHER",
    182: "MFR",
    187: "BLUETOOTH_HCI_H4",
    189: "USB_LINUX",
    192: "PPI",
    195: "IEEE802_15_4_WITHFCS",
    201: "BLUETOOTH_HCI_H4_WITH_PHDR",
    204: "PPP_WITH_DIR",
    220: "USB_LINUX_MMAPPED",
    226: "IPNET",
    227: "CAN_SOCKETCAN",
    228: "IPV4",
    229: "IPV6",
    230: "IEEE802_15_4_NOFCS",
    231: "DBUS",
    239: "NFLOG",
    249: "USBPCAP",
    251: "BLUETOOTH_LE_LL",
    252: "WIRESHARK_UPPER_PDU",
    253: "NETLINK",
    254: "BLUETOOTH_LINUX_MONITOR",
    258: "PKTAP",
    264: "ISO_14443",
    271: "VSOCK",
    272: "NORDIC_BLE",
    276: "LINUX_SLL2",
    280: "VPP_DISPATCH",
    281: "DSA_TAG_BRCM",
    282: "DSA_TAG_BRCM_PREPEND",
    283: "IEEE802_15_4_TAP",
    284: "DSA_TAG_DSA",
    285: "DSA_TAG_EDSA",
}


def described(link_type: int) -> str:
    """``105 (LINKTYPE_IEEE802_11)``, or the number alone."""
    return f"{link_type} (LINKTYPE_{NAMES[link_type]})" if link_type in NAMES else str(link_type)


def refused(file: str, link_types: list[int]) -> CaptureError:
    """The error for a capture none of whose links can be decoded."""
    kinds = ", ".join(described(link_type) for link_type in dict.fromkeys(link_types))
    return CaptureError(
        file, f"link type {kinds} is not supported; capture on an Ethernet, loopback, cooked or raw IP interface"
    )
