"""Names of files and folders that systems and programs create, not users."""

# Exact names, in lower case because Windows and macOS do not distinguish it. Names that start with
# a dot, such as .picasaoriginals, .dropbox.cache, .stversions and .AppleDouble, are not listed:
# they are hidden on every system.
_SYSTEM_NAMES = frozenset(
    {
        # Windows
        "$extend",
        "$recycle.bin",
        "config.msi",
        "desktop.ini",
        "ehthumbs.db",
        "ehthumbs_vista.db",
        *(f"found.{number:03}" for number in range(100)),  # recovered by chkdsk
        "hiberfil.sys",
        "iconcache.db",
        "msocache",
        "pagefile.sys",
        "recycled",
        "recycler",
        "swapfile.sys",
        "system volume information",
        "thumbs.db",
        # macOS
        "cleanup at startup",
        "desktop db",
        "desktop df",
        "icon\r",
        "network trash folder",
        "temporary items",
        "thefindbycontentfolder",
        "thevolumesettingsfolder",
        # Linux and Android
        "lost+found",
        "lost.dir",
        "aquota.group",
        "aquota.user",
        # NAS devices: Synology, QNAP, NetApp, Buffalo, D-Link
        "#recycle",
        "#snapshot",
        "@eadir",
        "@recently-snapshot",
        "@recycle",
        "@sharebin",
        "@sharesnap",
        "@synoeastream",
        "@synoresource",
        "@tmp",
        "@transcode",
        "@__thumb",
        "network recycle bin",
        "trashbox",
        "~snapshot",
        # cloud storage: GoodSync, OneDrive
        "_gsdata_",
        "onedrivetemp",
        # ACDSee, Capture One, FrontPage, iTunes, Nikon, Paint Shop Pro, Picasa
        "[originals]",
        "captureone",
        "ipod photo cache",
        "_derived",
        "_vti_cnf",
        "_vti_pvt",
        "nksc_param",
        "picasa.ini",
        "pspbrwse.jbf",
        "zbthumbnail.info",
    }
)

# Dot files, and the folder that macOS adds to archives.
_HIDDEN_PREFIXES = (".", "__MACOSX")


def is_hidden(name: str) -> bool:
    """Returns whether a file or folder is skipped because its name hides it from users."""
    return name.startswith(_HIDDEN_PREFIXES)


def is_skipped(name: str) -> bool:
    """Returns whether a file or folder is hidden or was created by a system or program."""
    return is_hidden(name) or name.lower() in _SYSTEM_NAMES
