"""The text that the example model reads: public-domain English out of Debian packages, split into training and held-out books.

`fetch` downloads and unpacks the packages (Debian 12, `apt-get download`; nothing is installed). `read_books` turns them into plain text:
one string per book, one line per paragraph or verse, no page headers, no verse numbers.
"""

import gzip
import re
import subprocess
import zlib
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("r-cran-janeaustenr", "bible-kjv-text", "bible-kjv", "jargon-text")
# Books that the model never sees in training. Their names of people and places are new to it, so it has to copy them from context.
HELD_OUT = ("Emma", "Northanger Abbey", "Genesis", "Acts", "Jargon File, last tenth")

# The objects of the R database, in the order in which they are stored.
AUSTEN_TITLES = ("Emma", "Mansfield Park", "Northanger Abbey", "Persuasion", "Pride and Prejudice", "Sense and Sensibility")
BIBLE_TITLES = {"Ge": "Genesis", "Act": "Acts"}  # the other books keep their abbreviation


@dataclass(frozen=True)
class Book:
    """One work: its title, its plain text and the Debian package it comes from."""

    title: str
    text: str
    package: str

    @property
    def held_out(self) -> bool:
        return self.title in HELD_OUT


def fetch(directory: Path) -> None:
    """Downloads the packages with apt-get and unpacks each to `directory/<package>`; does nothing for those already there."""
    directory.mkdir(parents=True, exist_ok=True)
    for package in PACKAGES:
        if (directory / package).is_dir():
            continue
        subprocess.run(["apt-get", "download", package], cwd=directory, check=True)
        (archive,) = directory.glob(f"{package}_*.deb")
        subprocess.run(["dpkg-deb", "-x", str(archive), str(directory / package)], check=True)


def read_books(directory: Path) -> list[Book]:
    """All books of the unpacked packages, in a fixed order."""
    return [*_austen(directory), *_bible(directory), *_jargon(directory)]


def _unwrap(lines: list[str]) -> str:
    """Joins the lines of each paragraph (paragraphs are separated by empty lines) and normalises blanks and dashes."""
    paragraphs = re.split(r"\n\s*\n", "\n".join(lines))
    return "\n".join(text for paragraph in paragraphs if (text := " ".join(paragraph.replace("_", "").split())))


def _austen(directory: Path) -> list[Book]:
    """Jane Austen's six novels: zlib streams of serialized R character vectors, one vector of lines per novel."""
    package = "r-cran-janeaustenr"
    (database,) = (directory / package).glob("usr/lib/R/site-library/janeaustenr/data/Rdata.rdb")
    rest, books = database.read_bytes(), []
    for title in AUSTEN_TITLES:
        stream = zlib.decompressobj()
        data = stream.decompress(rest[4:])  # four bytes of length stand before each stream
        rest = stream.unused_data
        # A CHARSXP is a flag word (encoding bits vary), a length and the bytes.
        lines, at = [], data.index(b"\x00\x00\x00\x10") + 8
        while at + 8 <= len(data) and data[at + 3] == 9:
            size = int.from_bytes(data[at + 4 : at + 8], "big", signed=True)
            lines.append(data[at + 8 : at + 8 + max(size, 0)].decode("utf-8", "replace"))
            at += 8 + max(size, 0)
        books.append(Book(title, _unwrap(lines), package))
    return books


def _bible(directory: Path) -> list[Book]:
    """The King James Bible, printed by the reader program that comes with it; a book is a run of verses, one verse per line."""
    package = "bible-kjv-text"
    program, data = directory / "bible-kjv/usr/bin/bible", directory / package / "usr/lib"
    text = subprocess.run([str(program), "-p", str(data), "-f", "gen1:1-rev22:21"], check=True, capture_output=True, text=True).stdout
    verses: dict[str, list[str]] = {}
    for line in text.splitlines():
        if match := re.match(r"(\d?[A-Za-z]+)\d+:\d+ +(.*)", line):
            verses.setdefault(match[1], []).append(" ".join(match[2].split()))
    return [Book(BIBLE_TITLES.get(book, book), "\n".join(lines), package) for book, lines in verses.items()]


def _jargon(directory: Path) -> list[Book]:
    """The Jargon File without its lists: paragraphs of prose; its last tenth is a book of its own."""
    package = "jargon-text"
    with gzip.open(directory / package / "usr/share/doc/jargon-text/jargon.txt.gz", "rt", encoding="utf-8", errors="replace") as file:
        paragraphs = [p for p in _unwrap(file.read().splitlines()).splitlines() if len(p) > 100]
    cut = len(paragraphs) * 9 // 10
    first, last = "\n".join(paragraphs[:cut]), "\n".join(paragraphs[cut:])
    return [Book("Jargon File, first nine tenths", first, package), Book("Jargon File, last tenth", last, package)]
