"""The workloads by name: what stands in the file, which signatures are looked for, and who takes part."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow.parquet as pq

from benchmarks.datagen.archive import write_archive
from benchmarks.datagen.languages import read_languages
from benchmarks.datagen.texts import Composer
from benchmarks.macro.contestants import EVERYBODY, FAST
from benchmarks.macro.portable import is_portable
from benchmarks.macro.real import DATA, RULES, read_rules, read_texts
from benchmarks.macro.workload import COLUMN, Workload, write_texts
from benchmarks.micro.invented_rules import Kind, Sample, invent_signatures
from scanner.signatures.digests import ruleset_digest
from scanner.signatures.load import read_signatures
from scanner.signatures.model import Ruleset, Signature

PACK: Final = Path(__file__).parents[2] / "jobs" / "examples" / "signatures"
SEED: Final = 7
TEXTS: Final = 983_040  # eight row groups
RARE: Final = 0.001
"""Share of the texts that are hit where signatures are selective."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to make a workload.

    Attributes:
        make: Writes the file into a folder, given a number of texts.
        contestants: Who takes part.
        main: Whether `make bench` runs it.
    """

    make: Callable[[Path, int], Workload]
    contestants: Sequence[str] = EVERYBODY
    main: bool = True


def recipes() -> dict[str, Recipe]:
    """Every workload that can be made here, by name; those of real texts only where these lie beside the checkout."""
    found = {"selective": Recipe(partial(_invented, "selective", "regexes", 500, RARE))}
    for percent in (10, 50):
        name = f"dense-{percent}"
        found[name] = Recipe(partial(_invented, name, "regexes", 500, percent / 100))
    found["pack"] = Recipe(_pack)
    if DATA.is_dir() and RULES.is_dir():
        found["irc-secrets"] = Recipe(
            partial(_real, "irc-secrets", ("ubuntu_irc_chat",), ("gitleaks", "presidio_pii"))
        )
        found["profanity"] = Recipe(
            partial(
                _real, "profanity", ("sms_spam_uci_plus", "tweets_hate_davidson2017"), ("ldnoobw_profanity",)
            )
        )
    for count in (10, 100, 2_000, 5_000):
        name = f"regexes-{count}"
        found[name] = Recipe(partial(_invented, name, "regexes", count, RARE), FAST, main=False)
    for count in (1_000, 10_000, 100_000, 1_000_000):
        name = f"literals-{count}"
        who = [each for each in FAST if count <= _MOST_LITERALS.get(each, count)]
        found[name] = Recipe(partial(_invented, name, "literals", count, RARE), who, main=False)
    return found


_MOST_LITERALS: Final = {"chdb": 1_000, "loop": 100_000}
"""Of whom compiling more literals than these was not waited for: minutes, as regexes or in one piece."""


def posts(count: int, seed: int) -> list[str]:
    """Invented posts of about a hundred bytes, in twelve languages; no signature hits them."""
    languages = read_languages()
    rng = np.random.default_rng(seed)
    weights = np.array([language.weight for language in languages], np.float64)
    spoken = rng.choice(len(languages), size=count, p=weights / weights.sum())
    return [text for text in Composer(languages, seed).posts(rng, spoken).to_pylist() if text is not None]


def plant(texts: Sequence[str], samples: Sequence[Sample], share: float, seed: int) -> Iterator[str]:
    """The texts; into that share of them a sample is put, with spaces around it."""
    dice = random.Random(seed)
    for text in texts:
        if dice.random() < share:
            at = dice.randrange(len(text) + 1)
            yield f"{text[:at]} {dice.choice(samples)[1]} {text[at:]}"
        else:
            yield text


def _invented(name: str, kind: Kind, count: int, share: float, folder: Path, texts: int) -> Workload:
    ruleset, samples = invent_signatures(kind, count, SEED)
    path = folder / f"{name}.parquet"
    write_texts(path, list(plant(posts(texts, SEED), samples, share, SEED)))
    what = "invented literals in one list" if kind == "literals" else "invented regexes"
    return Workload(name, f"{count:,} {what}, {share:.1%} of the texts hit", path, ruleset)


def _pack(folder: Path, texts: int) -> Workload:
    """The example pack on the posts of `make demo`."""
    write_archive(folder, texts, files=1, seed=SEED)
    written = pq.read_table(next((folder / "archive").iterdir()), columns=[COLUMN])[COLUMN]
    path = folder / "pack.parquet"
    write_texts(path, written.to_pylist())
    ruleset, left_out = common([each for each in read_signatures([PACK]).signatures if _reads_text(each)])
    return Workload("pack", "the example pack on invented posts", path, ruleset, left_out)


def _reads_text(signature: Signature) -> bool:
    return signature.columns is None or COLUMN in signature.columns


def _real(name: str, files: Sequence[str], rule_sets: Sequence[str], folder: Path, texts: int) -> Workload:
    path = folder / f"{name}.parquet"
    write_texts(path, [text for file in files for text in read_texts(file)][:texts])
    ruleset, left_out = common([rule for each in rule_sets for rule in read_rules(each)])
    return Workload(name, f"{' and '.join(rule_sets)} on {' and '.join(files)}", path, ruleset, left_out)


def common(signatures: Sequence[Signature]) -> tuple[Ruleset, int]:
    """The signatures that every contestant can express, and how many others there are."""
    portable = tuple(each for each in signatures if is_portable(each))
    return Ruleset(portable, ruleset_digest(portable)), len(signatures) - len(portable)
