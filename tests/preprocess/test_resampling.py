"""The kernels' weights: nothing from outside a box, and the few taps of a view are the whole of a matrix."""

import pytest
import torch

from distill.preprocess.resampling import (
    Interpolation,
    Interval,
    resample,
    resample_each,
    resampling_matrix,
    resampling_taps,
)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_no_pixel_outside_the_box_has_weight(interpolation: Interpolation) -> None:
    start, length = torch.tensor([0.0, 2.3, 11.5]), torch.tensor([20.0, 9.4, 8.5])
    for size_out in (4, 40):
        matrix = resampling_matrix(Interval(start, length), 20, size_out, interpolation)
        assert matrix.shape == (3, size_out, 20)
        torch.testing.assert_close(matrix.sum(dim=2), torch.ones(3, size_out))
        for box in range(3):
            for pixel in range(20):
                inside = float(start[box]) < pixel + 0.5 < float(start[box] + length[box])
                assert inside or not matrix[box, :, pixel].any()


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("sizes", [(20, 4), (20, 19), (20, 20), (20, 41), (128, 96), (5, 1), (2, 7)])
def test_the_taps_are_all_of_the_matrix_that_is_not_zero(sizes: tuple[int, int], interpolation: Interpolation) -> None:
    before, after = sizes
    random = torch.Generator().manual_seed(before * after)
    start = torch.cat([torch.zeros(2), torch.rand(40, generator=random) * before / 2])
    length = torch.cat([torch.tensor([before, before / 2]), (before - start[2:]) * 0.999])
    interval = Interval(start, length)
    taps = resampling_taps(interval, before, after, interpolation)
    spread = torch.zeros(42, after, before).scatter_add_(2, taps.pixel, taps.weight)
    torch.testing.assert_close(spread, resampling_matrix(interval, before, after, interpolation), rtol=0, atol=1e-6)


def test_a_reduction_takes_as_many_taps_as_its_kernel_is_wide_and_no_more() -> None:
    interval = Interval(torch.zeros(1), torch.full((1,), 90.0))
    counts = [
        resampling_taps(interval, 90, size, kernel).pixel.shape[2]
        for kernel in ("bilinear", "bicubic")
        for size in (30, 60, 90, 200)
    ]
    assert counts == [6, 3, 2, 2, 12, 6, 4, 4]


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_each_picture_gets_the_product_with_its_own_matrices(interpolation: Interpolation) -> None:
    pictures = torch.randint(0, 256, (3, 20, 16, 3), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    vertical = Interval(torch.tensor([0.0, 2.5, 7.1]), torch.tensor([20.0, 11.2, 12.9]))
    horizontal = Interval(torch.tensor([0.0, 0.3, 5.0]), torch.tensor([16.0, 14.0, 9.5]))
    rows = resampling_taps(vertical, 20, 9, interpolation)
    columns = resampling_taps(horizontal, 16, 23, interpolation)
    (found,) = resample_each(pictures, rows, columns)
    assert found.shape == (3, 3, 9, 23)
    for i in range(3):
        one_row, one_column = (Interval(v.start[i : i + 1], v.length[i : i + 1]) for v in (vertical, horizontal))
        matrices = (
            resampling_matrix(one_row, 20, 9, interpolation),
            resampling_matrix(one_column, 16, 23, interpolation),
        )
        torch.testing.assert_close(found[i : i + 1], resample(pictures[i : i + 1], *matrices), rtol=0, atol=1e-3)
