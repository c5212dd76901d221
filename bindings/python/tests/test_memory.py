"""Nothing is left behind, whichever thread lets go of it."""

import gc
import os
import pathlib
import threading

import deepmoe
import pytest

from conftest import lent_is, training


def resident_bytes():
    pages = int(pathlib.Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@training
@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="this system does not tell the resident size")
def test_a_thousand_lives_leave_nothing(cases):
    gc.collect()
    before, lent = deepmoe.live_objects(), deepmoe.arrays.lent_count()
    options = deepmoe.Options()
    options.update(cases.training["options"])
    images, labels = cases.images[:2], cases.labels[:2]
    size = 0
    for life in range(1000):
        model = deepmoe.Model.load(cases.network, options)
        trainer = deepmoe.Trainer(model, options)
        trainer.step(images, labels, loss=False)
        model.compile().run(images)
        with pytest.raises(deepmoe.StoppedError):
            trainer.fit(deepmoe.Dataset(images.copy(), labels, cases.num_classes),
                        callback=lambda event, data: 0 if event == deepmoe.Event.START else 99)
        if life == 200:
            size = resident_bytes()
    del model, trainer, options
    gc.collect()
    assert deepmoe.live_objects() == before
    assert lent_is(lent)
    assert resident_bytes() - size < 4 * 2**20


def test_other_threads_release(cases):
    gc.collect()
    before = deepmoe.live_objects()
    objects = [deepmoe.Engine(cases.network) for _ in range(8)]
    threads = [threading.Thread(target=objects.pop().close) for _ in range(4)]
    threads.append(threading.Thread(target=objects.clear))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gc.collect()
    assert deepmoe.live_objects() == before
