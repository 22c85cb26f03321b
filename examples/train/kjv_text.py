# SPDX-License-Identifier: Apache-2.0
"""The text of the King James Bible: fetch it, lay it out, split it.

The Debian packages `bible-kjv` (the reader) and `bible-kjv-text` (the data,
public domain) supply the text.  One chapter becomes

    Ruth 1

    1 Now it came to pass in the days when the judges ruled, ...
    2 And the name of the man was Elimelech, ...

with an empty line after the last verse, so that a model can be prompted with
a chapter's heading or with any piece of a verse.
"""

import re
import shutil
import subprocess

# The reader abbreviates the books; headings should read like a Bible.
BOOKS = {
    "Ge": "Genesis", "Exo": "Exodus", "Lev": "Leviticus", "Num": "Numbers",
    "Deu": "Deuteronomy", "Josh": "Joshua", "Jdgs": "Judges", "Ruth": "Ruth",
    "1Sm": "1 Samuel", "2Sm": "2 Samuel", "1Ki": "1 Kings", "2Ki": "2 Kings",
    "1Chr": "1 Chronicles", "2Chr": "2 Chronicles", "Ezra": "Ezra",
    "Neh": "Nehemiah", "Est": "Esther", "Job": "Job", "Psa": "Psalm",
    "Prv": "Proverbs", "Eccl": "Ecclesiastes", "SSol": "Song of Solomon",
    "Isa": "Isaiah", "Jer": "Jeremiah", "Lam": "Lamentations",
    "Eze": "Ezekiel", "Dan": "Daniel", "Hos": "Hosea", "Joel": "Joel",
    "Amos": "Amos", "Obad": "Obadiah", "Jonah": "Jonah", "Mic": "Micah",
    "Nahum": "Nahum", "Hab": "Habakkuk", "Zep": "Zephaniah", "Hag": "Haggai",
    "Zec": "Zechariah", "Mal": "Malachi", "Mat": "Matthew", "Mark": "Mark",
    "Luke": "Luke", "John": "John", "Acts": "Acts", "Rom": "Romans",
    "1Cor": "1 Corinthians", "2Cor": "2 Corinthians", "Gal": "Galatians",
    "Eph": "Ephesians", "Phi": "Philippians", "Col": "Colossians",
    "1Th": "1 Thessalonians", "2Th": "2 Thessalonians", "1Tim": "1 Timothy",
    "2Tim": "2 Timothy", "Titus": "Titus", "Phmn": "Philemon",
    "Heb": "Hebrews", "Jas": "James", "1Pet": "1 Peter", "2Pet": "2 Peter",
    "1Jn": "1 John", "2Jn": "2 John", "3Jn": "3 John", "Jude": "Jude",
    "Rev": "Revelation",
}

# Whole books, so that no neighbouring verse of a test verse is trained on.
# They are narrative, prophecy, poetry and letters: a fair mixture.  None of
# them is a near copy of another book, as Mark and 2 Kings are of theirs.
HELDOUT = ("Ruth", "Jonah", "Habakkuk", "Philippians", "James")
# The only text looked at while training runs: nothing is tuned on the
# held-out books.
VALIDATION = ("Joel", "Haggai", "Titus")

VERSE = re.compile(r"^(\d?[A-Za-z]+?)(\d+):(\d+) (.*)$")


def read_verses(path=None):
    """The reader's lines 'Ge1:1 In the ...', from a file or by running it."""
    if path:
        with open(path, encoding="utf-8") as f:
            return f.read().splitlines()
    if not shutil.which("bible"):
        raise SystemExit(
            "train_kjv: error: `bible` was not found; install the Debian "
            "packages bible-kjv and bible-kjv-text, or pass --text FILE")
    command = ["bible", "-f", "gen1:1-rev22:21"]
    return subprocess.run(command, check=True, capture_output=True,
                          text=True).stdout.splitlines()


def read_chapters(path=None):
    """[(book, chapter text)] in the order of the Bible."""
    chapters, current = [], None
    for line in read_verses(path):
        match = VERSE.match(line)
        if not match:
            raise SystemExit(f"train_kjv: error: not a verse: {line!r}")
        book, chapter, verse, text = match.groups()
        if (book, chapter) != current:
            current = (book, chapter)
            chapters.append((BOOKS[book], [f"{BOOKS[book]} {chapter}\n\n"]))
        chapters[-1][1].append(f"{verse} {' '.join(text.split())}\n")
    return [(book, "".join(lines) + "\n") for book, lines in chapters]


def split(chapters):
    """(training, validation, held-out) lists of chapter texts."""
    parts = ([], [], [])
    for book, text in chapters:
        where = 2 if book in HELDOUT else 1 if book in VALIDATION else 0
        parts[where].append(text)
    return parts
