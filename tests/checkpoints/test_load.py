import hashlib
import io
import pickle
import random

import pytest
from bad_networks import BAD_FILES, SMALL, executing_pickles
from pickle_files import PYTORCH, TENSORFLOW, pickle_bytes, read_expected, write_pickle

import adatune
from adatune.checkpoints.load import newest_network
from adatune.checkpoints.network_file import save_network
from adatune.errors import AdatuneError, RunError, UnreadableNetwork, UsageError
from adatune.networks import Generator


@pytest.mark.parametrize("name", [*PYTORCH, TENSORFLOW])
def test_every_tensor_of_a_reference_pickle_is_bit_for_bit_that_of_the_published_code(name, tmp_path):
    model = adatune.load(write_pickle(name, tmp_path))
    sums = {
        f"{part}.{key}": [list(value.shape), hashlib.sha256(value.numpy().tobytes()).hexdigest()]
        for part in ("G", "D", "G_ema")
        for key, value in getattr(model, part).state_dict().items()
    }
    assert sums == read_expected(name)[1]


@pytest.mark.parametrize("name", [*PYTORCH, TENSORFLOW])
def test_images_and_logits_of_a_reference_pickle_are_those_of_the_published_code(name, tmp_path):
    model, (vectors, _) = adatune.load(write_pickle(name, tmp_path)), read_expected(name)
    labels = vectors["in.c"] if "in.c" in vectors and vectors["in.c"].shape[1] else None
    image = model.G_ema(vectors["in.z"], labels, noise="const")
    for ours, theirs in ((image, "out.G_ema.img"), (model.D(image, labels), "out.D.logits")):
        expected = vectors[theirs]
        assert (ours - expected).abs().max() <= 1e-4 * expected.abs().max()


def test_the_augmentation_strength_comes_from_the_pickle(tmp_path):
    assert adatune.load(write_pickle(PYTORCH[0], tmp_path)).augment_p == 0.375
    assert adatune.load(write_pickle(TENSORFLOW, tmp_path)).augment_p is None


def test_the_architecture_comes_from_the_file(tmp_path):
    config = adatune.load(write_pickle("ada_pytorch_cond16", tmp_path)).config
    assert (config.c_dim, config.num_fp16_res, config.conv_clamp, config.mapping_layers) == (3, 0, None, 2)
    config = adatune.load(write_pickle("ada_pytorch_uncond32", tmp_path)).config
    assert (config.c_dim, config.num_fp16_res, config.conv_clamp, config.resolution) == (0, 4, 256, 32)
    config = adatune.load(write_pickle(TENSORFLOW, tmp_path)).config
    assert (config.mapping_layers, config.channel_base, config.d_mapping_layers) == (4, 1024, 0)


def test_files_are_told_by_content_and_not_by_extension(tmp_path):
    path = tmp_path / "network.safetensors"
    path.write_bytes(pickle_bytes(PYTORCH[0]))
    assert adatune.load(path).config.resolution == 16


@pytest.mark.parametrize("kind", BAD_FILES)
def test_each_wrong_file_gets_its_own_error(kind, tmp_path):
    path = tmp_path / "file.pkl"
    make, first_words = BAD_FILES[kind]
    make(path)
    with pytest.raises(UnreadableNetwork) as caught:
        adatune.load(path)
    assert str(caught.value).startswith(f"{path} {first_words}")


def test_a_folder_without_networks_is_an_error(tmp_path):
    with pytest.raises(RunError, match="holds no network"):
        adatune.load(tmp_path)


def test_an_unknown_name_suggests_the_one_that_was_meant():
    with pytest.raises(UsageError, match=r"Did you mean ffhq512\?"):
        adatune.load("fhq512")


def test_a_run_folder_means_its_network_with_most_training(tmp_path):
    for name in ("network-000009.500", "network-000010", "network-000002", "network-best"):
        (tmp_path / f"{name}.safetensors").touch()
    assert newest_network(tmp_path).name == "network-000010.safetensors"


def test_a_run_is_found_by_its_name_its_number_and_as_latest(tmp_path, monkeypatch):
    monkeypatch.setenv("ADATUNE_HOME", str(tmp_path))
    folder = tmp_path / "runs" / "00000-faces"
    folder.mkdir(parents=True)
    save_network(folder / "network-000001.safetensors", Generator(SMALL))
    for name in ("00000-faces", "latest", "0", "00000"):
        assert adatune.load(name).config == SMALL
    with pytest.raises(UsageError, match="There is no network '1'"):
        adatune.load("1")


def test_loaded_networks_are_in_evaluation_mode_without_gradients(tmp_path):
    model = adatune.load(write_pickle(PYTORCH[0], tmp_path))
    assert not model.G.training
    assert not any(p.requires_grad for n in (model.G, model.D, model.G_ema) for p in n.parameters())


def test_cut_and_flipped_pickles_end_in_a_clear_error_or_a_network(tmp_path):
    generator, path = random.Random(0), tmp_path / "network.pkl"
    outcomes = set()
    for original in (pickle_bytes(PYTORCH[0]), pickle_bytes(TENSORFLOW)):
        for attempt in range(60):
            data = bytearray(original)
            if attempt % 3 == 0:
                del data[generator.randrange(len(data)) :]
            # Half of the flips fall into the first few kilobytes, where the structure is densest.
            for _ in range(generator.choice([1, 4, 40]) if data else 0):
                place = generator.randrange(min(len(data), 4096 if attempt % 2 else len(data)))
                data[place] = generator.randrange(256)
            path.write_bytes(data)
            try:
                adatune.load(path)
                outcomes.add("loaded")
            except AdatuneError as error:
                assert isinstance(error, UnreadableNetwork)  # noqa: PT017
                outcomes.add("refused")
    assert outcomes == {"loaded", "refused"}


@pytest.mark.parametrize("kind", executing_pickles())
def test_a_pickle_that_asks_for_code_is_refused_and_nothing_runs(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "network.pkl").write_bytes(executing_pickles()[kind])
    with pytest.raises(UnreadableNetwork):
        adatune.load("network.pkl")
    assert not (tmp_path / "canary").exists()


def test_an_unknown_global_is_named(tmp_path):
    path = tmp_path / "network.pkl"
    path.write_bytes(pickle.dumps({"G": io.BytesIO}))
    with pytest.raises(UnreadableNetwork, match=r"asks to load '_?io\.BytesIO'"):
        adatune.load(path)
