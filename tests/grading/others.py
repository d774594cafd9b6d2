"""A course whose tests were not written for two kernels: small notebooks, one for each habit.

A notebook is a list of cells. An answer has the instructor's solution, and perhaps a wrong one; the
blank submission has nothing in its place. Grade ids begin with the name of the notebook.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from nbformat.v4 import new_code_cell, new_notebook

from tests.grading.course import new_cell

ASSIGNMENT = "others"


@dataclass(frozen=True)
class Answer:
    """A solution cell."""

    right: str
    wrong: str | None = None


@dataclass(frozen=True)
class Given:
    """A locked cell that is no test."""

    source: str


@dataclass(frozen=True)
class Test:
    """A graded cell."""

    source: str
    points: float = 1


@dataclass(frozen=True)
class Free:
    """A cell without nbgrader's metadata."""

    source: str


SQUARES = '''
def squares(n):
    """Compute the squares of numbers from 1 to n."""
    if n < 1:
        raise ValueError("n must be greater than or equal to 1")
    return [i ** 2 for i in range(1, n + 1)]
'''
LAZY_SQUARES = "def squares(n):\n    return [i ** 2 for i in range(1, n + 1)]"
NODE = """
class Node:
    def __init__(self, value, next=None):
        self.value, self.next = value, next
"""

QUICKSTART = [  # of nbgrader's own documentation
    Answer(SQUARES, LAZY_SQUARES),
    Test("assert squares(1) == [1]\nassert squares(2) == [1, 4]\n"
         "assert squares(10) == [1, 4, 9, 16, 25, 36, 49, 64, 81, 100]"),
    Test("try:\n    squares(0)\nexcept ValueError:\n    pass\nelse:\n"
         "    raise AssertionError('did not raise')"),
    Answer("def sum_of_squares(n):\n    return sum(squares(n))",
           "def sum_of_squares(n):\n    return sum(i * i for i in range(n + 1))"),
    Test("assert sum_of_squares(1) == 1\nassert sum_of_squares(10) == 385", 0.5),
    Test("orig_squares = squares\ndel squares\ntry:\n    sum_of_squares(1)\nexcept NameError:\n"
         "    pass\nelse:\n    raise AssertionError('sum_of_squares does not use squares')\n"
         "finally:\n    squares = orig_squares", 0.5),
    Test("assert sum_of_squares(3) == 14", 0),
]  # fmt: skip

