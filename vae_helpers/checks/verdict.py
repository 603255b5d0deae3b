"""How a check of an exercise reaches its verdict; the exercises themselves are in the modules beside this one.

A check calls the learner's function on small random inputs, drawn anew each time, and compares it with the right one.
Where they differ it *tries the usual mistakes*: the one that gives the learner's numbers is the one to talk about.
"""

import re

import torch

TODO = "not attempted yet"
HINTS = {  # what an error message often means
    "between 0 and 1": ". Logits were passed where probabilities are expected",
    "size of tensor": ". Two shapes do not fit: print the shapes",
    "cannot be multiplied": ". Two shapes do not fit: print the shapes",
}


class Check:
    """One exercise: call it with your function, and it prints one verdict."""

    praise = "right"
    namespace = {}  # what the expressions may use

    def __init__(
        self, notebook, where, inputs, arguments, right, mistakes, also_right=None, grad="", extreme=(), then=None
    ):
        self.notebook, self.where, self.inputs = notebook, where, inputs  # inputs: generator → lists of arguments
        self.names = arguments.split(", ")
        self.right = self._function(right)
        self.accepted = [self.right, self._function(also_right or right)]
        self.mistakes = [(name, self._function(code)) for code, name in table(mistakes)]
        self.grad = grad.split()  # the arguments that must receive a gradient
        self.extreme = extreme  # (arguments, words) tried on a function that is right so far
        self.then = then  # a last test of a function that has passed all others: what is wrong with it, or None
        self.solved = False

    def _function(self, expression):
        return eval(f"lambda {', '.join(self.names)}: {expression}", self.namespace)

    def __call__(self, attempt):
        with torch.random.fork_rng(devices=[]), torch.enable_grad():  # the random state stays as it was
            try:
                fault = self.judge(attempt)
            except Exception as error:  # whatever was passed: a learner never sees a traceback
                fault = f"this stopped with {one_line(error)}{hint(error)}"
        self.solved = fault is None
        print(TODO if fault == TODO else f"✘ {fault}." if fault else f"✔ {self.praise}")

    def judge(self, fn):
        """What is wrong with ``fn``, in words; ``TODO`` for a stub; None if it is right."""
        if fn is None or fn is ...:
            return TODO
        if not callable(fn):
            return "pass the function itself, without calling it"
        cases, got = list(self.inputs(fresh_generator())), []
        for args in cases:
            copies = [_copy(value) for value in args]
            got.append(outcome(fn, copies))
            if is_stub(got[-1]):
                return TODO
            for name, before, after in zip(self.names, args, copies):
                if isinstance(before, torch.Tensor) and not same([before], [after]):
                    return f"the function changes its input `{name}` in place: the caller's numbers are spoiled"
        want = [outcome(self.right, args) for args in cases]
        if not any(_all_same(got, [outcome(f, args) for args in cases]) for f in self.accepted):
            return self._name(cases, got, want)
        fault = self._dtype(cases, got, want) or self._detached(fn, cases[-1])
        for args, words in self.extreme:
            if not fault and not same(outcome(fn, map(_copy, args)), outcome(self.right, args)):
                fault = words
        return fault or (self.then(fn) if self.then else None)

    def _name(self, cases, got, want):
        """The mistake that gives the same numbers; else the smallest input on which they are wrong."""
        for name, wrong in self.mistakes:
            tried = [outcome(wrong, args) for args in cases]
            if _all_same(got, tried) and not _all_same(tried, want) and any(map(_says_something, tried)):
                return name
        args, mine, right = next(case for case in zip(cases, got, want) if not same(*case[1:]))
        place = "with " + ", ".join(f"{name} = {_show(value)}" for name, value in zip(self.names, args))
        if isinstance(mine, Exception):
            return f"{place} it stopped with {one_line(mine)}{hint(mine)}"
        if len(mine) != len(right):
            return f"it returns {len(mine)} things, and {len(right)} is asked for"
        for m, r in zip(mine, right):
            if m.shape != r.shape:
                return f"the shape is {_show(m.shape)} and should be {_show(r.shape)}, {place}; see {self.where}"
        shown = f"yours is {_show(mine)}, right is {_show(right)}{_pattern(got, want)}"
        if not all(t.isfinite().all() for t in mine):
            shown += ". A logarithm of 0 or of a negative number? Logits and log-variances may be negative"
        return f"{place}: {shown}; see {self.where}"

    def _dtype(self, cases, got, want):
        double = any(isinstance(value, torch.Tensor) and value.is_floating_point() for value in cases[0])
        for mine, right in zip(sum(got, []), sum(want, [])):
            kinds = [(t.is_floating_point(), t.dtype == torch.bool) for t in (mine, right)]
            lost = double and right.dtype == torch.float64 and mine.dtype != torch.float64
            if kinds[0] != kinds[1] or lost:
                return f"the values are right, the dtype is not: {mine.dtype} in place of {right.dtype}"

    def _detached(self, fn, args):
        if not self.grad:
            return None
        gradients = [outcome(_gradients, (f, args, self.names, self.grad)) for f in (fn, self.right)]
        if isinstance(gradients[0], Exception):
            return f"the values are right, but with gradients it stopped with {one_line(gradients[0])}: keep to torch"
        for name, mine, right in zip(self.grad, *gradients):
            if not same([mine], [right]):
                return f"the values are right, but the gradient of `{name}` is lost: something detaches it"


