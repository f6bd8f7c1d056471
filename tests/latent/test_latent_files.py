"""Latents out of files of every kind, and wrong ones."""

import contextlib
import pickle

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from adatune.errors import UnreadableLatents, UsageError
from adatune.latent.latent_files import latent_files, read_latents
from adatune.networks import NetworkConfig

CONFIG = NetworkConfig(resolution=16, w_dim=4)
W = np.random.RandomState(0).randn(1, 6, 4).astype(np.float32)


@pytest.mark.parametrize("shape", [(6, 4), (1, 6, 4), (3, 6, 4), (1, 4), (3, 1, 4)])
@pytest.mark.parametrize("suffix", [".npz", ".npy", ".safetensors", ".pt"])
def test_latents_come_back_as_they_were(tmp_path, shape, suffix):
    w = np.random.RandomState(0).randn(*shape).astype(np.float32)
    path = tmp_path / f"projected_w{suffix}"
    if suffix == ".npz":
        np.savez(path, w=w)
    elif suffix == ".npy":
        np.save(path, w)
    elif suffix == ".pt":
        torch.save(torch.from_numpy(w), path)
    else:
        save_file({"w": torch.from_numpy(w)}, path)
    read = read_latents(path, CONFIG)
    assert read.dtype == torch.float32
    # One w for all layers is that of each.
    assert np.array_equal(read.numpy(), np.broadcast_to(w.reshape(-1, *shape[-2:]), (*read.shape[:1], 6, 4)))
    assert len(read) == (3 if shape[0] == 3 else 1)


def test_double_precision_is_rounded(tmp_path):
    np.savez(tmp_path / "a.npz", w=W.astype(np.float64))
    assert np.array_equal(read_latents(tmp_path / "a.npz", CONFIG).numpy(), W)


def test_a_pickle_in_an_array_is_not_opened(tmp_path):
    canary = tmp_path / "canary"

    class Evil:
        def __reduce__(self):
            return open, (str(canary), "w")

    np.save(tmp_path / "a.npy", np.array([Evil()], object), allow_pickle=True)
    (tmp_path / "b.npy").write_bytes(pickle.dumps(Evil()))
    torch.save(Evil(), tmp_path / "c.pt")
    (tmp_path / "d.pt").write_bytes(pickle.dumps(Evil()))
    for name in ("a.npy", "b.npy", "c.pt", "d.pt"):
        with pytest.raises(UnreadableLatents, match="damaged or of another kind"):
            read_latents(tmp_path / name, CONFIG)
    assert not canary.exists()


@pytest.mark.parametrize("suffix", [".npz", ".npy", ".safetensors", ".pt"])
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"nonsense", b"\x93NUMPY"])
def test_a_damaged_file_is_refused(tmp_path, suffix, content):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    with pytest.raises(UnreadableLatents, match="damaged or of another kind"):
        read_latents(path, CONFIG)


def test_a_cut_off_file_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", w=W)
    torch.save(torch.from_numpy(W), tmp_path / "a.pt")
    torch.save(torch.from_numpy(W), tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    for name in ("a.npz", "a.pt", "old.pt"):
        data, cut = (tmp_path / name).read_bytes(), tmp_path / f"cut-{name}"
        for length in range(0, len(data) - 1, 40):
            cut.write_bytes(data[:length])
            with pytest.raises(UnreadableLatents):
                read_latents(cut, CONFIG)


WRITERS = {
    "a.npz": lambda path: np.savez(path, w=W),
    "packed.npz": lambda path: np.savez_compressed(path, w=W),
    "a.npy": lambda path: np.save(path, W),
    "a.safetensors": lambda path: save_file({"w": torch.from_numpy(W)}, path),
    "a.pt": lambda path: torch.save(torch.from_numpy(W), path),
    "old.pt": lambda path: torch.save(torch.from_numpy(W), path, _use_new_zipfile_serialization=False),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_with_other_bytes_is_read_or_refused(tmp_path, name):
    WRITERS[name](tmp_path / name)
    data, random = (tmp_path / name).read_bytes(), np.random.RandomState(0)
    changed = tmp_path / f"changed-{name}"
    for place, value in zip(random.randint(len(data), size=300), random.randint(256, size=300), strict=True):
        changed.write_bytes(data[:place] + bytes([value]) + data[place + 1 :])
        with contextlib.suppress(UnreadableLatents):
            assert read_latents(changed, CONFIG).shape == (1, 6, 4)


def test_a_tensor_that_was_being_optimised_is_read_as_numbers(tmp_path):
    torch.save(torch.nn.Parameter(torch.from_numpy(W)), tmp_path / "a.pt")
    assert np.array_equal(read_latents(tmp_path / "a.pt", CONFIG).numpy(), W)


ZEROS = torch.zeros(1, 6, 4)


@pytest.mark.parametrize("content", [{"w": ZEROS}, [1.0], ZEROS.long(), ZEROS.to("meta"), ZEROS.to_sparse()])
def test_a_torch_file_is_one_tensor_of_numbers_and_nothing_else(tmp_path, content):
    torch.save(content, tmp_path / "a.pt")
    with pytest.raises(UnreadableLatents, match="damaged or of another kind"):
        read_latents(tmp_path / "a.pt", CONFIG)


def test_a_folder_that_projection_left_holds_the_latents_in_w_of_each_photo(tmp_path):
    for name in ("b", "a"):
        (tmp_path / "projected" / name).mkdir(parents=True)
        for file in ("projected_w.npz", "projected_w-plus.npz", "photo.png", "a-tuned.safetensors"):
            (tmp_path / "projected" / name / file).touch()
    found = latent_files(tmp_path / "projected")
    assert [path.relative_to(tmp_path).as_posix() for path in found] == [
        "projected/a/projected_w.npz",
        "projected/b/projected_w.npz",
    ]


def test_other_folders_and_files_hold_latents_by_their_names(tmp_path):
    for name in ("b.pt", "a.NPZ", "photo.jpg"):
        (tmp_path / name).touch()
    assert [path.name for path in latent_files(tmp_path)] == ["a.NPZ", "b.pt"]
    assert latent_files(tmp_path / "b.pt") == [tmp_path / "b.pt"]
    assert latent_files(tmp_path / "photo.jpg") == latent_files(tmp_path / "missing") == []


def test_a_file_without_w_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", z=W)
    save_file({"z": torch.zeros(6, 4)}, tmp_path / "a.safetensors")
    for name in ("a.npz", "a.safetensors"):
        with pytest.raises(UnreadableLatents, match="no array 'w'"):
            read_latents(tmp_path / name, CONFIG)


@pytest.mark.parametrize("shape", [(4,), (6, 8), (18, 4), (2, 4), (1, 1, 6, 4), (0, 6, 4)])
def test_latents_of_another_network_are_refused_with_both_shapes(tmp_path, shape):
    np.save(tmp_path / "a.npy", np.zeros(shape))
    with pytest.raises(UnreadableLatents, match=r"takes \[6, 4\]"):
        read_latents(tmp_path / "a.npy", CONFIG)


def test_numbers_that_are_none_are_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.full((6, 4), np.nan))
    with pytest.raises(UnreadableLatents, match="not finite"):
        read_latents(tmp_path / "a.npy", CONFIG)


def test_what_is_no_file_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="There is no file"):
        read_latents(tmp_path / "a.npz", CONFIG)
    with pytest.raises(UsageError, match="neither a seed nor a file"):
        read_latents(tmp_path / "a.pkl", CONFIG)
