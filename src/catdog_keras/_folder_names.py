"""Recognizes splits, copies and classes by names of folders, such as `seg_test` or `val2017`."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Split: TypeAlias = Literal["train", "validation", "test"]

SPLITS: tuple[Split, ...] = ("train", "validation", "test")

_WORDS: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "trainval": "train",  # of data sets whose authors leave the validation set to the user
    "trn": "train",
    "validation": "validation",
    "validate": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
    "tst": "test",
    "eval": "test",
    "evaluation": "test",
}

# Words that say nothing about the content, also written together as in `trainset`. No two sequences
# of them give the same text, such as "data", "set" and "dataset": matching would take exponential
# time.
_FILLERS = (
    r"augmented|cropped|data|dir|filtered|folder|full|imgs?|images?|jpe?g|"
    r"original|originals|part|photos?|pics?|pictures?|png|processed|raw|resized|rgb|samples?|"
    r"sets?|small|splits?|subset"
)
_FILLER = re.compile(rf"(?:{_FILLERS}|\d+)+")
_COMPOUND = re.compile(rf"({'|'.join(_WORDS)})(?:{_FILLERS})+")

_COPY = r"copy|copies|copie|copia|cópia|kopie|kopia"
# What is computed from images or drawn on them, and images that somebody sorted out.
_ANNOTATIONS = (
    r"annotations?|bounding boxes|grad ?cams?|ground truths?|gt|heat ?maps|label ?maps|labels|"
    r"masks|saliency|segmentations?(?: class| object)?|thumbnails|thumbs|tri ?maps?"
)
_REJECTED = (
    r"deleted?|discard(?:ed)?|dups?|duplicates?|excluded?|ignored?|mislabell?ed|"
    r"(?:not|un) ?used|quarantine|reject(?:ed|s)?|removed?|skip(?:ped)?|(?:to|needs?) review|"
    r"to (?:check|delete|remove)"
)
_CHANGED = (
    rf"{_COPY}|aug|augmentations?|backups?|bak|bkp|conflict(?:ed)?|edited|flipped|mirrored|"
    r"rotated|temp|tmp"
)
# Names of copies and versions, as systems and users write them: `cats - Copy (2)`, `cats_old`. Only
# at the end, because `old man`, `raw fish` and `copy machine` are classes. None is a filler:
# matching would take exponential time.
_VERSIONS = (
    rf"{_CHANGED}|{_ANNOTATIONS}|{_REJECTED}|clean|cleaned|extra|final|fixed|junk|new|old|orig|"
    r"trash|version"
)
_COPY_END = re.compile(rf"(?: (?:{_VERSIONS}|v(?= \d)|(?:{_FILLERS})+)(?: \d+)*)+")
_COPY_START = re.compile(
    rf"(?:(?:{_COPY}|backup) )+(?:of|von|de|di) |(?:aug|augmented|cleaned|cropped|resized) "
)
# Also of classes, such as `face_mask`, unless several classes have one.
_VARIANT_END = re.compile(
    r"(.+) (blur|bright|bw|crop|dark|depth|edges?|flip|gr[ae]y|gr[ae]yscale|h[dqr]|heat ?map|"
    r"high|high res(?:olution)?|label|low|low res(?:olution)?|l[qr]|mask|mirror|noise|noisy|rot|"
    r"rotate|seg|thermal|thumb|thumbnail)"
)
_SIZE_END = re.compile(
    r"(.+?) (\d+ ?x ?\d+|\d+ ?px|32|64|96|112|128|160|192|224|256|299|384|416|448|512|768|1024)"
)

# Folders that are hardly ever classes: parts of a data set, or names that a system proposes.
_GENERIC = re.compile(
    rf"(?:{_ANNOTATIONS}|{_CHANGED}|{_REJECTED}|archives?|batch|cache|checkpoints|chunk|data|"
    r"datasets?|false (?:negatives|positives)|figures|fold|holdout|images|imgs|lightning logs|logs|"
    r"misclassified|mlruns|(?:new|untitled) folder|node modules|outputs?|part|plots|preprocessed|"
    r"pycache|(?:test )?results|runs|shard|tensorboard|unsorted|wandb)(?: \d+)*"
)
_ANNOTATION = re.compile(rf"(?:{_ANNOTATIONS})(?: \d+)*")
_ALTERED = re.compile(rf"(?:{_CHANGED}|{_REJECTED})(?: \d+)*")
# Folders inside a class folder whose images are hardly ever further images of the class.
_UNWANTED = re.compile(
    rf"(?:(?:{_FILLERS}) )*(?:{_ANNOTATIONS}|{_CHANGED}|{_REJECTED}|augmented|bad|blurry|"
    rf"checkpoints|corrupt(?:ed)?|cropped|crops|hold ?out|junk|logs|low quality|outliers|"
    rf"outputs?|plots|resized|results|trash|unusable|wrong)"
    rf"(?: (?:{_FILLERS}|\d+))*"
)

# Folders of images that have no label. A folder "unknown" may as well be a class.
_UNLABELED = frozenset(
    {"pred", "predict", "predicted", "prediction", "predictions", "unlabeled", "unlabelled"}
)


@dataclass(frozen=True)
class ParsedFolderName:
    """The parts of a folder name.

    Attributes:
        split: The split that the name contains, or None.
        rest: The remaining words, without numbers and words such as "set" and "images". Names of
            one data set differ in `split` and have the same `rest`.
    """

    split: Split | None
    rest: tuple[str, ...]


# Cyrillic and Greek letters that look like Latin ones in usual fonts; written as escapes, because
# they look the same in an editor, too.
_LOOK_ALIKES = (
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u04bb\u04cf\u03bf\u03bd"
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425\u0406\u0408\u0405"
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7"
)
_LATIN_LETTERS = str.maketrans(_LOOK_ALIKES, "aeopcyxijsdhlovABEKMHOPCTYXIJSABEZHIKMNOPTYX")


def parse_split_name(name: str) -> ParsedFolderName:
    """Finds a split word in a folder name in any case, with any separators and numbers."""
    splits: set[Split] = set()
    rest = []
    for word in _words_of_name(name):
        compound = _COMPOUND.fullmatch(word)
        split = _WORDS.get(compound[1] if compound else word)
        if split:
            splits.add(split)
        elif not _FILLER.fullmatch(word):
            rest.append(word)
    if splits == {"train", "validation"}:  # `train_val`, as `trainval`
        splits = {"train"}
    return ParsedFolderName(splits.pop() if len(splits) == 1 else None, tuple(rest))


def name_several_splits(names: Iterable[str]) -> bool:
    """Returns whether folder names contain the words of at least two different splits."""
    return len({parse_split_name(name).split for name in names} - {None}) > 1


def is_unlabeled_name(name: str) -> bool:
    """Returns whether a folder name contains a word for images without labels."""
    return not _UNLABELED.isdisjoint(_words_of_name(name))


def is_generic_name(name: str) -> bool:
    """Returns whether a name is that of some folder of images rather than of a class."""
    return bool(_GENERIC.fullmatch(join_words(name)))


def is_altered_name(name: str) -> bool:
    """Returns whether a folder name is that of images that somebody changed or sorted out."""
    return bool(_ALTERED.fullmatch(join_words(name)))


def is_annotation_name(name: str) -> bool:
    """Returns whether a folder name is that of annotations of images, such as masks."""
    return bool(_ANNOTATION.fullmatch(join_words(name)))


def is_unwanted_name(name: str) -> bool:
    """Returns whether a folder in a class folder hardly ever has further images of the class.

    Such are rejected images, changed copies and annotations, and a split. A train is a vehicle.
    """
    split = parse_split_name(name)
    held_out = split.split in ("validation", "test") and not split.rest
    return held_out or bool(_UNWANTED.fullmatch(join_words(name)))


def is_filler_name(name: str) -> bool:
    """Returns whether a name only says that the folder contains images."""
    words = _words_of_name(name)
    return bool(words) and all(_FILLER.fullmatch(word) and not word.isdigit() for word in words)


def original_names(name: str) -> Iterator[str]:
    """Yields the names, as words in lower case, of which `name` may be a copy or version."""
    # Windows and browsers number further copies; cloud storage names the user and the date.
    words = join_words(re.sub(r"\(\d{1,2}\)|\(.*conflicted copy.*\)", " copy ", name))
    start = _COPY_START.match(words)
    if start:
        yield words[start.end() :]
    for space in re.finditer(" ", words):
        if _COPY_END.fullmatch(words, space.start()):
            yield words[: space.start()]


def parse_variant(name: str) -> tuple[str, str] | None:
    """Splits a folder name into the original's name, in lower case, and a variant as "gray"."""
    found = _VARIANT_END.fullmatch(join_words(name))
    return (found[1], found[2]) if found else None


