"""What delivers the model: the verbs that the workflows in .github/workflows call, and a laptop can."""
