"""The calls to EC2 that change what sgsim judges by: what they take, what they answer, what they make.

Source: EC2 API reference (2016-11-15). Requests are complete, so that a name that is not here is a mistake; of answers
there is what says which ids AWS gave, and what else describes a thing that was made.
"""

from __future__ import annotations

from typing import NamedTuple

from sgsim.sources.changes.signatures import Member, signature


class Call(NamedTuple):
    """``request`` and ``answer`` in the notation of ``signatures``; ``makes`` are the beginnings of the ids of what it
    makes; ``about``: an event without any of these members changes nothing that is judged (none: every event does)."""

    request: str
    answer: str = ""
    makes: tuple[str, ...] = ()
    about: tuple[str, ...] = ()

    @property
    def takes(self) -> tuple[Member, ...]:
        return signature(self.request)

    @property
    def answers(self) -> tuple[Member, ...]:
        return signature(self.answer)


_TAGS = " Tags[Key Value]"
_TAG_SPECIFICATIONS = " TagSpecifications[ResourceType Tags[Key Value]]"
_DRY_RUN = " DryRun?"
_RETURN = "Return=_return?"

_PERMISSIONS = (
    " IpPermissions[IpProtocol FromPort# ToPort#"
    " UserIdGroupPairs=groups[GroupId UserId GroupName VpcId VpcPeeringConnectionId PeeringStatus Description]"
    " IpRanges[CidrIp Description] Ipv6Ranges[CidrIpv6 Description] PrefixListIds[PrefixListId Description]]"
)
_FLAT_PERMISSION = " IpProtocol FromPort# ToPort# CidrIp SourceSecurityGroupName SourceSecurityGroupOwnerId"
_AUTHORIZE = "GroupId GroupName" + _PERMISSIONS + _FLAT_PERMISSION + _TAG_SPECIFICATIONS + _DRY_RUN
_REVOKE = "GroupId GroupName SecurityGroupRuleIds[.securityGroupRuleId]" + _PERMISSIONS + _FLAT_PERMISSION + _DRY_RUN
_DESCRIBE_RULES = (
    "GroupId GroupName" + _PERMISSIONS + " SecurityGroupRuleDescriptions[SecurityGroupRuleId Description]" + _DRY_RUN
)
_RULE = "SecurityGroupRuleId GroupId IsEgress? IpProtocol FromPort# ToPort# CidrIpv4 CidrIpv6 PrefixListId"
_AUTHORIZED = (
    _RETURN
    + f" SecurityGroupRules[{_RULE} GroupOwnerId Description{_TAGS}"
    + " ReferencedGroupInfo(GroupId PeeringStatus UserId VpcId VpcPeeringConnectionId)]"
)
_REVOKED = _RETURN + f" RevokedSecurityGroupRules[{_RULE} ReferencedGroupId Description]"
_ASSOCIATION = "GroupId VpcId" + _DRY_RUN

_TIMEOUTS = "(TcpEstablishedTimeout# UdpStreamTimeout# UdpTimeout#)"
_NEW_ADDRESSES = (
    " PrivateIpAddress PrivateIpAddresses[PrivateIpAddress Primary?] SecondaryPrivateIpAddressCount#"
    " Ipv6Addresses[Ipv6Address IsPrimaryIpv6?] Ipv6AddressCount#"
    " Ipv4Prefixes=ipv4Prefix[Ipv4Prefix] Ipv4PrefixCount# Ipv6Prefixes=ipv6Prefix[Ipv6Prefix] Ipv6PrefixCount#"
    f" InterfaceType ConnectionTrackingSpecification{_TIMEOUTS}"
)
_ASSOCIATED = " Association(PublicIp CarrierIp)"
_INTERFACE = (
    "NetworkInterfaceId SubnetId VpcId AvailabilityZone OwnerId RequesterId RequesterManaged? Status InterfaceType"
    f" Description SourceDestCheck? PrivateIpAddress PrivateIpAddresses[PrivateIpAddress Primary?{_ASSOCIATED}]"
    " Ipv6Addresses[Ipv6Address IsPrimaryIpv6?] Ipv4Prefixes[Ipv4Prefix] Ipv6Prefixes[Ipv6Prefix]"
    f" Groups[GroupId GroupName]{_ASSOCIATED} ConnectionTrackingConfiguration{_TIMEOUTS}"
    " Attachment(AttachmentId DeviceIndex# NetworkCardIndex# InstanceId InstanceOwnerId Status DeleteOnTermination?)"
    " TagSet[Key Value]"
)