NOTEBOOKS: dict[str, list] = {
    "quickstart": QUICKSTART,
    # A: what a test makes, the student's code uses.
    "import": [
        Test("import math\nfrom math import sqrt as root\nassert math.pi > 3"),
        Answer("def area(r):\n    return math.pi * r ** 2\nside = root(16)", "side = root(15)"),
        Test("assert abs(area(2) - 12.566) < 1e-3 and side == 4"),
        Test("import numpy.linalg as la, collections.abc"),
        Answer("size = float(la.norm([3, 4]))\nis_map = isinstance({}, collections.abc.Mapping)"),
        Test("assert size == 5 and is_map"),
    ],
    "value": [
        Test("limit = 3"),
        Answer("def below(xs):\n    return [x for x in xs if x < limit]",
               "def below(xs):\n    return xs"),
        Test("assert below([1, 5]) == [1]"),
        Test("rate = 0.5\nassert below([7]) == []"),
        Answer("half = 10 * rate", "half = 1"),
        Test("assert half == 5"),
    ],
    "global": [
        Answer("n = 2\ndef power(x):\n    return x ** n"),
        Test("n = 3\nassert power(2) == 8"),
    ],
    # B: stand-ins of students' objects.
    "kinds": [
        Given(NODE + "class Empty(Exception):\n    pass"),
        Answer("def make(n):\n    return None if n == 0 else Node(n, make(n - 1))\n"
               "def pop(xs):\n    if not xs:\n        raise Empty('nothing there')\n"
               "    return xs.pop()",
               "def make(n):\n    return n\ndef pop(xs):\n    return xs.pop()"),
        Test("assert isinstance(make(2), Node)"),
        Test("assert type(make(2)) is Node and type(make(2)) == Node"),
        Test("assert type(make(2)).__name__ == 'Node'"),
        Test("node, values = make(3), []\nwhile node:\n    values.append(node.value)\n"
             "    node = node.next\nassert values == [3, 2, 1]"),
        Test("try:\n    pop([])\nexcept Empty as error:\n    assert 'nothing' in str(error)\n"
             "else:\n    assert False"),
        Test("assert pop([1, 2]) == 2"),
    ],
    "classes": [
        Answer("class Shape:\n    sides = 0\nclass Square(Shape):\n    sides = 4\n"
               "    def __init__(self, a):\n        if a < 0:\n            raise Negative(a)\n"
               "        self.a = a\n    def area(self):\n        return self.a ** 2\n"
               "class Negative(ValueError):\n    pass",
               "class Shape:\n    pass\nclass Square:\n    def __init__(self, a):\n"
               "        self.a = a\n    def area(self):\n        return self.a * 4\n"
               "class Negative(Exception):\n    pass"),
        Test("s = Square(3)\nassert isinstance(s, Square) and isinstance(s, Shape)"),
        Test("assert issubclass(Square, Shape)"),
        Test("assert type(Square(2)) is Square and type(Square(2)) == type(Square(3))"),
        Test("assert Square(3).area() == 9 and Square.sides == 4"),
        Test("try:\n    Square(-1)\nexcept Negative:\n    pass\nelse:\n    assert False"),
        Test("try:\n    Square(-1)\nexcept ValueError:\n    pass\nelse:\n    assert False"),
        Test("assert hasattr(Square(1), 'a') and not hasattr(Square(1), 'b')"),
        Test("assert Square.__name__ == 'Square'"),
    ],
    "operators": [
        Answer("class Vector:\n    def __init__(self, *x):\n        self.x = x\n"
               "    def __add__(self, other):\n"
               "        return Vector(*(a + b for a, b in zip(self.x, other.x)))\n"
               "    def __eq__(self, other):\n        return self.x == other.x\n"
               "    def __len__(self):\n        return len(self.x)\n"
               "    def __bool__(self):\n        return any(self.x)\n"
               "    def __abs__(self):\n        return sum(a * a for a in self.x) ** 0.5\n"
               "    def __contains__(self, a):\n        return a in self.x\n"
               "    def __str__(self):\n        return f'<{self.x}>'",
               "class Vector:\n    def __init__(self, *x):\n        self.x = x"),
        Test("assert Vector(1, 2) + Vector(3, 4) == Vector(4, 6)"),
        Test("assert len(Vector(1, 2)) == 2"),
        Test("assert abs(Vector(3, 4)) == 5"),
        Test("assert 3 in Vector(3, 4)"),
        Test("assert str(Vector(3, 4)) == '<(3, 4)>'"),
        Test("assert bool(Vector(1)) and not bool(Vector(0))"),
        Test("assert -5 < float(Vector(3, 4))"),
        Test("assert Vector(1).x[0] == 1"),
    ],
    "formats": [
        Answer("class P:\n    def __init__(self, x):\n        self.x = x\n"
               "    def __repr__(self):\n        return f'P({self.x})'\n"
               "    def __lt__(self, other):\n        return self.x < other.x"),
        Test("assert repr(P(2)) == 'P(2)'"),
        Test("assert f'{P(2)}' == 'P(2)'"),
        Test("assert [p.x for p in sorted([P(3), P(1)])] == [1, 3]"),
        Test("assert P(1).__dict__ == {'x': 1}"),
        Test("assert vars(P(1)) == {'x': 1}"),
        Test("assert 'x' in dir(P(1))"),
        Test("assert not callable(P(1)) and callable(P)"),
    ],
    # C: names of the notebook.
    "names": [
        Answer("lst = [1, 2]\ndef total(xs):\n    return sum(xs)"),
        Test("assert 'lst' in globals() and 'total' in dir()"),
        Test("assert 'missing' not in globals()"),
        Test("assert globals()['lst'] == [1, 2] and callable(globals().get('total'))"),
        Test("assert 'total' in locals() and 'total' in vars()"),
    ],
    # D: a test changes what the student has defined.
    "replace": [
        Answer("def helper(x):\n    return 2 * x\ndef main(x):\n    return helper(x) + 1",
               "def helper(x):\n    return 2 * x\ndef main(x):\n    return 2 * x + 1"),
        Test("old = helper\nhelper = lambda x: 100\ntry:\n    assert main(1) == 101\n"
             "finally:\n    helper = old"),
        Test("assert main(1) == 3"),
        Test("del helper\ntry:\n    main(1)\nexcept NameError:\n    pass\nelse:\n    assert False"),
    ],
    # E: modules as values.
    "modules": [
        Answer("import numpy.linalg as la, string, os.path as way\ntools = string",
               "tools = None"),
        Test("assert la.norm([3, 4]) == 5"),
        Test("assert tools.digits == '0123456789' and string.digits == tools.digits"),
        Test("assert tools.__name__ == 'string'"),
        Test("assert way.join('a', 'b') == 'a/b'"),
    ],
    # F: what a function says of itself.
    "inspect": [
        Answer("def scale(x, by=2, *rest, deep=None, how='up'):\n    \"\"\"Scale.\"\"\"\n"
               "    for _ in range(1):\n        x = x * by\n    return x",
               "def scale(x, by=3):\n    return x * 2"),
        Test("import inspect\nassert list(inspect.signature(scale).parameters)[:2] == ['x', 'by']"),
        Test("assert inspect.signature(scale).parameters['by'].default == 2"),
        Test("assert scale.__defaults__ == (2,)"),
        Test("assert scale.__doc__ == 'Scale.'"),
        Test("assert 'for' in inspect.getsource(scale)"),
        Test("assert scale.__code__.co_argcount == 2"),
        Test("assert inspect.isfunction(scale)"),
        Test("assert inspect.getfullargspec(scale).args == ['x', 'by']"),
        Test("import types\nassert isinstance(scale, types.FunctionType)"),
    ],
    # G: generators.
    "generators": [
        Answer("def count(n):\n    while n:\n        yield n\n        n -= 1\n"
               "class Twice:\n    def __init__(self): self.left = [1, 2]\n"
               "    def __iter__(self): return self\n    def __next__(self):\n"
               "        if not self.left: raise StopIteration\n        return self.left.pop(0)",
               "def count(n):\n    return list(range(n))\nclass Twice:\n    pass"),
        Test("g = count(2)\nassert next(g) == 2 and next(g) == 1 and next(g, None) is None"),
        Test("assert list(count(3)) == [3, 2, 1]"),
        Test("import types\nassert isinstance(count(1), types.GeneratorType)"),
        Test("assert list(Twice()) == [1, 2] and next(Twice()) == 1"),
        Test("g = count(1)\nnext(g)\ntry:\n    next(g)\nexcept StopIteration:\n    pass\n"
             "else:\n    assert False"),
        Test("import inspect\nassert inspect.isgeneratorfunction(count)"),
    ],
    # H: files.
    "files": [
        Answer("def read(path):\n    return [float(x) for x in open(path)]\n"
               "def write(path):\n    with open(path, 'w') as file:\n        file.write('7')",
               "def read(path):\n    return []\ndef write(path):\n    pass"),
        Test("with open('made.txt', 'w') as file:\n    file.write('1\\n2\\n')\n"
             "assert read('made.txt') == [1, 2]"),
        Test("write('out.txt')\nassert open('out.txt').read() == '7'"),
        Test("import os\nwrite('out2.txt')\nassert os.path.exists('out2.txt')"),
        Test("from pathlib import Path\nwrite('out3.txt')\nassert Path('out3.txt').is_file()"),
    ],
    # I: identity.
    "identity": [
        Answer(NODE + "a = Node(1)\nb = Node(2, a)\nchain = [b, a]\ndef same(x):\n    return x",
               NODE + "a = Node(1)\nb = Node(2, Node(1))\nchain = [a]\ndef same(x):\n"
               "    return list(x)"),
        Test("assert b.next is a"),
        Test("assert chain[1] is a and a in chain"),
        Test("row = [1]\nbox = [row, row]\nassert same(box) is box and same(box)[0] is row"),
        Test("assert chain.index(a) == 1 and b is not a"),
        Test("pair = same([a, a])\nassert pair[0] is pair[1]"),
    ],
    "results": [
        Answer("from collections import namedtuple\nfrom scipy.optimize import minimize_scalar\n"
               "Point = namedtuple('Point', 'x y')\np = Point(1, 2)\n"
               "found = minimize_scalar(lambda x: (x - 2) ** 2)",
               "p = (2, 1)\nfound = {'x': 1}"),
        Test("assert p.x == 1 and p.y == 2 and p[0] == 1 and p == (1, 2)"),
        Test("assert p._fields == ('x', 'y') and type(p).__name__ == 'Point'"),
        Test("assert p._asdict() == {'x': 1, 'y': 2} and p._replace(x=3) == (3, 2)"),
        Test("assert abs(found.x - 2) < 1e-6 and found.success and found['nfev'] > 0"),
    ],
    "library": [
        Answer("from fractions import Fraction\nfrom decimal import Decimal\n"
               "from datetime import date, datetime, timedelta\nfrom enum import Enum\n"
               "from collections import deque, Counter, OrderedDict, defaultdict\n"
               "class Color(Enum):\n    RED = 1\n    BLUE = 2\n"
               "half = Fraction(1, 2)\nprice = Decimal('1.10')\nday = date(2024, 2, 29)\n"
               "then = datetime(2024, 2, 29, 12)\ndef later(d):\n    return d + timedelta(days=1)\n"
               "queue = deque([1, 2], maxlen=2)\ncounts = Counter('aab')\n"
               "def best():\n    return Color.RED\ndef push(q):\n    q.append(3)",
               "half = 0.25\ndef best():\n    return Color.BLUE\nfrom enum import Enum\n"
               "class Color(Enum):\n    RED = 1\n    BLUE = 2\ndef push(q):\n    pass"),
        Test("from fractions import Fraction\nassert half + half == 1 and half == Fraction(1, 2)\n"
             "assert isinstance(half, Fraction)"),
        Test("from decimal import Decimal\nassert price * 2 == Decimal('2.20')"),
        Test("import datetime\nassert later(day) == datetime.date(2024, 3, 1)\n"
             "assert then.hour == 12 and isinstance(then, datetime.datetime)"),
        Test("assert best() == Color.RED and best() is Color.RED and best().value == 1"),
        Test("assert best().name == 'RED'"),
        Test("from collections import deque\nassert queue == deque([1, 2]) and queue.maxlen == 2"),
        Test("assert counts['a'] == 2 and counts['z'] == 0\n"
             "assert counts.most_common(1) == [('a', 2)]"),
        Test("q = deque([1])\npush(q)\nassert list(q) == [1, 3]"),
    ],
    "mutable": [
        Answer("def add(s):\n    s.add(3)\ndef fill(b):\n    b[0] = 65\n"
               "stack = []\ndef push(x):\n    stack.append(x)",
               "def add(s):\n    pass\ndef fill(b):\n    pass\nstack = []\ndef push(x):\n    pass"),
        Test("s = {1}\nadd(s)\nassert s == {1, 3}"),
        Test("b = bytearray(b'xy')\nfill(b)\nassert b == bytearray(b'Ay')"),
        Test("push(5)\nassert stack == [5]"),
        Test("stack.append(1)\npush(2)\nassert stack[-2:] == [1, 2]"),
    ],
    "randomness": [
        Answer("import random\nimport numpy as np\ndef draw():\n    return random.random()\n"
               "def noise():\n    return np.random.rand()",
               "def draw():\n    return 4\ndef noise():\n    return 4"),
        Test("import random\nrandom.seed(1)\nfirst = draw()\nrandom.seed(1)\n"
             "assert first == draw() == random.Random(1).random()"),
        Test("import numpy as np\nnp.random.seed(3)\ngot = noise()\n"
             "assert got == np.random.RandomState(3).rand()"),
    ],
    "printed": [
        Answer("def greet():\n    print('hello')\ndef boxed(n):\n    print('*' * n)",
               "def greet():\n    return 'hello'\ndef boxed(n):\n    print('x')"),
        Test("import io\nfrom contextlib import redirect_stdout\nout = io.StringIO()\n"
             "with redirect_stdout(out):\n    greet()\nassert out.getvalue() == 'hello\\n'"),
        Test("from unittest.mock import patch\n"
             "with patch('sys.stdout', new=io.StringIO()) as out:\n    boxed(3)\n"
             "assert out.getvalue().strip() == '***'"),
        Test("from IPython.utils.capture import capture_output\nwith capture_output() as got:\n"
             "    greet()\nassert got.stdout == 'hello\\n'"),
    ],
    "asked": [  # for input, and what mocks see
        Answer("def ask():\n    return int(input('n? ')) + 1\ndef say():\n"
               "    print('hi', end='!')", "def ask():\n    return 0\ndef say():\n    pass"),
        Test("from unittest.mock import patch\nwith patch('builtins.input', return_value='4'):\n"
             "    assert ask() == 5"),
        Test("import builtins\nbuiltins.input, old = lambda *a: '1', builtins.input\n"
             "assert ask() == 2\nbuiltins.input = old"),
        Test("with patch('builtins.print') as shown:\n    say()\n"
             "shown.assert_called_once_with('hi', end='!')"),
    ],
    "mocked": [
        Answer("import random\ndef roll():\n    return random.randint(1, 6)\n"
               "def fact(n):\n"
               "    return 1 if n < 2 else n * fact(n - 1)", "def roll():\n    return 3"),
        Test("from unittest.mock import patch\n"
             "with patch('random.randint', return_value=6):\n    assert roll() == 6"),
        Test("with patch('__main__.fact', return_value=7) as m:\n    assert fact(3) == 7"),
        Test("exec('got = fact(4)')\nassert got == 24"),
        Test("assert eval('fact(5)') == 120"),
        Test("import sys\nassert getattr(sys.modules['__main__'], 'fact')(3) == 6"),
    ],
    "raises": [
        Answer("import json\ndef f(k):\n    if k == 'key':\n        return {}['gone']\n"
               "    if k == 'json':\n        return json.loads('{')\n    if k == 'stop':\n"
               "        raise StopIteration\n    if k == 'unicode':\n"
               "        return b'\\xff'.decode()\n    if k == 'import':\n        import nosuch\n"
               "    if k == 'file':\n        open('/nowhere/x')\n    raise Own(3, 'three')\n"
               "class Own(LookupError):\n    def __init__(self, code, text):\n"
               "        super().__init__(text)\n        self.code = code",
               "def f(k):\n    raise ValueError(k)\nclass Own(Exception):\n    pass"),
        Test("try:\n    f('key')\nexcept KeyError as e:\n    assert e.args == ('gone',)"),
        Test("import json\ntry:\n    f('json')\nexcept json.JSONDecodeError as e:\n"
             "    assert 'property name' in str(e)\nelse:\n    assert False"),
        Test("try:\n    f('stop')\nexcept StopIteration:\n    pass"),
        Test("try:\n    f('unicode')\nexcept UnicodeDecodeError:\n    pass"),
        Test("try:\n    f('import')\nexcept ImportError:\n    pass"),
        Test("try:\n    f('file')\nexcept FileNotFoundError as e:\n"
             "    assert '/nowhere/x' in str(e)"),
        Test("try:\n    f('own')\nexcept Own as e:\n"
             "    assert (e.code, str(e)) == (3, 'three')"),
        Test("try:\n    f('own')\nexcept LookupError:\n    pass"),
        Test("import unittest\nt = unittest.TestCase()\nwith t.assertRaises(KeyError):\n"
             "    f('key')"),
    ],
    "inherits": [
        Answer("class Stack(list):\n    def push(self, x):\n        self.append(x)\n"
               "class Bag(dict):\n    def add(self, x):\n        self[x] = self.get(x, 0) + 1\n"
               "class Money(float):\n    def shown(self):\n        return f'{self:.2f}'",
               "class Stack(list):\n    def push(self, x):\n        pass\nclass Bag(dict):\n"
               "    def add(self, x):\n        pass\nclass Money(float):\n"
               "    def shown(self):\n        return ''"),
        Test("s = Stack()\ns.push(1)\ns.push(2)\nassert len(s) == 2 and s[0] == 1"),
        Test("assert isinstance(Stack(), list) and isinstance(Stack(), Stack)"),
        Test("b = Bag()\nb.add('x')\nb.add('x')\nassert b['x'] == 2 and list(b) == ['x']"),
        Test("assert Money(2).shown() == '2.00'"),
        Test("assert Money(2) + 1 == 3"),
    ],
    "figures": [
        Answer("import matplotlib.pyplot as plt\ndef draw():\n    plt.plot([1, 2])\n"
               "    plt.title('mine')\ndef axes():\n    fig, ax = plt.subplots()\n"
               "    ax.plot([1, 2], [3, 4])\n    return ax",
               "def draw():\n    pass\ndef axes():\n    return None"),
        Test("import matplotlib.pyplot as plt\ndraw()\nassert plt.gca().get_title() == 'mine'\n"
             "plt.close('all')"),
        Test("draw()\nassert len(plt.get_fignums()) == 1\nplt.close('all')"),
        Test("line = axes().lines[0]\nassert line.get_ydata().tolist() == [3, 4]\n"
             "plt.close('all')"),
    ],
    "sparse": [
        Answer("import numpy as np\nfrom scipy import sparse\ndef eye(n):\n"
               "    return sparse.csr_matrix(np.eye(n))\ndef dense(a):\n    return a.toarray()",
               "import numpy as np\ndef eye(n):\n    return np.eye(n)\ndef dense(a):\n"
               "    return a"),
        Test("from scipy import sparse\nassert sparse.issparse(eye(2))"),
        Test("import numpy as np\nassert np.allclose(eye(2).toarray(), np.eye(2))"),
        Test("assert (eye(3) @ np.ones(3)).tolist() == [1, 1, 1]"),
        Test("assert dense(sparse.csr_matrix([[1, 0]])).tolist() == [[1, 0]]"),
        Test("assert isinstance(eye(2), sparse.csr_matrix) and eye(2).shape == (2, 2)"),
    ],
    "given": [  # an object of the test, in the hands of the student
        Given(NODE),
        Answer("def insert(node, value):\n    node.next = Node(value, node.next)\n"
               "def second(node):\n    return node.next.value if isinstance(node, Node) else 0",
               "def insert(node, value):\n    pass\ndef second(node):\n    return 2"),
        Test("assert second(Node(1, Node(2))) == 2"),
        Test("n = Node(1)\ninsert(n, 5)\nassert n.next.value == 5"),
        Test("import threading\ntry:\n    second(threading.Lock())\nexcept AttributeError:\n"
             "    pass"),
    ],
    "inside": [
        Answer("class Stack:\n    def __init__(self):\n        self.items = []\n"
               "    def size(self):\n        return len(self.items)",
               "class Stack:\n    items = ()\n    def size(self):\n        return 0"),
        Test("s = Stack()\ns.items.append(1)\nassert s.size() == 1"),
        Test("s = Stack()\nassert s.items == [] and s.size() == 0"),
    ],
    # Gained: nothing was there, and there were points for it.
    "gained": [
        Answer("import numpy as np\nlst = [1]\ndel lst\nclass Pair:\n"
               "    def __init__(self, x):\n        self.x = x\n"
               "    def __eq__(self, other):\n        return self.x == other.x",
               "class Pair:\n    def __init__(self, x):\n        self.x = 1\n"
               "    def __eq__(self, other):\n        return self.x == other.x\nlst = [1]"),
        Test("assert Pair(1) != Pair(2)"),
        Test("assert not Pair(1) == Pair(2)"),
        Test("assert Pair(2) == Pair(2)"),
        Test("try:\n    Pair(1) + Pair(2)\nexcept TypeError:\n    pass\nelse:\n    assert False"),
        Test("try:\n    Pair(1) < Pair(2)\nexcept TypeError:\n    pass\nelse:\n    assert False"),
        Test("assert 'lst' not in globals()"),
        Test("assert np.pi"),
        Test("from collections.abc import Iterable, Hashable, Sized\n"
             "assert not isinstance(Pair(1), Iterable) and not isinstance(Pair(1), Sized)"),
        Test("try:\n    len(Pair(1))\nexcept TypeError:\n    pass\nelse:\n    assert False"),
        Test("try:\n    hash(Pair(1))\nexcept TypeError:\n    pass\nelse:\n    assert False"),
    ],
    "unimported": [Answer("x = 1"), Test("assert np.pi")],
}  # fmt: skip

