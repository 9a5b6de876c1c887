"""Small files of up to 49 megapixels; prints the peak memory of a scan of each, above a tiny image's.

python -m tests.datasets.bombs FOLDER
"""

import json
import struct
import subprocess
import sys
import zlib
from pathlib import Path

from PIL import Image, PngImagePlugin

from tests.corpora.image_files import encoded, png, png_header
from tests.corpora.jpeg_scans import AC, DC, jpeg

SIZE = (7000, 7000)
# The largest squares of these kinds that are not refused.
DEEP_RGBA, DEEP_RGB = (5290, 5290), (5830, 5830)
TIFF = (4990, 4990)
WEBP, RGBA_WEBP = (4120, 4120), (4000, 4000)
SCANS, SUBSAMPLED_SCANS, CMYK_SCANS = (5380, 5380), (6400, 6400), (4890, 4890)
SCAN = "str(scan_images(folder))"
LOADING, RGBA_LOADING = "loaded(folder)", "loaded(folder, color_mode='rgba')"
MEASUREMENT = "measured(sorted(str(file) for file in Path(folder).iterdir()))"
# Imports everything once, and reads each folder in a process that it forks before TensorFlow starts
# a thread. Memory that a scan has freed then does not hide the peak of the next one.
PROGRAM = """
import json, os, re, sys, time
from pathlib import Path
import keras, tensorflow
from catdog_keras import load_images, scan_images
from catdog_keras.diagnostics._measure_images import measure_images

def measured(files):
    try:
        return f"{len(measure_images('files', tuple(files)))} images"
    except ValueError as error:
        return str(error)

def loaded(folder, **options):
    images = load_images(folder, image_size=(64, 64), **options)
    return f"{sum(len(batch) for batch in images.dataset)} images"

for folder in sys.argv[1:]:
    child = os.fork()
    if child == 0:
        started = time.process_time()
        report = CALL
        # Unlike `ru_maxrss`, not inherited from the process that started this one.
        peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]
        print(json.dumps([int(peak) // 1000, time.process_time() - started, report]), flush=True)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status:
        sys.exit(f"The process for {folder} ended with status {status}")
"""


def blank_png(bits: int, kind: int, channels: int, size: tuple[int, int] = SIZE) -> bytes:
    """A PNG file of zeros."""
    row = b"\0" * (1 + size[0] * channels * bits // 8)
    packer = zlib.compressobj(9)
    rows = b"".join([*(packer.compress(row) for _ in range(size[1])), packer.flush()])
    whole = png(png_header(*size, bits, kind, 0), b"")
    start = whole.index(b"IDAT") - 4
    check = struct.pack(">I", zlib.crc32(b"IDAT" + rows))
    end = whole[-12:]
    return whole[:start] + struct.pack(">I", len(rows)) + b"IDAT" + rows + check + end


def with_xmp(content: bytes) -> bytes:
    """Adds metadata without an orientation, in front of the pixels of a PNG file."""
    chunk = b"iTXt" + b"XML:com.adobe.xmp" + bytes(5) + b"<x/>"
    size, check = struct.pack(">I", len(chunk) - 4), struct.pack(">I", zlib.crc32(chunk))
    at = content.index(b"IDAT") - 4
    return content[:at] + size + chunk + check + content[at:]


def compressed_text(megabytes: int) -> PngImagePlugin.PngInfo:
    """Chunks of a thousand bytes that each hold a MB of text."""
    info = PngImagePlugin.PngInfo()
    text = b"Comment\0\0" + zlib.compress(b" " * 2**20)
    for _ in range(megabytes):
        info.add(b"zTXt", text)
    return info


def bombs() -> dict[str, bytes]:
    """Contents by file name."""
    color = Image.new("RGB", SIZE)
    turned = Image.Exif()
    turned[0x0112] = 6
    return {
        "RGBA.png": blank_png(8, 6, 4),
        "16-bit RGBA.png": blank_png(16, 6, 4, DEEP_RGBA),
        "16-bit RGB.png": blank_png(16, 2, 3, DEEP_RGB),
        "gray.png": blank_png(8, 0, 1),
        "turned RGBA.png": encoded("PNG", Image.new("RGBA", SIZE), exif=turned),
        "2 GB of text.png": encoded("PNG", color, pnginfo=compressed_text(2000)),
        "lossless.webp": encoded("WEBP", color, lossless=True, method=0),
        "lossy.webp": encoded("WEBP", color, method=0),
        "small.webp": encoded("WEBP", Image.new("RGB", WEBP), method=0),
        "small RGBA.webp": encoded("WEBP", Image.new("RGBA", RGBA_WEBP, (9, 9, 9, 99)), method=0),
        "lzw.tif": encoded("TIFF", color, compression="tiff_lzw"),
        "one strip.tif": encoded("TIFF", color, compression="tiff_lzw", tiffinfo={278: SIZE[1]}),
        "turned.tif": encoded("TIFF", Image.new("RGB", TIFF), compression="tiff_lzw", exif=turned),
        "turned, one strip.tif": encoded(
            "TIFF",
            Image.new("RGB", TIFF),
            compression="tiff_lzw",
            tiffinfo={**turned, 278: TIFF[1]},
        ),
        "XMP.png": with_xmp(blank_png(8, 6, 4)),
        "palette.gif": encoded("GIF", color.convert("P")),
        "baseline.jpg": encoded("JPEG", color),
        "turned.jpg": encoded("JPEG", color, exif=turned),
        "progressive 4:4:4.jpg": encoded(
            "JPEG", Image.new("RGB", SCANS), progressive=True, subsampling=0
        ),
        "progressive 4:2:0.jpg": encoded(
            "JPEG", Image.new("RGB", SUBSAMPLED_SCANS), progressive=True, exif=turned
        ),
        "progressive CMYK.jpg": encoded("JPEG", Image.new("CMYK", CMYK_SCANS), progressive=True),
        "CMYK.jpg": encoded("JPEG", Image.new("CMYK", SIZE)),
        "100 scans.jpg": jpeg([DC] + [AC] * 99, SCANS),
        "5000 scans.jpg": jpeg([DC] + [AC] * 5000, SIZE),
    }


def measure(*folders: Path, call: str = SCAN) -> list[tuple[int, float, str]]:
    """Returns the peak memory in MB, the CPU seconds and the result of a call for each folder."""
    command = [sys.executable, "-c", PROGRAM.replace("CALL", call), *map(str, folders)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    return [tuple(json.loads(line)) for line in ended.stdout.splitlines()]


def write_bombs(root: Path) -> list[Path]:
    """Writes a tiny image and each bomb, each in a separate folder, the tiny image first."""
    folders = []
    for name, content in {"tiny.png": encoded("PNG"), **bombs()}.items():
        folders.append(root / name)
        folders[-1].mkdir(parents=True)
        (folders[-1] / name).write_bytes(content)
    return folders


def main(root: Path) -> None:
    """Writes and measures the bombs one by one, then eight RGBA images together."""
    folders = write_bombs(root)
    together = root / "all"
    together.mkdir()
    for number in range(8):
        (together / f"{number}.png").write_bytes(blank_png(8, 6, 4) + bytes([number]))
    (baseline, seconds, _), *found = measure(*folders, together)
    for folder, (peak, spent, report) in zip([*folders[1:], together], found, strict=True):
        size = sum(path.stat().st_size for path in folder.iterdir())
        result = [size, peak - baseline, round(spent - seconds, 1), report[:50]]
        print(json.dumps([folder.name, result]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
