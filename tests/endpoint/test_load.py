"""Many clients at once: nothing is lost, nothing is done twice."""

from __future__ import annotations

import threading
from collections import Counter

from sgsim.sources import load_topology
from tests.endpoint.clients import Answer, Plain

CLIENTS = 32
ROUNDS = 52  # of 6 calls each: 9,984 calls, and a few before and after


class Client(threading.Thread):
    """Changes a group of its own and one that all change; remembers what it was told is there."""

    def __init__(self, url: str, number: int, shared: str) -> None:
        super().__init__()
        self.url, self.number, self.shared = url, number, shared
        self.kept: dict[str, str] = {}  # rules that are to be there at the end: id, CIDR
        self.wins = 0
        self.problems: list[object] = []

    def run(self) -> None:
        with Plain(self.url) as plain:
            own = plain.call("CreateSecurityGroup", GroupName=f"own-{self.number}", GroupDescription="its own")
            (group,) = own.all("groupId")
            for turn in range(ROUNDS):
                self._round(plain, group, f"10.{self.number}.{turn}.0/24", keeps=turn % 2 == 0)
            self.wins = self._authorize(plain, self.shared, "192.0.2.0/24").status == 200

    def _round(self, plain: Plain, group: str, cidr: str, keeps: bool) -> None:
        (own,) = self._authorize(plain, group, cidr).all("securityGroupRuleId")
        (common,) = self._authorize(plain, self.shared, cidr).all("securityGroupRuleId")
        shown = plain.call("DescribeSecurityGroups", GroupId_1=self.shared)
        if shown.all("cidrIp").count(cidr) != 1:
            self.problems.append(shown)
        answers = [plain.call("RevokeSecurityGroupIngress", GroupId=self.shared, SecurityGroupRuleId_1=common)]
        if keeps:
            self.kept[own] = cidr
            answers.append(plain.call("DescribeSecurityGroupRules", SecurityGroupRuleId_1=own))
        else:
            answers.append(plain.call("RevokeSecurityGroupIngress", GroupId=group, SecurityGroupRuleId_1=own))
        answers.append(plain.call("DescribeVpcs"))
        self.problems += [answer for answer in answers if answer.status != 200]

    @staticmethod
    def _authorize(plain: Plain, group: str, cidr: str) -> Answer:
        rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": cidr}
        return plain.call("AuthorizeSecurityGroupIngress", GroupId=group, **rule)


def test_ten_thousand_calls_of_thirty_two_clients(serving, tmp_path):
    """Every answered call is there exactly once, and of one rule that all try to make, one client made it."""
    url = serving("--state", tmp_path / "state.json").url
    with Plain(url) as plain:
        (shared,) = plain.call("CreateSecurityGroup", GroupName="shared", GroupDescription="of all").all("groupId")
        clients = [Client(url, number, shared) for number in range(CLIENTS)]
        for each in clients:
            each.start()
        for each in clients:
            each.join()
        found = plain.call("DescribeSecurityGroupRules")
    assert not [problem for each in clients for problem in each.problems]
    rules = set(found.all("securityGroupRuleId"))
    assert sum(each.wins for each in clients) == 1
    made = Counter(cidr for cidr in found.all("cidrIpv4") if cidr != "0.0.0.0/0")
    expected = Counter(cidr for each in clients for cidr in each.kept.values())
    assert made == expected + Counter(["192.0.2.0/24"])
    assert rules >= {rule for each in clients for rule in each.kept}
    topology = load_topology(tmp_path / "state.json", strict=True)
    assert len(topology.groups) == CLIENTS + 2
    assert {rule.rule_id for group in topology.groups.values() for rule in group.ingress} >= {
        rule for each in clients for rule in each.kept
    }
