"""Many clients at once: nothing is lost, nothing is done twice."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from sgsim.sources import load_topology
from tests.endpoint.clients import Answer, Plain

CLIENTS = 32
ROUNDS = 52  # of 6 calls each: 9,984 calls, and a few before and after


def rule(group: str, cidr: str) -> dict[str, object]:
    return {"GroupId": group, "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": cidr}


def answered(plain: Plain, action: str, **params: object) -> Answer:
    """The answer of a call that must succeed."""
    answer = plain.call(action, **params)
    assert answer.status == 200, answer
    return answer


class Client:
    """Changes a group of its own and one that all change; remembers what it was told is there."""

    def __init__(self, url: str, number: int, shared: str) -> None:
        self.url, self.number, self.shared = url, number, shared
        self.kept: dict[str, str] = {}  # rules that are to be there at the end: id, CIDR
        self.wins = 0

    def run(self) -> None:
        with Plain(self.url) as plain:
            own = answered(plain, "CreateSecurityGroup", GroupName=f"own-{self.number}", GroupDescription="its own")
            (group,) = own.all("groupId")
            for turn in range(ROUNDS):
                self._round(plain, group, f"10.{self.number}.{turn}.0/24", keeps=turn % 2 == 0)
            self.wins = plain.call("AuthorizeSecurityGroupIngress", **rule(self.shared, "192.0.2.0/24")).status == 200

    def _round(self, plain: Plain, group: str, cidr: str, keeps: bool) -> None:
        (own,) = answered(plain, "AuthorizeSecurityGroupIngress", **rule(group, cidr)).all("securityGroupRuleId")
        (common,) = answered(plain, "AuthorizeSecurityGroupIngress", **rule(self.shared, cidr)).all(
            "securityGroupRuleId"
        )
        shown = answered(plain, "DescribeSecurityGroups", GroupId_1=self.shared)
        assert shown.all("cidrIp").count(cidr) == 1, shown
        answered(plain, "RevokeSecurityGroupIngress", GroupId=self.shared, SecurityGroupRuleId_1=common)
        if keeps:
            self.kept[own] = cidr
            answered(plain, "DescribeSecurityGroupRules", SecurityGroupRuleId_1=own)
        else:
            answered(plain, "RevokeSecurityGroupIngress", GroupId=group, SecurityGroupRuleId_1=own)
        answered(plain, "DescribeVpcs")


def test_ten_thousand_calls_of_thirty_two_clients(serving, tmp_path):
    """Every answered call is there exactly once, and of one rule that all try to make, one client made it."""
    url = serving("--state", tmp_path / "state.json").url
    with Plain(url) as plain:
        (shared,) = plain.call("CreateSecurityGroup", GroupName="shared", GroupDescription="of all").all("groupId")
        clients = [Client(url, number, shared) for number in range(CLIENTS)]
        with ThreadPoolExecutor(CLIENTS) as threads:
            for done in [threads.submit(each.run) for each in clients]:
                done.result()
        found = plain.call("DescribeSecurityGroupRules")
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
