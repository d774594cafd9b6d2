"""Submissions out of the ZIP files of a learning platform, to where nbgrader looks for them."""

from __future__ import annotations

import datetime
import errno
import os
import re
import shutil
import tempfile
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from nbgrader.api import Gradebook, Student
from nbgrader.utils import temp_attrs

from optedu.desk import archives
from optedu.desk.archives import File, Unsafe
from optedu.desk.course import course_here, enrolled, gradebook, known
from optedu.desk.roster import has_submitted, submitters
from optedu.desk.steps import exchange_root, exchange_step, run
from optedu.desk.tables import read_table
from optedu.desk.words import some
from optedu.grading.course import Course
from optedu.grading.errors import RunError, UsageError
from optedu.grading.lateness import handed_in, zone_of

__all__ = ["PLATFORMS", "collect", "from_exchange"]

PLATFORMS = ("canvas", "moodle", "plain")
_EPOCH = datetime.datetime(1970, 1, 1)  # nbgrader's times are UTC and say nothing of a zone


@dataclass
class HandedIn:
    r"""What one archive has of one student.

    Attributes
    ----------
    files : list of File
        By their place in the archive.
    """

    files: list[File] = field(default_factory=list)

    @property
    def when(self) -> float:
        """When it was handed in or downloaded: the archive's time of its newest file."""
        return max((file.when for file in self.files), default=0.0)

    @property
    def late(self) -> bool:
        """Whether the platform says so."""
        return any(file.who.get("late") for file in self.files)


def collect(
    assignment: str,
    paths: tuple[Path, ...],
    platform: str | None = None,
    worksheet: Path | None = None,
    replace_any: bool = False,
) -> tuple[str, int]:
    r"""Put the submissions of archives into the course; return what to say and the exit status.

    Parameters
    ----------
    assignment : str
        The assignment that they are of.
    paths : tuple of Path
        ZIP files. Of a student who is in several, the newest counts.
    platform : str, optional
        Whose archives these are, one of ``PLATFORMS``; seen from the names when left out.
    worksheet : Path, optional
        Moodle's grading worksheet, which says whose a submission is where two students have a name.
    replace_any : bool
        Whether to take a submission also where it is not newer than what is there.

    Raises
    ------
    UsageError
        When there is no course, gradebook, class or such assignment here, or an archive is none.
        Nothing is written then.
    """
    course = course_here(assignment)
    with gradebook(course) as book:
        notebooks = [notebook.name for notebook in known(book, assignment).notebooks]
        others = _others(course, book)
        students = enrolled(book)
        directory = _Directory(students, worksheet)
        ids = [student.id for student in students]
    limits = (course.coursedir.max_file_size * 1000, course.coursedir.max_dir_size * 1000)
    said = _Said(assignment)
    said.kept = " (what was there is in replaced/)"
    with ExitStack() as stack:
        opened = [stack.enter_context(_open(path)) for path in paths]
        handed: dict[str, list[HandedIn]] = defaultdict(list)
        for archive in opened:
            for student, submission in _by_student(archive, platform, directory, said).items():
                handed[student].append(submission)
        for student in sorted(handed):
            # A late one comes after one in time; then the later one counts.
            best = max(handed[student], key=lambda s: (s.late, s.when))
            try:
                content = _content(best, notebooks, others, limits, said, student)
                outcome = _place(course, student, content, best.when, replace_any)
            except Unsafe as error:
                said.aside.append((student, str(error)))
                continue
            said.outcomes[outcome].append(student)
            if best.late:
                said.late.append(student)
    said.absent = sum(not has_submitted(course, student) for student in ids)
    return said.text(), 3 if said.aside or said.unknown or said.outcomes["undated"] else 0


