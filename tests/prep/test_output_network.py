import torch
from facenet_pytorch import MTCNN

from adatune.prep.output_network import output_network


def test_it_is_the_last_network_of_mtcnn() -> None:
    windows = torch.rand(3, 3, 48, 48, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        ours, theirs = output_network()(windows), MTCNN().onet(windows)
    for part, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(part, other, atol=1e-5, rtol=1e-5)
