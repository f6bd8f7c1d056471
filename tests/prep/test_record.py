from dataclasses import replace

from adatune.prep.record import Record

GOOD = Record("a.jpg", width=900, height=900, faces=1, score=1.0, eye_px=128, upscale=1.0, blur=1.0)


def test_of_two_files_of_one_picture_the_larger_and_the_sharper_resolve_more() -> None:
    assert replace(GOOD, upscale=2.0).detail_resolved < GOOD.detail_resolved
    assert replace(GOOD, blur=2.0).detail_resolved < GOOD.detail_resolved
