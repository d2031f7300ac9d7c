"""Which products of moments make the scalars of a moment tensor potential of a given level.

A moment M(mu, nu) is a symmetric tensor of rank nu with the radial function mu. A scalar is a
product of moments whose indices are all contracted in pairs: a graph with a moment at each vertex
and as many edges between two vertices as indices are contracted. Its level is the sum of
2 + 4 mu + nu over the vertices; a potential of level L has all scalars up to it that have at most
four vertices, as MLIP-2's do. A graph that falls into parts is the product of their scalars.

A connected graph is contracted vertex by vertex. Of what is contracted so far, only the sum over
all index tuples with given exponents of x, y and z is kept for each vertex that is still to come,
because its tensor is symmetric; such sums are numbers, and every step adds products of two.

Source: A. V. Shapeev, Multiscale Model. Simul. 14, 1153 (2016); levels as in I. S. Novikov et al.,
Mach. Learn.: Sci. Technol. 2, 025002 (2021).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from itertools import combinations, permutations, product
from math import factorial

MOST_MOMENTS = 4
"""Moments in a product."""

Exponents = tuple[int, int, int]
Graph = tuple[tuple[int, ...], tuple[int, ...]]
"""mu of each vertex, and the number of edges of each pair of vertices in `combinations` order."""


@dataclass(frozen=True)
class ContractionTable:
    """How scalars are computed from moments, in the form of MLIP-2's files.

    Attributes:
        basic: (mu, x, y, z) of each component of a moment that is summed over neighbors.
        products: (i, j, factor, k): value k gains the factor times value i times value j; the
            values before `len(basic)` are the components, and every value is whole before it is
            used.
        scalars: The values that are scalars.
    """

    basic: tuple[tuple[int, int, int, int], ...]
    products: tuple[tuple[int, int, int, int], ...]
    scalars: tuple[int, ...]


def contraction_table(level: int) -> ContractionTable:
    """All scalars up to a level that are products of at most four moments.

    Args:
        level: Even number, at least 2.
    """
    builder = _Builder()
    connected = [graph for graph in _connected_graphs(level)]
    single = {graph: builder.contract(graph) for graph in connected}
    scalars = list(single.values())
    for chosen in _multisets(connected, level):
        value = single[chosen[0]]
        for graph in chosen[1:]:
            value = builder.times(value, single[graph])
        scalars.append(value)
    return builder.table(scalars)


def graph_level(graph: Graph) -> int:
    """Sum of 2 + 4 mu + nu over the vertices."""
    moments, edges = graph
    return sum(2 + 4 * mu for mu in moments) + 2 * sum(edges)


def _connected_graphs(level: int) -> list[Graph]:
    """One of each class of connected graphs up to a level, in rising order of it."""
    found: dict[Graph, None] = {}
    vertices = 1
    while (
        vertices <= MOST_MOMENTS and 4 * vertices - 2 <= level
    ):  # connected graphs have at least vertices - 1 edges
        for moments in _rising((level - 4 * vertices + 2) // 4, vertices):
            most = (level - sum(2 + 4 * mu for mu in moments)) // 2
            for edges in _weights(len(list(combinations(range(vertices), 2))), most):
                if _is_connected(vertices, edges):
                    found.setdefault(_canonical((moments, edges)))
        vertices += 1
    return sorted(found, key=lambda graph: (graph_level(graph), len(graph[0]), graph))


def _rising(total: int, length: int, least: int = 0) -> list[tuple[int, ...]]:
    """Rising sequences of numbers from `least` on with a sum up to `total`."""
    if length == 0:
        return [()]
    return [
        (first, *rest)
        for first in range(least, total // length + 1)
        for rest in _rising(total - first, length - 1, first)
    ]


def _weights(length: int, total: int) -> list[tuple[int, ...]]:
    """Sequences of numbers from 0 on with a sum up to `total`."""
    if length == 0:
        return [()]
    return [
        (first, *rest) for first in range(total + 1) for rest in _weights(length - 1, total - first)
    ]


def _is_connected(vertices: int, edges: tuple[int, ...]) -> bool:
    group = list(range(vertices))
    for (i, j), count in zip(combinations(range(vertices), 2), edges, strict=True):
        if count:
            group = [group[i] if own == group[j] else own for own in group]
    return len(set(group)) == 1


def _canonical(graph: Graph) -> Graph:
    """The graph with its vertices in the order that puts it last among its equals."""
    moments = graph[0]
    number = len(moments)
    matrix = _matrix(graph)
    marks = [(moments[i], sum(matrix[i]), tuple(sorted(matrix[i]))) for i in range(number)]
    classes = [[i for i in range(number) if marks[i] == mark] for mark in sorted(set(marks))]
    pairs = list(combinations(range(number), 2))
    orders = (sum(order, ()) for order in product(*map(permutations, classes)))
    best = max((tuple(matrix[order[i]][order[j]] for i, j in pairs), order) for order in orders)
    return tuple(moments[i] for i in best[1]), best[0]


def _matrix(graph: Graph) -> list[list[int]]:
    moments, edges = graph
    matrix = [[0] * len(moments) for _ in moments]
    for (i, j), count in zip(combinations(range(len(moments)), 2), edges, strict=True):
        matrix[i][j] = matrix[j][i] = count
    return matrix


def _multisets(graphs: list[Graph], level: int) -> list[tuple[Graph, ...]]:
    """Products of two or more graphs up to a level and of at most four moments."""
    found: list[tuple[Graph, ...]] = []

    def extend(chosen: tuple[Graph, ...], start: int, level: int, moments: int) -> None:
        for index in range(start, len(graphs)):
            level_left = level - graph_level(graphs[index])
            moments_left = moments - len(graphs[index][0])
            if level_left < 0:
                break  # they are sorted by level
            if moments_left < 0:
                continue
            extended = (*chosen, graphs[index])
            if len(extended) > 1:
                found.append(extended)
            extend(extended, index, level_left, moments_left)

    extend((), 0, level, MOST_MOMENTS)
    return found


Terms = tuple[tuple[int, int, int], ...]
Open = tuple[tuple[int, Exponents], ...]
"""Exponents of the indices that wait for each vertex still to come."""


@dataclass
class _Builder:
    """Collects components and products; equal ones are made once."""

    basic: dict[tuple[int, int, int, int], int] = field(default_factory=dict)
    values: dict[Terms, int] = field(default_factory=dict)

    def component(self, mu: int, exponents: Exponents) -> int:
        """Number of a component of a moment, counted from -1 downwards until the table is made."""
        return self.basic.setdefault((mu, *exponents), -1 - len(self.basic))

    def value(self, terms: Counter[tuple[int, int]]) -> int:
        """Number of a sum of products, given the factor of each pair of values."""
        key = tuple(sorted((*pair, factor) for pair, factor in terms.items()))
        return self.values.setdefault(key, len(self.values))

    def times(self, first: int, second: int) -> int:
        """Number of the product of two values."""
        return self.value(Counter({(min(first, second), max(first, second)): 1}))

    def contract(self, graph: Graph) -> int:
        """Number of the scalar of a connected graph."""
        matrix = _matrix(graph)
        done = [_first_vertex(matrix)]
        partial = self._start(graph, done[0])
        while len(done) < len(matrix):
            following = _next_vertex(matrix, done)
            partial = self._add(graph, partial, done, following)
            done.append(following)
        [(_, value)] = partial.values()
        return value

    def _start(self, graph: Graph, vertex: int) -> dict[Open, tuple[int, int]]:
        """Factor and component for all exponents of the open indices of one vertex."""
        waiting = [(k, count) for k, count in enumerate(_matrix(graph)[vertex]) if count]
        return {
            opened: (_tuples(opened), self.component(graph[0][vertex], _total(opened)))
            for opened in _openings(waiting)
        }

    def _add(
        self, graph: Graph, partial: dict[Open, tuple[int, int]], done: list[int], vertex: int
    ) -> dict[Open, tuple[int, int]]:
        """Contract one vertex more into what is there."""
        matrix, rest = _matrix(graph), set(range(len(graph[0]))) - {*done, vertex}
        own = [(k, matrix[vertex][k]) for k in sorted(rest) if matrix[vertex][k]]
        sums: dict[Open, Counter[tuple[int, int]]] = {}
        for opened, (factor, value) in partial.items():
            waiting = dict(opened)
            meeting = waiting.pop(vertex)
            for added in _openings(own):
                exponents = _total((*added, (vertex, meeting)))
                component = self.component(graph[0][vertex], exponents)
                merged = dict(waiting)
                for k, more in added:
                    merged[k] = _plus(merged.get(k, (0, 0, 0)), more)
                terms = sums.setdefault(tuple(sorted(merged.items())), Counter())
                pair = (min(value, component), max(value, component))
                terms[pair] += factor * _tuples(added)
        return {opened: (1, self.value(terms)) for opened, terms in sums.items()}

    def table(self, scalars: list[int]) -> ContractionTable:
        """The table; components come first, those of each moment together."""
        basic = sorted(self.basic, key=lambda c: (c[0], sum(c[1:]), [-e for e in c[1:]]))
        number = {self.basic[component]: index for index, component in enumerate(basic)}
        number.update({value: len(basic) + value for value in self.values.values()})
        products = tuple(
            (number[first], number[second], factor, number[value])
            for terms, value in self.values.items()
            for first, second, factor in terms
        )
        return ContractionTable(tuple(basic), products, tuple(number[value] for value in scalars))


def _first_vertex(matrix: list[list[int]]) -> int:
    """The vertex to start with: the fewest open indices."""
    return min(range(len(matrix)), key=lambda i: (sum(matrix[i]), i))


def _next_vertex(matrix: list[list[int]], done: list[int]) -> int:
    """The neighbor of what is done that leaves the fewest components open."""

    def components_left(vertex: int) -> int:
        inside = [*done, vertex]
        left = 1
        for k in set(range(len(matrix))) - set(inside):
            left *= len(_exponents(sum(matrix[i][k] for i in inside)))
        return left

    reached = [k for k in range(len(matrix)) if k not in done and any(matrix[i][k] for i in done)]
    return min(reached, key=lambda k: (components_left(k), k))


@cache
def _exponents(degree: int) -> tuple[Exponents, ...]:
    """All exponents of x, y and z of one degree."""
    return tuple(
        (a, b, degree - a - b) for a in range(degree, -1, -1) for b in range(degree - a, -1, -1)
    )


def _openings(waiting: list[tuple[int, int]]) -> list[Open]:
    """All exponents for so many indices towards each vertex."""
    choices = [[(k, exponents) for exponents in _exponents(degree)] for k, degree in waiting]
    return list(product(*choices))


def _tuples(opened: Open) -> int:
    """Number of tuples of indices that have these exponents."""
    count = 1
    for _, (a, b, c) in opened:
        count *= factorial(a + b + c) // (factorial(a) * factorial(b) * factorial(c))
    return count


def _total(opened: Open) -> Exponents:
    total = (0, 0, 0)
    for _, exponents in opened:
        total = _plus(total, exponents)
    return total


def _plus(first: Exponents, second: Exponents) -> Exponents:
    return first[0] + second[0], first[1] + second[1], first[2] + second[2]