def parse_image_size(name: str) -> tuple[str, str] | None:
    """Splits a folder name into the words, in lower case, and the usual image size at its end."""
    found = _SIZE_END.fullmatch(join_words(name))
    return (found[1], found[2]) if found else None


def singular_words(name: str) -> tuple[str, ...]:
    """Returns the words of a folder name, as of `join_words`, without "s" at the end."""
    return tuple(word.rstrip("s") or word for word in join_words(name).split())


def join_words(name: str) -> str:
    """Returns the words of a folder name in lower case, separated by spaces, for comparison.

    Names that look the same have the same words, whatever the script of their letters.
    """
    return " ".join(_words_of_name(name.translate(_LATIN_LETTERS)))


def find_classes(folders: Sequence[str], class_names: Collection[str]) -> tuple[str, ...]:
    """Returns the distinct class names among folder names, from the outermost.

    Where several are present, an outermost one that is the name of a split does not count: in
    `train/cats`, the class is "cats", even if there is a class "train".
    """
    found = tuple(dict.fromkeys(name for name in folders if name in class_names))
    while len(found) > 1 and parse_split_name(found[0]).split:
        found = found[1:]
    return found


def _words_of_name(name: str) -> list[str]:
    """Splits a folder name into words in lower case, at separators, capitals and digits."""
    name = unicodedata.normalize("NFKC", name)  # macOS decomposes accented letters
    # Words begin at a capital after a small letter, and where letters and digits meet.
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])", " ", name)
    return [word for word in re.split(r"[\W_]+", spaced.lower()) if word]