class Choice(Check):
    """A question: what to say to each letter."""

    def __init__(self, notebook, right, replies):
        self.notebook, self.right, self.solved = notebook, right, False
        self.replies = dict(table(replies))
        self.praise = self.replies[right]

    def judge(self, answer):
        if answer is None or answer is ...:
            return TODO
        letter = str(answer).strip().upper()
        if letter not in self.replies:
            return 'choose one of "A", "B", "C", "D"'
        return None if letter == self.right else self.replies[letter]


def fresh_generator():
    """A source of new inputs at each call, apart from torch's global one, which is not touched."""
    generator = torch.Generator()
    generator.seed()
    return generator


def table(text):
    """The rows ``left | right`` of a text, in pairs; a line that begins with | goes on with the row above."""
    return [tuple(map(str.strip, row.split(" | "))) for row in re.sub(r"\n\| ", " ", text.strip()).splitlines()]


def outcome(fn, args):
    """What ``fn`` returns, as a list of tensors; or the error that it raised."""
    try:
        result = fn(*args)
        items = list(result) if isinstance(result, tuple | list) else [result]
        return [item if is_stub([item]) else _tensor(item) for item in items]
    except NotImplementedError:
        return [None]
    except Exception as error:
        return error


def _tensor(value):
    return torch.as_tensor(value, dtype=torch.float64 if type(value) is float else None)


def is_stub(items):
    return isinstance(items, list) and any(item is None or item is ... for item in items)


def _says_something(found):
    return isinstance(found, list) and any(t.isfinite().any() for t in found)


def same(a, b):
    """Whether two outcomes agree in shapes and values; two errors count as the same."""
    if isinstance(a, Exception) or isinstance(b, Exception):
        return isinstance(a, Exception) and isinstance(b, Exception)
    if [t.shape for t in a] != [t.shape for t in b] or any(t.is_complex() for t in a):
        return False
    pairs = ((s.detach().double(), t.detach().double()) for s, t in zip(a, b))
    return all(torch.allclose(s, t, rtol=1e-4, atol=1e-5, equal_nan=True) for s, t in pairs)  # good for 32 bits too


def _all_same(a, b):
    return all(map(same, a, b))


def _gradients(fn, args, names, wanted):
    """The gradient of the sum of ``fn(*args)`` for each argument wanted: zeros where none arrives."""
    args = [_copy(value).requires_grad_() if name in wanted else value for name, value in zip(names, args)]
    total = sum(item.sum() for item in _tensors(fn(*args)))
    leaves = [value for name, value in zip(names, args) if name in wanted]
    if not total.requires_grad:
        return [torch.zeros_like(leaf) for leaf in leaves]
    return torch.autograd.grad(total, leaves, allow_unused=True, materialize_grads=True)


def _tensors(result):
    return [_tensor(item) for item in (result if isinstance(result, tuple | list) else [result])]


def _pattern(got, want):
    """A regularity in the errors, if there is one: always twice as much, always 1 too large."""
    if all(isinstance(g, list) and [t.shape for t in g] == [t.shape for t in w] for g, w in zip(got, want)):
        g, w = (torch.cat([t.detach().double().flatten() for case in side for t in case]) for side in (got, want))
        for change, words in ((g / w, ", always {:.4g} times as much"), (g - w, ", always {:+.4g}")):
            if len(g) > 1 and change.isfinite().all() and change.max() - change.min() < 1e-6 * change.abs().max():
                return words.format(change.mean().item())
    return ""


def _copy(value):
    return value.clone() if isinstance(value, torch.Tensor) else value


def one_line(error):
    return " ".join(f"{type(error).__name__}: {error}".split())[:200].rstrip(".")


def hint(error):
    """What its message often means, if that is known."""
    return next((meaning for text, meaning in HINTS.items() if text in str(error)), "")


def _show(value):
    if isinstance(value, list):
        return " and ".join(map(_show, value))
    if isinstance(value, torch.Tensor):
        value = (value.detach().double() * 1e4).round().div(1e4).to(value.dtype).tolist()
    text = getattr(value, "__name__", None) or str(tuple(value) if isinstance(value, torch.Size) else value)
    return text if len(text) <= 90 else text[:90] + "…"


def normal(g, *shape, scale=1):
    """Draws from N(0, scale²), rounded so that they can be read in a verdict."""
    return (torch.randn(shape, generator=g, dtype=torch.float64) * scale * 10).round() / 10 + 0.0  # no −0


def between(g, low, high, *shape):
    return ((low + (high - low) * torch.rand(shape, generator=g, dtype=torch.float64)) * 100).round() / 100
