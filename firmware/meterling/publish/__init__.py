"""From a `Reading` to the world: the outbox, and one module for each way out."""
