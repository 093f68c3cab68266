"""How metrics have grown since a moment: those of this process, which other tests have moved before."""

from livefeed.telemetry import REGISTRY


class Grown:
    """Remembers how metrics stood when it was made."""

    def __init__(self) -> None:
        self._before = _samples()

    def __call__(self, name: str, **labels: str) -> float:
        """By how much ``livefeed_`` + ``name`` has grown since, with these labels."""
        key = f"livefeed_{name}", frozenset(labels.items())
        now = _samples()
        assert any(one == key[0] for one, _ in now), f"there is no {key[0]}"
        return now.get(key, 0) - self._before.get(key, 0)


def _samples() -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in REGISTRY.collect()
        for sample in family.samples
    }
