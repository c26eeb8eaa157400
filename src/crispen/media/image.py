import numpy as np, pyvips
class _I:
    def __init__(s,a): s.a=a
    def as_rgb8(s): return s.a
def read_image(f):
    im=pyvips.Image.new_from_file(str(f)).colourspace('srgb')
    if im.hasalpha(): im=im.flatten()
    return _I(im.numpy()[...,:3])
