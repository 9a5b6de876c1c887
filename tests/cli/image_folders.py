"""Images of three synthetic classes with unusual names."""

from PIL import Image, ImageDraw

# In sorted order, as class folders are read.
CLASSES = ("<script>alert(1)", "dark 'disc' & \"more\"", "stripes 猫")
PER_CLASS = 12


def draw(index, generator, side=32):
    """A disc in the dark, a square on grey, or stripes on white, where and how chance will."""
    ground, ink = ((120, 200), (10, 240), (235, 90))[index]
    image = Image.new("RGB", (side, side), (ground + int(generator.integers(-10, 10)),) * 3)
    pen = ImageDraw.Draw(image)
    x, y = generator.integers(2, side // 3, 2).tolist()
    if index == 0:
        pen.rectangle((x, y, x + side // 2, y + side // 2), fill=(ink,) * 3)
    elif index == 1:
        pen.ellipse((x, y, x + side // 2, y + side // 2), fill=(ink,) * 3)
    else:
        for row in range(y, side, 6):
            pen.line((0, row, side, row), fill=(ink,) * 3, width=2)
    return image
