"""What a section found: tables, and goals beside figures; as Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True, slots=True)
class Spread:
    """One figure of several rounds."""

    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        return cls(tuple(values))

    @classmethod
    def ratio(cls, ours: Sequence[float], theirs: Sequence[float]) -> "Spread":
        """Round by round: what disturbed a round disturbed both of its figures."""
        return cls(tuple(one / other for one, other in zip(ours, theirs, strict=True)))

    @property
    def median(self) -> float:
        return median(self.values)

    def said(self, digits: int = 1) -> str:
        """The median; its least and greatest, where there are several: `12.3 (11.0–13.1)`."""
        middle = f"{self.median:.{digits}f}"
        if len(self.values) == 1:
            return middle
        return f"{middle} ({min(self.values):.{digits}f}–{max(self.values):.{digits}f})"


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure and what it is to reach: at least `bound`, or with `most` at most."""

    what: str
    figure: Spread
    bound: float
    unit: str = ""
    most: bool = False
    digits: int = 1

    @property
    def reached(self) -> bool:
        return self.figure.median <= self.bound if self.most else self.figure.median >= self.bound

    @property
    def row(self) -> tuple[str, str, str, str]:
        sign, unit = "≤" if self.most else "≥", f" {self.unit}" if self.unit else ""
        far = self.figure.median / self.bound if self.most else self.bound / self.figure.median
        verdict = "reached" if self.reached else f"**not reached**: × {far:.2f} away"
        return self.what, f"{sign} {self.bound:g}{unit}", f"{self.figure.said(self.digits)}{unit}", verdict


@dataclass
class Section:
    """What one section of the bench found."""

    name: str
    title: str
    tables: list[tuple[Sequence[str], Sequence[Sequence[str]]]] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def markdown(self) -> str:
        """The section as a chapter: its tables, its goals, its notes."""
        parts = [f"## {self.title}", *(table(head, rows) for head, rows in self.tables)]
        if self.goals:
            parts.append(table(("goal", "to reach", "measured", ""), [goal.row for goal in self.goals]))
        return "\n\n".join([*parts, *self.notes]) + "\n"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table: the first column words, the others figures."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of them do not exceed."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]
