# A database that web servers ask directly is about to get an application tier between. plan.json is the plan for this
# configuration, in the form of `terraform show -json`; the network, web and db exist already.

resource "aws_vpc" "main" {
  cidr_block = "10.0.0.0/16"
}

resource "aws_subnet" "main" {
  vpc_id     = aws_vpc.main.id
  cidr_block = "10.0.1.0/24"
}

resource "aws_security_group" "tier" {
  for_each = toset(["web", "app", "db"])
  name     = each.key
  vpc_id   = aws_vpc.main.id
}

resource "aws_instance" "tier" {
  for_each               = { web = "10.0.1.10", app = "10.0.1.20", db = "10.0.1.30" }
  ami                    = "ami-0abcdef1234567890"
  instance_type          = "t3.micro"
  subnet_id              = aws_subnet.main.id
  private_ip             = each.value
  vpc_security_group_ids = [aws_security_group.tier[each.key].id]
  tags                   = { Name = each.key }
}

resource "aws_vpc_security_group_egress_rule" "web_app" {
  security_group_id            = aws_security_group.tier["web"].id
  ip_protocol                  = "tcp"
  from_port                    = 8080
  to_port                      = 8080
  referenced_security_group_id = aws_security_group.tier["app"].id
}

resource "aws_vpc_security_group_ingress_rule" "app_web" {
  security_group_id            = aws_security_group.tier["app"].id
  ip_protocol                  = "tcp"
  from_port                    = 8080
  to_port                      = 8080
  referenced_security_group_id = aws_security_group.tier["web"].id
}

resource "aws_vpc_security_group_egress_rule" "app_db" {
  security_group_id            = aws_security_group.tier["app"].id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
  referenced_security_group_id = aws_security_group.tier["db"].id
}

resource "aws_vpc_security_group_ingress_rule" "db_app" {
  security_group_id            = aws_security_group.tier["db"].id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
  referenced_security_group_id = aws_security_group.tier["app"].id
}
