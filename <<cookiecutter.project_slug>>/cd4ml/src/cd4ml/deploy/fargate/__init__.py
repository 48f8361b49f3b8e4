"""AWS Fargate by ECS Express Mode: what a service does, the commands that change it, and how ECS moves traffic."""
