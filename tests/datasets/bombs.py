"""Small files of 49 megapixels; prints the peak memory of a scan of each, above a tiny image's.

python -m tests.datasets.bombs FOLDER
"""

import json
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

from PIL import Image, PngImagePlugin

from tests.corpora.image_files import encoded, png, png_header
from tests.corpora.jpeg_scans import AC, DC, jpeg

SIZE = (7000, 7000)
SCAN = """
import re, sys
from pathlib import Path
from catdog_keras import scan_images
report = scan_images(sys.argv[1])
# Unlike `ru_maxrss`, not inherited from the process that started this one.
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1], report)
"""


def blank_png(bits: int, kind: int, channels: int, interlace: int = 0) -> bytes:
    """A PNG file of zeros."""
    row = b"\0" * (1 + SIZE[0] * channels * bits // 8)
    packer = zlib.compressobj(9)
    rows = b"".join([*(packer.compress(row) for _ in range(SIZE[1])), packer.flush()])
    whole = png(png_header(*SIZE, bits, kind, interlace), b"")
    start = whole.index(b"IDAT") - 4
    check = struct.pack(">I", zlib.crc32(b"IDAT" + rows))
    end = whole[-12:]
    return whole[:start] + struct.pack(">I", len(rows)) + b"IDAT" + rows + check + end


def compressed_text(megabytes: int) -> PngImagePlugin.PngInfo:
    """Chunks of a thousand bytes that each hold a MB of text."""
    info = PngImagePlugin.PngInfo()
    for _ in range(megabytes):
        info.add_text("Comment", " " * 2**20, zip=True)
    return info


def bombs() -> dict[str, bytes]:
    """Contents by file name."""
    color = Image.new("RGB", SIZE)
    turned = Image.Exif()
    turned[0x0112] = 6
    return {
        "RGBA.png": blank_png(8, 6, 4),
        "16-bit RGBA.png": blank_png(16, 6, 4),
        "16-bit RGB.png": blank_png(16, 2, 3),
        "gray.png": blank_png(8, 0, 1),
        "turned RGBA.png": encoded("PNG", Image.new("RGBA", SIZE), exif=turned),
        "2 GB of text.png": encoded("PNG", color, pnginfo=compressed_text(2000)),
        "lossless.webp": encoded("WEBP", color, lossless=True, method=0),
        "lossy.webp": encoded("WEBP", color, method=0),
        "lzw.tif": encoded("TIFF", color, compression="tiff_lzw"),
        "one strip.tif": encoded("TIFF", color, compression="tiff_lzw", tiffinfo={278: SIZE[1]}),
        "palette.gif": encoded("GIF", color.convert("P")),
        "baseline.jpg": encoded("JPEG", color),
        "turned.jpg": encoded("JPEG", color, exif=turned),
        "progressive 4:4:4.jpg": encoded("JPEG", color, progressive=True, subsampling=0),
        "CMYK.jpg": encoded("JPEG", Image.new("CMYK", SIZE)),
        "100 scans.jpg": jpeg([DC] + [AC] * 99, SIZE),
        "5000 scans.jpg": jpeg([DC] + [AC] * 5000, SIZE),
    }


def measure(folder: Path) -> tuple[int, float, str]:
    """Returns the peak memory in MB, the seconds and the report of a scan in its own process."""
    started = time.perf_counter()
    command = [sys.executable, "-c", SCAN, str(folder)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    kilobytes, _, report = ended.stdout.partition(" ")
    return int(kilobytes) // 1000, time.perf_counter() - started, report


def main(root: Path) -> None:
    """Writes and measures the bombs one by one, then eight RGBA images together."""
    (root / "tiny").mkdir(parents=True)
    (root / "tiny" / "a.png").write_bytes(encoded("PNG"))
    baseline, seconds, _ = measure(root / "tiny")
    found = {}
    for number, (name, content) in enumerate(bombs().items()):
        folder = root / str(number)
        folder.mkdir()
        (folder / name).write_bytes(content)
        peak, spent, report = measure(folder)
        found[name] = [len(content), peak - baseline, round(spent - seconds, 1), report[:50]]
        print(json.dumps([name, found[name]]), flush=True)
    (root / "all").mkdir()
    for number in range(8):
        (root / "all" / f"{number}.png").write_bytes(blank_png(8, 6, 4) + bytes([number]))
    peak, spent, _ = measure(root / "all")
    print(json.dumps(["8 RGBA.png", [0, peak - baseline, round(spent - seconds, 1), ""]]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