_RUN_INSTANCES = (
    "MinCount# MaxCount# ImageId InstanceType SubnetId PrivateIpAddress"
    " SecurityGroupIds=groupSet[.groupId] SecurityGroups=groupSet[.groupName]"
    " Ipv6Addresses=ipv6Address[Ipv6Address IsPrimaryIpv6?] Ipv6AddressCount#"
    " NetworkInterfaces[NetworkInterfaceId DeviceIndex# NetworkCardIndex# SubnetId Description DeleteOnTermination?"
    " Groups=securityGroupId[.groupId] AssociatePublicIpAddress? AssociateCarrierIpAddress?"
    f"{_NEW_ADDRESSES} PrimaryIpv6? EnaSrdSpecification* EnaQueueCount#]"
    " BlockDeviceMappings* KernelId KeyName Monitoring* Placement* RamdiskId UserData ElasticGpuSpecification*"
    " ElasticInferenceAccelerators* LaunchTemplate* InstanceMarketOptions* CreditSpecification* CpuOptions*"
    " CapacityReservationSpecification* HibernationOptions* LicenseSpecifications* MetadataOptions* EnclaveOptions*"
    " PrivateDnsNameOptions* MaintenanceOptions* DisableApiStop? EnablePrimaryIpv6? NetworkPerformanceOptions*"
    " Operator* SecondaryInterfaces* DisableApiTermination? InstanceInitiatedShutdownBehavior ClientToken"
    " AdditionalInfo IamInstanceProfile* EbsOptimized?" + _TAG_SPECIFICATIONS + _DRY_RUN
)
_INSTANCE = f"InstanceId ImageId InstanceType SubnetId VpcId PrivateIpAddress NetworkInterfaces[{_INTERFACE}]{_TAGS}"
_MODIFY_INTERFACE = (
    "NetworkInterfaceId Groups=securityGroupId[.groupId]"
    f" ConnectionTrackingSpecification{_TIMEOUTS} Description(Value) SourceDestCheck(Value?)"
    " Attachment(AttachmentId DeleteOnTermination? DefaultEnaQueueCount? EnaQueueCount#) EnaSrdSpecification*"
    " EnablePrimaryIpv6? AssociatePublicIpAddress? AssociatedSubnetIds*" + _DRY_RUN
)
_MODIFY_INSTANCE = (
    "InstanceId Groups=groupId[.groupId] Attribute Value SourceDestCheck(Value?) BlockDeviceMappings*"
    " DisableApiTermination* DisableApiStop* InstanceType* Kernel* Ramdisk* UserData* EnclaveOptions*"
    " InstanceInitiatedShutdownBehavior* EbsOptimized* SriovNetSupport* EnaSupport*" + _DRY_RUN
)
_ADDRESSES4 = "NetworkInterfaceId PrivateIpAddresses=privateIpAddress[.privateIpAddress] Ipv4Prefixes=ipv4Prefix[]"
_ADDRESSES6 = "NetworkInterfaceId Ipv6Addresses[.ipv6Address] Ipv6Prefixes=ipv6Prefix[]"

