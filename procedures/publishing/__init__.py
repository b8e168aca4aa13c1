"""Publishing and everything around it. Each state transition has exactly one function that performs it."""
