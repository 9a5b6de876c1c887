"""Finds the class folders and split folders in a tree of folders, by names and structure."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from catdog_keras._folder_names import (
    is_annotation_name,
    is_filler_name,
    is_unlabeled_name,
    is_unwanted_name,
    join_words,
    name_several_splits,
    parse_split_name,
    singular_words,
)
from catdog_keras._message import argument
from catdog_keras._printable import SHOWN, counted, listed
from catdog_keras.datasets._class_names import (
    NAME_THEM,
    check_annotation_names,
    check_split_names,
    note_copies,
    note_names,
)


@dataclass
class Folder:
    """A folder of the tree in which the layout is found.

    Attributes:
        path: Path relative to the root, with forward slashes; empty for the root.
        images: Number of images directly in this folder.
        total: Number of images in this folder and below.
        folders: Subfolders by name, sorted.
    """

    path: str
    images: int = 0
    total: int = 0
    folders: dict[str, "Folder"] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    def walk(self) -> Iterator["Folder"]:
        """Yields all folders below that contain images, at any depth, each before its subfolders.

        A folder can be nested more deeply than Python's recursion.
        """
        waiting = [self]
        while waiting:
            folder = waiting.pop()
            if folder is not self:
                yield folder
            waiting += [each for each in reversed(folder.folders.values()) if each.total]


@dataclass(frozen=True)
class Layout:
    """The role of the folders.

    Attributes:
        class_names: Names of the class folders, in the order of the labels.
        parts: Folder of class folders by split; `"all"` if the class folders are in no split.
        notes: What a user might not expect, for warnings.
    """

    class_names: tuple[str, ...]
    parts: dict[str, Folder]
    notes: tuple[str, ...]


def build_tree(folders: Iterable[str], images: Iterable[str]) -> Folder:
    """Builds the tree of a layout from sorted relative paths; a folder follows its parent."""
    root = Folder("")
    by_path = {"": root}
    # By code point and not as paths, which Windows compares without case.
    for path in sorted(folders, key=lambda path: path.split("/")):
        folder = by_path[path] = Folder(path)
        by_path[path.rpartition("/")[0]].folders[folder.name] = folder
    for path, count in Counter(image.rpartition("/")[0] for image in images).items():
        by_path[path].images = by_path[path].total = count
    for path, folder in reversed(by_path.items()):  # each folder before the one that contains it
        if path:
            by_path[path.rpartition("/")[0]].total += folder.total
    return root


def find_layout(root: Folder, name: str, class_names: Sequence[str] | None = None) -> Layout:
    """Finds the class folders below `root`; `name` is the path of `root` for error messages.

    A split folder has the name of a split and contains folders; a folder that contains images is a
    class, unless its name is that of a split of the other classes. `class_names` states the class
    folders instead; other folders next to them are ignored.

    Raises:
        ValueError: If the structure has several possible meanings.
    """
    stated = class_names is not None and root.folders.keys() >= set(class_names)
    splits = {} if stated else _find_split_folders(root, name)
    if splits:
        _check_folders_next_to_splits(root, splits, name)
    parts = {split: _skip_single_folders(folder) for split, folder in splits.items()} or {
        "all": root
    }
    places = {part: f"{name}/{folder.path}".removesuffix("/") for part, folder in parts.items()}
    notes: list[str] = []
    if class_names is None:
        first = next(iter(parts))
        _check_classes_one_level_deeper(parts[first], places[first])
        names = _class_folder_names(parts[first], places[first])
        check_annotation_names(names, places[first])
        for part, folder in parts.items():
            _check_same_classes(folder, names, places[part])
            _check_folders_in_classes(folder, places[part])
            notes += _check_groups_of_classes(folder, places[part])
            notes += _note_folders_in_classes(folder)
        suspects: list[str] = []
        if len(parts) == 1:  # a folder that is in several splits is a class
            with_images = [each for each in names if parts[first].folders[each].total]
            suspects = check_split_names(with_images, places[first])
        notes += note_names(names, suspects)
        return Layout(names, parts, (*notes, *note_copies(names)))
    parts = {
        part: _select_stated_classes(folder, class_names, places[part])
        for part, folder in parts.items()
    }
    for part, folder in parts.items():
        _check_folders_in_classes(folder, places[part])
    return Layout(tuple(class_names), parts, ())


def _find_split_folders(root: Folder, name: str) -> dict[str, Folder]:
    """Returns the folder of each split in the layout of `root`; empty without such names."""
    named = {
        folder.path: parsed
        for folder in root.folders.values()
        if (parsed := parse_split_name(folder.name)).split
    }
    candidates = {
        path: parsed for path, parsed in named.items() if _holds_class_folders(root, path, named)
    }
    # Without a second split, `freight_train` is a class with subfolders.
    if not any(
        not parsed.rest
        or any(
            other.split != parsed.split and (path in candidates or other.rest == parsed.rest)
            for path, other in named.items()
        )
        for parsed in candidates.values()
    ):
        return {}
    found: dict[str, Folder] = {}
    for split in ("train", "validation", "test"):
        present = [path for path, parsed in candidates.items() if parsed.split == split]
        if len(present) > 1:
            raise ValueError(
                f"{name!r} holds {listed(present)}, but only one of them can be {split}. Remove or "
                "rename one of them."
            )
        if present:
            found[split] = root.folders[present[0]]
    if "train" not in found:
        raise ValueError(
            f"{name!r} holds {listed(root.folders)}. A folder named train is required next to "
            f"{listed(candidates)}; if these are classes, pass their names as "
            + argument("class_names")
            + "."
        )
    return found


def _holds_class_folders(root: Folder, path: str, named: Collection[str]) -> bool:
    """Returns whether the layout of a split folder is that of classes, not of a class itself."""
    folder = _skip_single_folders(root.folders[path])
    if not folder.folders:
        return False
    if not any(each.total for each in root.folders.values() if each.path != path):
        return True  # a single class is not possible
    others = [_skip_single_folders(root.folders[other]).folders for other in named if other != path]
    return not folder.images or any(folder.folders.keys() & other.keys() for other in others)


def _skip_single_folders(folder: Folder) -> Folder:
    """Descends in a layout into folders that repeat the name above or only say "images"."""
    while not folder.images and len(folder.folders) == 1:
        (below,) = folder.folders.values()
        above = parse_split_name(folder.name)
        repeated = below.name.casefold() == folder.name.casefold() or (
            above.split is not None and parse_split_name(below.name).split == above.split
        )
        # Keras requires a folder for test images without labels, often named "unknown".
        if not (repeated or is_filler_name(below.name) or below.name.casefold() == "unknown"):
            break
        folder = below
    return folder


def _check_folders_next_to_splits(root: Folder, splits: dict[str, Folder], name: str) -> None:
    """Raises for a layout with an empty split folder, or one of unknown meaning next to splits."""
    used = [folder.path for folder in splits.values()]
    for folder in root.folders.values():
        split = parse_split_name(folder.name).split
        if folder.path in used or not (folder.total or split):
            continue
        if not folder.total:
            raise ValueError(
                f"{f'{name}/{folder.name}'!r} contains no image. Add images, or remove the folder."
            )
        known = split in ("validation", "test") or is_unlabeled_name(folder.name)
        if not known or _skip_single_folders(folder).folders:
            free = " or ".join(each for each in ("validation", "test") if each not in splits)
            free = "" if is_annotation_name(folder.name) else free
            rename = f", or name it {free}" if free else ""
            raise ValueError(
                f"{name!r} holds {listed(root.folders)}. {listed(used)} contain class folders, but "
                f"the meaning of {folder.name!r} is unknown. Remove it{rename}; if all of these "
                "are classes, pass their names as " + argument("class_names") + "."
            )


def _check_classes_one_level_deeper(folder: Folder, name: str) -> None:
    """Raises for a layout of classes one level deeper, next to folders without images."""
    filled = [each for each in folder.folders.values() if each.total]
    if len(filled) == 1 < len(folder.folders):
        (only,) = filled
        if not only.images and sum(each.total > 0 for each in only.folders.values()) > 1:
            others = [each for each in folder.folders if each != only.name]
            remedy = f"If these are the classes, move them to {name!r}"
            if not folder.path:  # not a split folder, whose other splits are needed
                remedy = f"Pass {f'{name}/{only.name}'!r}"
            raise ValueError(
                f"Of the folders in {name!r}, only {only.name!r} contains images, in the folders "
                f"{listed(only.folders)}. {remedy}, or add images to {listed(others)}."
            )


def _class_folder_names(folder: Folder, name: str) -> tuple[str, ...]:
    """Returns the names of the class folders in a layout; raises if there are fewer than two."""
    names = tuple(folder.folders)
    if len(names) < 2:
        raise ValueError(f"{name!r} holds {_describe_too_few_classes(folder, name)}")
    return names


def _describe_too_few_classes(folder: Folder, name: str) -> str:
    """Describes a layout with less than two class folders, and how to get two."""
    if not folder.folders:
        found = counted(folder.images, "image") if folder.images else "no images"
        return (
            f"{found} and no folders. Put the images of each of at least two classes into a "
            "folder with the name of the class."
        )
    (only,) = folder.folders.values()
    found = f"only one class folder, {only.name!r}, with {counted(only.total, 'image')}"
    if folder.images:
        found += f", and {counted(folder.images, 'image')} next to it"
    remedy = "At least two classes are required: add a folder with the images of another class"
    if len(only.folders) > 1:
        remedy += f", or, if the folders in {only.name!r} are the classes, move them to {name!r}"
    return f"{found}. {remedy}."


def _check_same_classes(folder: Folder, class_names: tuple[str, ...], name: str) -> None:
    """Raises for a layout in which a split has other class folders than the first one, `train`."""
    here = tuple(folder.folders)
    if here == class_names:
        return
    here_only = {join_words(each): each for each in here if each not in class_names}
    alike = [
        f"{each!a} and {here_only[join_words(each)]!a}"
        for each in class_names
        if each not in here and join_words(each) in here_only
    ]
    remedy = f" Give these the same name: {'; '.join(alike[:SHOWN])}." if alike else ""
    raise ValueError(
        "All split folders must contain the same class folders; train contains "
        f"{listed(class_names)}, {name!r} holds {listed(here)}.{remedy}"
    )


def _select_stated_classes(folder: Folder, class_names: Sequence[str], name: str) -> Folder:
    """Returns the layout of a folder with only the stated class folders, in their order."""
    missing = [each for each in class_names if each not in folder.folders]
    if missing:
        raise ValueError(
            f"{name!r} holds {listed(folder.folders)}, but no folders "
            f"{listed(missing)} of " + argument("class_names") + "."
        )
    classes = {each: folder.folders[each] for each in class_names}
    total = folder.images + sum(each.total for each in classes.values())
    return Folder(folder.path, folder.images, total, classes)


def _check_folders_in_classes(part: Folder, name: str) -> None:
    """Raises for a layout in which a class folder contains another class or split folders."""
    classes = list(part.folders.values())
    names = {folder.name for folder in classes}
    for folder in classes:
        nested = {each.name for each in folder.walk()}
        other = sorted(nested & (names - {folder.name}))
        if other:
            raise ValueError(
                f"{f'{name}/{folder.name}'!r} contains folders with the names of other classes: "
                f"{listed(other)}. Their images would have two classes: move or rename them."
            )
        inner = [each.name for each in folder.folders.values() if each.total]
        if name_several_splits(inner):
            raise ValueError(
                f"{f'{name}/{folder.name}'!r} contains the split folders {listed(inner)}. Put the "
                "split folders above the class folders, as in train/cats."
            )


def _check_groups_of_classes(part: Folder, name: str) -> list[str]:
    """Raises for a layout of groups of classes; otherwise returns notes on the subfolders."""
    classes = list(part.folders.values())
    below = {folder.name: list(folder.walk()) for folder in classes}
    # Names in any case, and a name that repeats that of the class does not count.
    words = {
        folder.name: {each.name.casefold() for each in below[folder.name]}
        - {folder.name.casefold()}
        for folder in classes
    }
    uses = Counter(word for found in words.values() for word in found)
    again = {word for word, count in uses.items() if count > 1}
    bare = [folder for folder in classes if below[folder.name] and not folder.images]
    chains = all(sum(each.images > 0 for each in below[folder.name]) == 1 for folder in bare)
    groups = [
        folder.name
        for folder in bare
        if (found := words[folder.name] & again) and (len(found) > 1 or found == words[folder.name])
    ]
    if len(bare) == len([folder for folder in classes if folder.total]) and groups and not chains:
        raise ValueError(
            f"The folders in {name!r} are not understood: {listed(groups)} contain no images but "
            f"folders with the same names, {listed(sorted(again))}. If these are the classes, pass "
            "the folder directly above them, or name the folders above them train, validation and "
            "test. Otherwise put the images of each class directly into its folder, or " + NAME_THEM
        )
    only_fillers = len(bare) == len(classes) and chains and all(map(is_filler_name, again))
    noted = not bare and all(map(is_unwanted_name, again))  # by `_note_folders_in_classes`
    if again and not only_fillers and not noted:  # not `cats/images` and `dogs/images`
        holders = [folder.name for folder in classes if words[folder.name] & again]
        return [
            f"The classes {listed(holders)} contain folders with the same names, "
            f"{listed(sorted(again))}. Their images have the class of the outermost folder."
        ]
    spread = [
        folder.name for folder in bare if sum(each.images > 0 for each in below[folder.name]) > 1
    ]
    if len(spread) == len(classes) and all(map(_holds_kinds_of_its_name, classes)):
        inner = [each.name for folder in classes for each in folder.folders.values() if each.total]
        raise ValueError(
            f"The folders in {name!r} are not understood: {listed(spread)} contain no images "
            f"but folders with longer names, {listed(inner)}. If these are the classes, pass "
            "the folder directly above them, or move all of them into one folder. Otherwise "
            + NAME_THEM
        )
    if spread:
        return [
            f"The classes {listed(spread)} contain no images directly, only in several subfolders. "
            "These images have the class of the outermost folder."
        ]
    return []


def _note_folders_in_classes(part: Folder) -> list[str]:
    """Returns notes on a layout with folders in class folders that may not be of this class."""
    classes = list(part.folders.values())
    words = {singular_words(each.name): each.name for each in classes}
    alike, unwanted, mixed = [], [], []
    for folder in classes:
        for below in folder.walk():
            if words.get(singular_words(below.name), folder.name) != folder.name:
                alike.append(below.path)
            elif below.total < folder.total and is_unwanted_name(below.name):
                unwanted.append(below.path)
        split = parse_split_name(folder.name)
        if split.split and not split.rest and folder.images:
            mixed += [folder.path] * (sum(each.total > 0 for each in folder.folders.values()) > 1)
    notes = []
    if alike:
        notes.append(
            f"The folders {listed(alike)} are named like other classes than the class folders that "
            "contain them. Their images have the class of the outermost folder. If this is wrong, "
            "move them."
        )
    if unwanted:
        notes.append(
            f"The images in {listed(unwanted)} are used like the other images of their classes. If "
            "they are not further images of these classes, move them out of the class folders."
        )
    if mixed:
        notes.append(
            f"{listed(mixed)} are used as classes, because they contain images. If the folders "
            "inside are the classes, move these images into them."
        )
    return notes


def _holds_kinds_of_its_name(folder: Folder) -> bool:
    """Returns whether a layout has kinds as subfolders, as `lung_n` in `lung_image_sets`."""
    words = parse_split_name(folder.name).rest
    inner = [parse_split_name(each.name).rest for each in folder.folders.values() if each.total]
    return bool(words) and all(set(words) < set(each) for each in inner)