def from_exchange(assignment: str) -> tuple[str, int]:
    r"""Collect what is new in nbgrader's exchange; return what to say, and the exit status.

    Raises
    ------
    UsageError
        When there is no course, gradebook, class, exchange or such assignment here, or nbgrader
        refuses.
    """
    course = course_here(assignment)
    with gradebook(course) as book:
        known(book, assignment)
        ids = [student.id for student in enrolled(book)]
    if exchange_root(course) is None:
        raise UsageError(
            "no exchange here, see c.Exchange.root in nbgrader_config.py: give a ZIP file"
        )
    said = _Said(assignment)
    said.kept = " (what was there is in replaced/)"
    submitted = course.root / course.coursedir.submitted_directory
    there = submitters(course)
    try:
        made = Path(_beside(submitted))
        try:
            for student in _fetched(course, made):
                new = course.folder(str(made), student)
                target = course.folder(course.coursedir.submitted_directory, student)
                if student not in ids:
                    reason = f"'{student}' is not in the class, and not collected"
                    said.unknown.append((student, reason))
                elif target.exists():
                    _swap(course, student, new, target)
                    said.outcomes["replaced"].append(student)
                else:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    os.rename(new, target)
                    said.outcomes["new"].append(student)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    except OSError as error:
        where = error.filename or submitted
        raise RunError(f"{where}: {error.strerror}: run it again") from error
    said.outcomes["unchanged"] = sorted(there - set(said.outcomes["replaced"]))
    said.aside += [
        (f"{submitted.name}/{student}", "not in the class: rename it, or add it to the roster")
        for student in sorted(there - set(ids))
    ]
    said.absent = sum(not has_submitted(course, student) for student in ids)
    return said.text(), 3 if said.aside or said.unknown else 0


def _fetched(course: Course, made: Path) -> list[str]:
    """Have nbgrader collect into a folder what is newer than what is there; return whose.

    Where it collects it removes what is older, and takes all for older that has no time stamp, such
    as what came in a ZIP file. So it is shown the times of what is there, and nothing else of it.
    """
    mark = ".there"
    everybody = course.root / course.coursedir.submitted_directory
    names = [path.name for path in everybody.iterdir()] if everybody.is_dir() else []
    for student in names:
        there = course.folder(course.coursedir.submitted_directory, student)
        if not there.is_dir():
            continue
        shown = course.folder(str(made), student)
        shown.mkdir(parents=True)
        (shown / mark).touch()
        if _handed_in(course, there) is not None:  # nbgrader compares it with one of its own
            shutil.copy(there / "timestamp.txt", shown)
        else:
            when = _EPOCH + datetime.timedelta(seconds=_time_of(course, there))
            (shown / "timestamp.txt").write_text(f"{when:%Y-%m-%d %H:%M:%S.%f} UTC")
    step = exchange_step(course, "Collect")
    step.update = True
    with temp_attrs(course.coursedir, submitted_directory=str(made)):
        reason = run(step)
    if reason:
        raise UsageError(f"not collected: {reason}")
    folders = {path.name: course.folder(str(made), path.name) for path in made.iterdir()}
    return sorted(s for s, new in folders.items() if new.is_dir() and not (new / mark).exists())


