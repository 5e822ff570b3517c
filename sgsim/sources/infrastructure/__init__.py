"""What Terraform and CloudFormation have in common: values that nobody knows yet, and the way from drafts of groups,
rules and interfaces to a Topology."""
