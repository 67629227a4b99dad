"""Handlers of signals are taken for the time of training and given back. Real signals: see test_signals.py."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from nolabel.training import engine
from nolabel.training.interrupts import Interrupts
from training.toys import Line, job, table


@pytest.fixture(autouse=True)
def _handlers_put_back() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in Interrupts.signals}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_noted_and_the_second_acts_as_it_always_did(number: int) -> None:
    acted = []
    signal.signal(number, lambda *_: acted.append(number))
    with Interrupts() as interrupts:
        assert interrupts.signum == 0
        os.kill(os.getpid(), number)
        assert interrupts.signum == number
        assert acted == []
        os.kill(os.getpid(), number)
        assert acted == [number]
    os.kill(os.getpid(), number)
    assert acted == [number] * 2


def test_a_second_ctrl_c_is_a_keyboard_interrupt() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(KeyboardInterrupt), Interrupts():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)


def test_handlers_are_given_back_after_an_error_too() -> None:
    before = {number: signal.getsignal(number) for number in Interrupts.signals}
    with pytest.raises(KeyError), Interrupts():
        raise KeyError
    assert {number: signal.getsignal(number) for number in Interrupts.signals} == before
    engine.run(job(Line(), table(), epochs=1))
    assert {number: signal.getsignal(number) for number in Interrupts.signals} == before


def test_outside_the_main_thread_training_runs_without_handlers() -> None:
    found: list[object] = []

    def work() -> None:
        try:
            found.append(engine.run(job(Line(), table(), epochs=1)).reason)
        except BaseException as error:
            found.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == ["finished"]