def _open(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    except zipfile.BadZipFile as error:
        raise UsageError(f"{path} is no ZIP file ({error}): download it again") from error


# -- whose it is -----------------------------------------------------------------------------------


def _words(*names: str | None) -> tuple[str, ...]:
    """A name in whatever order a platform writes it."""
    return tuple(sorted(re.findall(r"\w+", " ".join(filter(None, names)).casefold())))


class _Directory:
    """The class, by all that platforms call a student."""

    def __init__(self, students: Iterable[Student], worksheet: Path | None) -> None:
        self.ids = {s.id for s in students}
        self.numbers = {s.lms_user_id: s.id for s in students if s.lms_user_id}
        self.emails = {s.email.casefold(): s.id for s in students if s.email}
        self.names: dict[tuple[str, ...], list[str]] = defaultdict(list)
        self.run_together: dict[str, list[str]] = defaultdict(list)
        for s in students:
            if words := _words(s.first_name, s.last_name):
                self.names[words].append(s.id)
                together = re.sub(r"\W", "", f"{s.last_name or ''}{s.first_name or ''}")
                self.run_together[together.casefold()].append(s.id)
        self.participants = self._participants(worksheet) if worksheet else {}

    def _participants(self, worksheet: Path) -> dict[str, str]:
        """Moodle's number of a student in one assignment, from its grading worksheet."""
        table = read_table(worksheet)
        column = table.column("Identifier")
        if column is None:
            raise UsageError(f"{worksheet} is no grading worksheet: it has no column Identifier")
        keys = [c for c in map(table.column, ("Username", "ID number", "Email address")) if c]
        found = {}
        for _, row in table.rows:
            number = re.search(r"\d+$", row[column])
            who = next(
                (row[k] if row[k] in self.ids else self.emails.get(row[k].casefold(), "")
                 for k in keys if row[k] in self.ids or row[k].casefold() in self.emails),
                "",
            )  # fmt: skip
            if number and who:
                found[number[0]] = who
        return found

    def canvas(self, who: dict[str, str]) -> str:
        """The student of a file of Canvas.

        Raises
        ------
        Unsafe
            When that is nobody of the class.
        """
        if who["user"] in self.numbers:
            return self.numbers[who["user"]]
        return self._one(self.run_together.get(who["name"].casefold(), []), who["name"])

    def moodle(self, who: dict[str, str]) -> str:
        """The student of a file of Moodle.

        Raises
        ------
        Unsafe
            When that is nobody of the class, or may be several.
        """
        if who["user"] in self.participants:
            return self.participants[who["user"]]
        return self._one(self.names.get(_words(who["name"]), []), who["name"], "--worksheet FILE")

    def _one(self, found: list[str], name: str, way_out: str = "their number in the roster") -> str:
        if len(found) > 1:
            raise Unsafe(f"'{name}' is {' and '.join(found)}: say which with {way_out}")
        if not found:
            raise Unsafe(f"'{name}' is not in the class")
        return found[0]

    def plain(self, path: str, assignment: str) -> tuple[str, str]:
        """The student of a file of any archive, by a folder or the start of a name; and its path.

        Raises
        ------
        Unsafe
            When that is nobody of the class.
        """
        parts = path.split("/")
        for place, part in enumerate(parts[:-1]):
            if part in self.ids:
                rest = parts[place + 1 :]
                return part, "/".join(rest[1:] if rest[0] == assignment and rest[1:] else rest)
        stem, dot, suffix = parts[-1].rpartition(".")
        for end in sorted({len(stem), *(m.start() for m in re.finditer(r"[_ -]", stem))})[::-1]:
            if stem[:end] in self.ids:
                return stem[:end], f"{stem[end:].strip('_ -') or assignment}{dot}{suffix}"
        raise Unsafe(f"'{parts[0]}' is not in the class")


def _by_student(
    archive: zipfile.ZipFile, platform: str | None, directory: _Directory, said: _Said
) -> dict[str, HandedIn]:
    """What an archive has of each student."""
    found = list(archives.files(archive, said.aside))
    platform = platform or archives.recognize(found)
    submissions: dict[str, HandedIn] = defaultdict(HandedIn)
    for file in found:
        try:
            student, known_as = _whose(file, platform, directory, said.assignment)
        except Unsafe as error:
            said.unknown.append((file.path, str(error)))
            continue
        if student:
            submissions[student].files.append(known_as)
    return submissions


def _whose(file: File, platform: str, directory: _Directory, assignment: str) -> tuple[str, File]:
    """The student, and the file as they have named it; nobody for what is no file of theirs."""
    if platform == "plain":
        student, path = directory.plain(file.path, assignment)
        return student, replace(file, path=path)
    if platform == "canvas":
        if archives.CANVAS_ANONYMOUS.fullmatch(file.path):
            raise Unsafe("graded anonymously: reveal the names in Canvas, and download again")
        match = archives.CANVAS.fullmatch(file.path)
    else:
        match = archives.MOODLE.fullmatch(file.path)
        if match is None and "_assignsubmission_" in file.path:
            return "", file  # a text that was typed, a comment
    if match is None:
        raise Unsafe(f"no name as {platform} gives")
    who = {key: value or "" for key, value in match.groupdict().items()}
    student = directory.canvas(who) if platform == "canvas" else directory.moodle(who)
    return student, replace(file, path=who.get("path") or who["file"], who=who)


# -- what it is ------------------------------------------------------------------------------------


def _content(
    submission: HandedIn,
    notebooks: list[str],
    others: dict[str, str],
    limits: tuple[int, int],
    said: _Said,
    student: str,
) -> dict[str, bytes]:
    """The files of a submission by path, the notebooks under the assignment's names.

    Raises
    ------
    Unsafe
        When none of its files is a notebook of the assignment, or they are too large.
    """
    most, most_of_all = limits
    unpacked: list[tuple[File, bool]] = []
    for file in submission.files:
        if not file.path.casefold().endswith(".zip"):
            unpacked.append((file, False))
            continue
        dropped: list[tuple[str, str]] = []
        unpacked += [(f, True) for f in archives.nested(file, most, dropped)]
        said.aside += [(f"{student}: {name}", reason) for name, reason in dropped]
    names = [f.path for f, _ in unpacked if f.path.endswith(".ipynb")]
    content: dict[str, bytes] = {}
    total = 0
    # The file that was handed in last stands last, and so is the one that stays.
    for file, inner in sorted(
        unpacked, key=lambda p: (p[0].when, int(p[0].who.get("number") or 0))
    ):
        if file.path.endswith(".ipynb"):
            try:
                path, sure = _notebook(file.path, notebooks, others, alone=len(names) == 1)
            except Unsafe as error:
                said.aside.append((f"{student}: {file.path}", str(error)))
                continue
            if not sure and Path(file.path).stem != said.assignment:
                said.taken[path].append(f"{student} ({file.path})")
        elif Path(file.path).name == "timestamp.txt" and (inner or file.who):
            continue  # a student's own: nbgrader would take it for the time of handing in
        else:
            path = file.path
        content[path] = archives.read(file, most)
        total += len(content[path])
        if total > most_of_all:
            raise Unsafe(f"it unpacks to more than {most_of_all / 1e6:g} MB")
    if not any(path.endswith(".ipynb") for path in content):
        raise Unsafe("there is no notebook of the assignment in it")
    return content


def _others(course: Course, book: Gradebook) -> dict[str, str]:
    """The other assignments, by the names of their notebooks in lower case."""
    found = {n.name.casefold(): each.name for each in book.assignments for n in each.notebooks}
    for step in (course.coursedir.source_directory, course.coursedir.release_directory):
        for path in (course.root / step).glob("*/*.ipynb"):
            found.setdefault(path.stem.casefold(), path.parent.name)
    return {name: other for name, other in found.items() if other != course.assignment}


def _notebook(
    path: str, notebooks: list[str], others: dict[str, str], *, alone: bool
) -> tuple[str, bool]:
    """The assignment's name of a notebook, whatever browsers and platforms put after it.

    And whether it had this name. One that is handed in alone may have any but that of another
    assignment's notebook.

    Raises
    ------
    Unsafe
        When it is no notebook of the assignment.
    """
    stem = Path(path).stem
    plain = re.sub(r"(?:[-_]\d+|\s*\(\d+\)|\s*-\s*Copy\d*|[-_ ]copy\d*)+$", "", stem, flags=re.I)
    names = [name.casefold() for name in (stem, plain)]
    for wanted in names:
        for name in notebooks:
            if name.casefold() == wanted:
                return f"{name}.ipynb", True
    for wanted in names:
        if wanted in others:
            raise Unsafe(f"it is the notebook of {others[wanted]}")
    if len(notebooks) > 1 or not alone:
        raise Unsafe(f"no notebook of it ({', '.join(notebooks)})")
    return f"{notebooks[0]}.ipynb", False


# -- where it goes ---------------------------------------------------------------------------------


def _place(
    course: Course, student: str, content: dict[str, bytes], when: float, replace_any: bool
) -> str:
    """Put a submission in its place, whole; what was there is kept aside. Says what was done."""
    target = course.folder(course.coursedir.submitted_directory, student)
    if target.exists():
        if all(_holds(target / path, data) for path, data in content.items()):
            return "unchanged"
        if not replace_any and not when:
            return "undated"
        if not replace_any and when <= _time_of(course, target) + 2:  # ZIP counts in two seconds
            return "older"
    made = Path(_beside(target))
    try:
        for path, data in content.items():
            file = made / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
            if when:
                os.utime(file, (when, when))
        made.chmod(0o755)
        if not target.exists():
            os.rename(made, target)
            return "new"
        _swap(course, student, made, target)
        return "replaced"
    except (NotADirectoryError, IsADirectoryError, FileExistsError) as error:
        raise Unsafe(f"two of its files have one path: {error.filename}") from error
    except OSError as error:
        if error.errno in (errno.ENAMETOOLONG, errno.EINVAL):
            raise Unsafe(f"no file can have this name: {error.filename}") from error
        raise RunError(f"{error.filename or target}: {error.strerror}: run it again") from error
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _swap(course: Course, student: str, made: Path, target: Path) -> None:
    """Put a folder where another one is, which is kept."""
    kept = _aside(course, student)
    os.rename(target, kept)
    try:
        os.rename(made, target)
    except OSError:
        os.rename(kept, target)
        raise


def _beside(target: Path) -> str:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        return tempfile.mkdtemp(prefix=".collecting-", dir=target.parent)
    except OSError as error:
        raise RunError(f"{error.filename or target}: {error.strerror}: run it again") from error


def _holds(path: Path, data: bytes) -> bool:
    return path.is_file() and path.read_bytes() == data


def _handed_in(course: Course, folder: Path) -> datetime.datetime | None:
    """When the submission that is there was handed in, if it has a time stamp."""
    try:
        return handed_in((folder / "timestamp.txt").read_bytes(), zone_of(course))
    except (OSError, ValueError):
        return None


def _time_of(course: Course, folder: Path) -> float:
    """When the submission that is there was handed in: nbgrader's stamp, else its files'."""
    if stamp := _handed_in(course, folder):
        return (stamp - _EPOCH).total_seconds()
    return max((p.stat().st_mtime for p in folder.glob("*.ipynb")), default=0.0)


def _aside(course: Course, student: str) -> Path:
    """A new folder's name for a submission that was replaced."""
    beside = course.root / os.path.dirname(course.coursedir.submitted_directory) / "replaced"
    folder = beside / student
    folder.mkdir(parents=True, exist_ok=True)
    number = 1
    while (folder / f"{course.assignment}.{number}").exists():
        number += 1
    return folder / f"{course.assignment}.{number}"


# -- what to say -----------------------------------------------------------------------------------


class _Said:
    """What became of everything in the archives."""

    def __init__(self, assignment: str) -> None:
        self.assignment = assignment
        self.outcomes: dict[str, list[str]] = defaultdict(list)
        self.late: list[str] = []
        self.taken: dict[str, list[str]] = defaultdict(list)  # by the name that a notebook gets
        self.unknown: list[tuple[str, str]] = []
        self.aside: list[tuple[str, str]] = []
        self.absent = 0
        self.kept = ""

    def text(self) -> str:
        told = {
            "new": "new", "replaced": "replaced by a newer one", "unchanged": "as before",
            "older": "not newer than what is there, which stays",
            "undated": "without a time, other than what is there, which stays",
        }  # fmt: skip
        counts = [f"{len(self.outcomes[k])} {v}" for k, v in told.items() if self.outcomes[k]]
        lines = [f"{self.assignment}: {', '.join(counts) or 'nothing to collect'}"]
        names = {
            f"Replaced{self.kept}": self.outcomes["replaced"],
            "Not newer than what is there": self.outcomes["older"],
            "Without a time (--replace takes them)": self.outcomes["undated"],
            "Late, as the platform says": self.late,
        }
        names |= {f"Taken as {name}": whose for name, whose in self.taken.items()}
        lines += [f"{what}: {some(who)}" for what, who in names.items() if who]
        reasons = Counter(reason for _, reason in self.unknown)
        first = dict((reason, name) for name, reason in reversed(self.unknown))
        lines += [
            f"Unknown: {reason}: {first[reason]}" + (f" and {n - 1} more" if n > 1 else "")
            for reason, n in reasons.items()
        ]
        lines += [f"Set aside: {name}: {reason}" for name, reason in self.aside]
        if self.absent:
            lines.append(
                f"{self.absent} of the class have not handed in: "
                f"optedu roster --missing {self.assignment}"
            )
        # Names are the students': no escape sequence of theirs reaches a terminal.
        return "\n".join("".join(c if c.isprintable() else "?" for c in x) for x in lines)
