"""How pictures go bad: batched, seeded, on the training device."""