PANDAS = find_spec("pandas") is not None
if PANDAS:
    NOTEBOOKS["frames"] = [
        Given("import pandas as pd\nimport numpy as np"),
        Answer("import pandas as pd\ndf = pd.DataFrame({'a': [1, 2, 3], 'b': ['x', 'y', None]})\n"
               "def positive(d):\n    return d[d['a'] > 1]\ndef add(d):\n    d['c'] = d['a'] * 2\n"
               "def means(d):\n    return d.groupby('k')['v'].mean()\ncolumn = df['a']\n"
               "def times():\n    return pd.date_range('2024-01-01', periods=2)",
               "df = [1]\ndef positive(d):\n    return d\ndef add(d):\n    pass\n"
               "def means(d):\n    return d['v']\ncolumn = [1]\ndef times():\n    return []"),
        Test("assert isinstance(df, pd.DataFrame) and list(df.columns) == ['a', 'b']"),
        Test("assert (df['a'] > 0).all() and df.shape == (3, 2)"),
        Test("assert positive(pd.DataFrame({'a': [1, 5]})).equals("
             "pd.DataFrame({'a': [5]}, index=[1]))"),
        Test("d = pd.DataFrame({'a': [1, 2]})\nadd(d)\nassert d['c'].tolist() == [2, 4]"),
        Test("got = means(pd.DataFrame({'k': ['u', 'u', 'w'], 'v': [1.0, 3.0, 5.0]}))\n"
             "pd.testing.assert_series_equal(got, pd.Series([2.0, 5.0], index=pd.Index("
             "['u', 'w'], name='k'), name='v'))"),
        Test("assert isinstance(column, pd.Series) and column.sum() == 6 and column.name == 'a'"),
        Test("assert times()[1] == pd.Timestamp('2024-01-02') and df['b'].isna().sum() == 1"),
        Test("assert df.dtypes['a'] == 'int64' and df.loc[1, 'b'] == 'y'"),
    ]  # fmt: skip

