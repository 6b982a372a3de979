from __future__ import annotations

import time
from threading import Event, Thread

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from napari_ncut.side_by_side import all_of, one_blas_thread


def test_results_come_in_the_order_of_jobs():
    def job(i):
        def run():
            time.sleep(0.02 * (3 - i))
            return i

        return run

    assert all_of([job(i) for i in range(4)]) == [0, 1, 2, 3]
    assert all_of([]) == []


def test_products_of_matrices_have_one_thread_meanwhile_and_as_many_as_before_after():
    def threads():
        return [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]

    np.ones((2, 2)) @ np.ones((2, 2))
    before = threads()
    assert all_of([threads, threads]) == [[1] * len(before)] * 2
    assert threads() == before


def test_errors_of_jobs_come_through():
    def fails():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        all_of([fails, lambda: 1])


def test_the_limit_of_threads_ends_with_the_last_of_those_who_want_it():
    """One that ends while another goes on neither lifts the limit nor makes it stay."""

    def threads():
        return [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]

    np.ones((2, 2)) @ np.ones((2, 2))
    before = threads()
    inside, leave = Event(), Event()

    def first():
        with one_blas_thread():
            inside.set()
            leave.wait(10)

    thread = Thread(target=first)
    thread.start()
    assert inside.wait(10)
    with one_blas_thread(), one_blas_thread():
        leave.set()
        thread.join()
        assert threads() == [1] * len(before)
    assert threads() == before


def test_the_limit_of_threads_ends_with_an_error():
    before = [one["num_threads"] for one in threadpool_info()]
    with pytest.raises(ValueError, match="no"), one_blas_thread():
        raise ValueError("no")
    assert [one["num_threads"] for one in threadpool_info()] == before
