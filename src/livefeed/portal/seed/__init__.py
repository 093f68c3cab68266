"""Seeds: the company of the demo, and a portal with nothing but its administrator."""

from livefeed.portal.seed.company import Seeded, SeededPerson, seed_demo, seed_empty, staff_of

__all__ = ["Seeded", "SeededPerson", "seed_demo", "seed_empty", "staff_of"]
