import numpy as np

from crispen.enhance.fill import fill_hidden, filled_frame


def test_nearest_colour_wins_and_far_pixels_are_black():
    picture = np.zeros((1, 9, 4), np.uint8)
    picture[..., :3] = 99  # hidden, must vanish
    picture[0, 0] = (10, 20, 30, 255)
    out = fill_hidden(picture, 3)
    # Within 3 pixels the visible colour, beyond it nothing.
    assert out[0, :4, :3].tolist() == [[10, 20, 30]] * 4
    assert out[0, 4:, :3].max() == 0
    np.testing.assert_array_equal(out[..., 3], picture[..., 3])


def test_mean_is_weighted_by_alpha():
    picture = np.array([[[100, 3], [0, 0], [200, 1]]], np.uint8)
    assert fill_hidden(picture, 1)[0, 1, 0] == 125  # (3 · 100 + 1 · 200) / 4


def test_visible_pixels_stay_and_opaque_pictures_are_not_copied():
    picture = np.random.default_rng(0).integers(0, 256, (20, 20, 4), np.uint8)
    picture[..., 3] = np.maximum(picture[..., 3], 1)
    assert fill_hidden(picture, 5) is picture
    picture[5:9, 5:9, 3] = 0
    out = fill_hidden(picture, 5)
    visible = picture[..., 3] > 0
    np.testing.assert_array_equal(out[visible], picture[visible])


def test_bands_do_not_matter():
    picture = np.random.default_rng(0).integers(0, 65536, (300, 40, 4), np.uint16)
    picture[np.random.default_rng(1).random((300, 40)) < 0.97, 3] = 0
    whole = fill_hidden(picture, 9)
    bands = iter([picture[i : i + 17] for i in range(0, 300, 17)])
    np.testing.assert_array_equal(np.concatenate(list(filled_frame(bands, 300, 9))), whole)
