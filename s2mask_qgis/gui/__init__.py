"""What the user sees and touches: the dock, its task, map tools and messages."""
