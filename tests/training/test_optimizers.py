"""How the trainers make steps, and go on later."""

from __future__ import annotations

import pytest
import torch

from napari_ncut.training import optimizers
from napari_ncut.training.optimizers import adamw, load_checkpoint, one_cycle, save_checkpoint


def layer() -> torch.nn.Linear:
    torch.manual_seed(0)
    return torch.nn.Linear(3, 2)


def test_optimizers_stay_apart_from_the_driver_of_windows(monkeypatch):
    asked = []
    monkeypatch.setattr(optimizers, "keep_llvm_apart", lambda: asked.append(True))
    adamw(layer().parameters(), 1e-3)
    assert asked == [True]


@pytest.mark.parametrize("rising", [0.1, 0.15, 0.3, 0.5])
@pytest.mark.parametrize("steps", [1, 2, 3, 7, 10, 40])
def test_rates_rise_and_fall_however_few_the_steps(steps, rising):
    optimizer = adamw(layer().parameters(), 0.5)
    schedule = one_cycle(optimizer, 0.5, steps, rising=rising)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert all(0 < rate <= 0.5 for rate in rates)
    if steps >= 7:
        assert max(rates) > 0.4 and rates[-1] < 0.1
    if steps == 40:
        assert max(rates) > 2 * rates[0]


def test_momentum_stays_where_it_is_told_to():
    optimizer = adamw(layer().parameters(), 0.5)
    one_cycle(optimizer, 0.5, 40, momentum=False)
    assert optimizer.param_groups[0]["betas"] == (0.9, 0.999)
    one_cycle(optimizer, 0.5, 40)
    assert optimizer.param_groups[0]["betas"][0] == 0.95


def test_parts_of_a_run_come_back_with_its_step(tmp_path):
    network = layer()
    optimizer = adamw(network.parameters(), 0.1)
    network(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    save_checkpoint(tmp_path / "run.pt", 7, {"network": network, "optimizer": optimizer})
    other = layer()
    again = adamw(other.parameters(), 0.1)
    parts = {"network": other, "optimizer": again}
    assert load_checkpoint(tmp_path / "run.pt", parts) == 7
    torch.testing.assert_close(other.weight, network.weight, rtol=0, atol=0)
    assert again.state_dict()["state"].keys() == optimizer.state_dict()["state"].keys()
