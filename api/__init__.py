"""The doors: everything that touches a person, a table, the clock or the environment."""