VARIANTS = ("right", "wrong", "blank")
_BLANK = ("quickstart", "names", "gained", "unimported")


def handed_in(name: str, variant: str) -> bool:
    """Whether a student hands in this notebook: nbgrader takes a second for each of them."""
    answers = [part for part in NOTEBOOKS[name] if isinstance(part, Answer)]
    if variant == "wrong":
        return any(part.wrong for part in answers)
    return variant == "right" or name in _BLANK


def notebook(name: str, variant: str = "right"):
    """The notebook with these answers, or (``"source"``) as the instructor has it."""
    cells = []
    for number, part in enumerate(NOTEBOOKS[name]):
        grade_id = f"{name}-{number}"
        match part:
            case Answer():
                texts = {"right": part.right, "wrong": part.wrong or part.right, "blank": "pass"}
                if variant == "source":
                    source = f"### BEGIN SOLUTION\n{part.right}\n### END SOLUTION"
                else:
                    source = texts[variant]
                cells.append(new_cell("code", grade_id, source, solution=True))
            case Given():
                cells.append(new_cell("code", grade_id, part.source, locked=True))
            case Test():
                cells.append(
                    new_cell("code", grade_id, part.source, points=part.points, grade=True,
                             locked=True)
                )  # fmt: skip
            case Free():
                cells.append(new_code_cell(part.source))
    made = new_notebook(cells=cells)
    made.metadata["kernelspec"] = {
        "display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3",
    }  # fmt: skip
    return made
