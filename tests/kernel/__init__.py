"""sgsim against the Linux kernel: the same packets through nftables with connection tracking, in network namespaces.

The kernel's firewall is a second opinion from people who never saw this project. Where it and the semantics differ on
purpose, a test says so and holds both answers.
"""