_PREFIX_LIST = "PrefixList(PrefixListId PrefixListName AddressFamily MaxEntries# Version# OwnerId State)"
_PEERING = (
    "VpcPeeringConnection(VpcPeeringConnectionId Status(Code Message)"
    " RequesterVpcInfo(VpcId OwnerId Region CidrBlock) AccepterVpcInfo(VpcId OwnerId Region CidrBlock))"
)
_PEERING_ID = "VpcPeeringConnectionId" + _DRY_RUN
_MORE_CIDRS = " Ipv6CidrBlock Ipv4IpamPoolId* Ipv4NetmaskLength* Ipv6IpamPoolId* Ipv6NetmaskLength*"
_ADDRESS_POOLS = _MORE_CIDRS + _TAG_SPECIFICATIONS + _DRY_RUN
_VPC = f"VpcId CidrBlock IsDefault? OwnerId Ipv6CidrBlockAssociationSet[Ipv6CidrBlock]{_TAGS}"
_TAGGING = "Resources=resourceId[.resourceId]" + _TAGS + _DRY_RUN

CALLS = {
    "CreateSecurityGroup": Call(
        "GroupName Description=groupDescription VpcId" + _TAG_SPECIFICATIONS + _DRY_RUN, "GroupId" + _TAGS, ("sg-",)
    ),
    "DeleteSecurityGroup": Call("GroupId GroupName" + _DRY_RUN),
    "AuthorizeSecurityGroupIngress": Call(_AUTHORIZE, _AUTHORIZED, ("sgr-",)),
    "AuthorizeSecurityGroupEgress": Call(_AUTHORIZE.replace(" GroupName", "", 1), _AUTHORIZED, ("sgr-",)),
    "RevokeSecurityGroupIngress": Call(_REVOKE, _REVOKED),
    "RevokeSecurityGroupEgress": Call(_REVOKE.replace(" GroupName", "", 1), _REVOKED),
    "ModifySecurityGroupRules": Call(
        "GroupId SecurityGroupRules[SecurityGroupRuleId SecurityGroupRule(IpProtocol FromPort# ToPort#"
        " CidrIpv4 CidrIpv6 PrefixListId ReferencedGroupId Description)]" + _DRY_RUN,
        _RETURN,
    ),
    "UpdateSecurityGroupRuleDescriptionsIngress": Call(_DESCRIBE_RULES, _RETURN),
    "UpdateSecurityGroupRuleDescriptionsEgress": Call(_DESCRIBE_RULES, _RETURN),
    "AssociateSecurityGroupVpc": Call(_ASSOCIATION, "State"),
    "DisassociateSecurityGroupVpc": Call(_ASSOCIATION, "State"),
    "CreateNetworkInterface": Call(
        f"SubnetId Description Groups=securityGroupId[.groupId]{_NEW_ADDRESSES}"
        f" ClientToken EnablePrimaryIpv6? Operator*{_TAG_SPECIFICATIONS}{_DRY_RUN}",
        f"NetworkInterface({_INTERFACE})",
        ("eni-",),
    ),
    "DeleteNetworkInterface": Call("NetworkInterfaceId" + _DRY_RUN),
    "AttachNetworkInterface": Call(
        "NetworkInterfaceId InstanceId DeviceIndex# NetworkCardIndex# EnaSrdSpecification* EnaQueueCount*" + _DRY_RUN,
        "AttachmentId NetworkCardIndex#",
        ("eni-attach-",),
    ),
    "DetachNetworkInterface": Call("AttachmentId Force?" + _DRY_RUN),
    "ModifyNetworkInterfaceAttribute": Call(
        _MODIFY_INTERFACE, about=("Groups", "ConnectionTrackingSpecification", "Attachment")
    ),
    "ModifyInstanceAttribute": Call(_MODIFY_INSTANCE, about=("Groups",)),
    "AssignPrivateIpAddresses": Call(
        _ADDRESSES4 + " SecondaryPrivateIpAddressCount# Ipv4PrefixCount# AllowReassignment?",
        "NetworkInterfaceId AssignedPrivateIpAddresses[PrivateIpAddress] AssignedIpv4Prefixes[Ipv4Prefix]",
    ),
    "UnassignPrivateIpAddresses": Call(_ADDRESSES4),
    "AssignIpv6Addresses": Call(
        _ADDRESSES6 + " Ipv6AddressCount# Ipv6PrefixCount#",
        "NetworkInterfaceId AssignedIpv6Addresses[] AssignedIpv6Prefixes[]",
    ),
    "UnassignIpv6Addresses": Call(_ADDRESSES6),
    "RunInstances": Call(
        _RUN_INSTANCES, f"ReservationId OwnerId Instances[{_INSTANCE}]", ("i-", "eni-", "eni-attach-")
    ),
    "TerminateInstances": Call("InstanceIds=instancesSet[.instanceId] Force? SkipOsShutdown?" + _DRY_RUN),
    "CreateManagedPrefixList": Call(
        "PrefixListName AddressFamily MaxEntries# Entries[Cidr Description] ClientToken"
        + _TAG_SPECIFICATIONS
        + _DRY_RUN,
        _PREFIX_LIST,
        ("pl-",),
    ),
    "ModifyManagedPrefixList": Call(
        "PrefixListId CurrentVersion# PrefixListName AddEntries[Cidr Description] RemoveEntries[Cidr] MaxEntries#"
        " IpamPrefixListResolverSyncEnabled*" + _DRY_RUN,
        _PREFIX_LIST,
    ),
    "DeleteManagedPrefixList": Call("PrefixListId" + _DRY_RUN, _PREFIX_LIST),
    "RestoreManagedPrefixListVersion": Call("PrefixListId PreviousVersion# CurrentVersion#" + _DRY_RUN, _PREFIX_LIST),
    "CreateVpcPeeringConnection": Call(
        "VpcId PeerVpcId PeerOwnerId PeerRegion RequesterPeeringConnectionOptions*" + _TAG_SPECIFICATIONS + _DRY_RUN,
        _PEERING,
        ("pcx-",),
    ),
    "AcceptVpcPeeringConnection": Call(_PEERING_ID, _PEERING),
    "RejectVpcPeeringConnection": Call(_PEERING_ID, _RETURN),
    "DeleteVpcPeeringConnection": Call(_PEERING_ID, _RETURN),
    "CreateVpc": Call(
        "CidrBlock InstanceTenancy AmazonProvidedIpv6CidrBlock? Ipv6Pool* Ipv6CidrBlockNetworkBorderGroup*"
        " VpcEncryptionControl*" + _ADDRESS_POOLS,
        f"Vpc({_VPC})",
        ("vpc-",),
    ),
    "CreateDefaultVpc": Call("DryRun?", f"Vpc({_VPC})", ("vpc-",)),
    "DeleteVpc": Call("VpcId" + _DRY_RUN),
    "AssociateVpcCidrBlock": Call(
        "VpcId CidrBlock AmazonProvidedIpv6CidrBlock? Ipv6Pool* Ipv6CidrBlockNetworkBorderGroup*" + _MORE_CIDRS,
        "VpcId CidrBlockAssociation(AssociationId CidrBlock) Ipv6CidrBlockAssociation(AssociationId Ipv6CidrBlock)",
        ("vpc-cidr-assoc-",),
    ),
    "DisassociateVpcCidrBlock": Call("AssociationId", "VpcId"),
    "CreateSubnet": Call(
        "VpcId CidrBlock AvailabilityZone AvailabilityZoneId OutpostArn* Ipv6Native?" + _ADDRESS_POOLS,
        f"Subnet(SubnetId VpcId CidrBlock AvailabilityZone OwnerId{_TAGS})",
        ("subnet-",),
    ),
    "DeleteSubnet": Call("SubnetId" + _DRY_RUN),
    "CreateTags": Call(_TAGGING),
    "DeleteTags": Call(_TAGGING),
}
