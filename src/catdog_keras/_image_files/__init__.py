"""Reading and decoding of image files within limits of memory and time.

`open_image` reads the header, `limits` rejects files that would take too long or too much memory,
`decode_tensorflow` and `decode_pillow` decode the pixels, and `orientation` turns them upright.
"""
