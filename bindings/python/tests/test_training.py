"""What the training library adds: data sets, models, trainers and their callbacks."""

import sys

import deepmoe
import numpy
import pytest

from conftest import OnlyDLPack, training

pytestmark = training


@pytest.fixture
def options(cases):
    values = deepmoe.Options()
    values.update(cases.training["options"])
    return values


@pytest.fixture
def model(cases, options):
    return deepmoe.Model.load(cases.network, options)


@pytest.fixture
def dataset(cases):
    return deepmoe.Dataset(cases.images, cases.labels, cases.num_classes)


def test_training_follows_the_cases(cases, close_to, options, model, dataset):
    with deepmoe.Trainer(model, options) as trainer:
        losses = [trainer.step(cases.images, cases.labels) for _ in cases.training["losses"]]
        close_to(losses, cases.training["losses"])
        assert trainer.metrics()["step"] == len(losses)
    close_to(model.logits(cases.images), cases.training["logits"])
    figures = model.evaluate(dataset, options)
    for name, expected in cases.training["evaluation"].items():
        close_to(figures[name], expected)


def test_a_step_by_dlpack_is_the_same(cases, close_to, options, model):
    with deepmoe.Trainer(model, options) as trainer:
        trainer.begin_epoch(0, 3)
        first = trainer.step(OnlyDLPack(cases.images), OnlyDLPack(cases.labels))
        assert trainer.step(cases.images, cases.labels, loss=False) is None
    close_to(first, cases.training["losses"][0])


def test_a_loop_goes_on_where_it_was_saved(cases, options, model, tmp_path):
    path = tmp_path / "state.safetensors"
    with deepmoe.Trainer(model, options) as trainer:
        trainer.step(cases.images, cases.labels)
        trainer.save_state(path)
        expected = trainer.step(cases.images, cases.labels)
        assert trainer.position() == (2, -1, 2)
    with deepmoe.Trainer(deepmoe.Model.load(cases.network, options), options) as trainer:
        trainer.load_state(path)
        assert trainer.position().step == 1
        assert trainer.step(cases.images, cases.labels) == expected
        with pytest.raises(deepmoe.NotFoundError):
            trainer.load_state(tmp_path / "absent")


def test_a_loop_evaluates_the_averaged_weights(cases, options, model):
    options["ema"] = 0.5
    with deepmoe.Trainer(model, options) as trainer:
        trainer.step(cases.images, cases.labels)
        own = model.logits(cases.images)
        trainer.use_average(True)
        assert not numpy.array_equal(model.logits(cases.images), own)
        with pytest.raises(deepmoe.StateError):
            trainer.step(cases.images, cases.labels)
        trainer.use_average(False)
        assert numpy.array_equal(model.logits(cases.images), own)


def test_forward_gives_gates_and_the_state_is_shared(cases, close_to, model):
    outputs = model.forward(cases.images)
    close_to(outputs["logits"].array(), cases.engine["logits"])
    close_to(model.forward(OnlyDLPack(cases.images))["logits"].array(), cases.engine["logits"])
    gates = numpy.concatenate([outputs[name].array() for name in outputs if name.startswith("gate.")], axis=1)
    close_to(gates, cases.engine["gates"])
    name = "embedding_classifier.bias"
    assert model.state()[name].array().ctypes.data == model.state()[name].array().ctypes.data


def test_a_state_goes_from_model_to_model(cases, close_to, options, model):
    other = deepmoe.Model.load(cases.network, options)
    deepmoe.Trainer(other, options).step(cases.images, cases.labels)
    other.load_state(model.state())
    close_to(other.logits(cases.images), cases.engine["logits"])


def test_models_are_saved_compiled_folded_exported_and_compacted(tmp_path, cases, close_to, model, dataset):
    model.save(tmp_path / "a.safetensors")
    close_to(deepmoe.Engine(tmp_path / "a.safetensors").run(cases.images), cases.engine["logits"])
    close_to(model.compile(threads=1).run(cases.images), cases.engine["logits"])
    assert model.fold().describe()["num_classes"] == cases.num_classes
    assert model.architecture_describe()["nodes"] and "conv" in model.architecture_text()
    model.export_onnx(tmp_path / "a.onnx", gates=False)
    assert (tmp_path / "a.onnx").stat().st_size > 1000
    smaller, report = model.compact(dataset, min_utilisation=0)
    close_to(smaller.logits(cases.images), cases.engine["logits"])
    assert report["after"]["experts"] <= report["before"]["experts"]


def test_failures_name_the_file(tmp_path, model):
    for function in (model.read_image, deepmoe.Model.load):
        with pytest.raises(deepmoe.NotFoundError, match="none"):
            function(tmp_path / "none")
    with pytest.raises(deepmoe.NotFoundError, match="none"):
        deepmoe.convert_pytorch(tmp_path / "none", tmp_path / "out")


def test_data_sets_lend_and_give_back(cases, dataset):
    assert len(dataset) == dataset.describe()["size"] == cases.batch
    assert dataset.num_classes == cases.num_classes
    lent = deepmoe.arrays.lent_count()
    with deepmoe.Dataset(cases.bytes, cases.labels, layout="nhwc"):
        assert deepmoe.arrays.lent_count() == lent + 1
    assert deepmoe.arrays.lent_count() == lent
    with pytest.raises(deepmoe.InvalidArgumentError):
        deepmoe.Dataset(cases.images, cases.labels, num_classes=1)
    with pytest.raises(ValueError, match="3 labels for 4 images"):
        deepmoe.Dataset(cases.images, cases.labels[:3])
    assert deepmoe.arrays.lent_count() == lent
    synthetic = deepmoe.Dataset.open(deepmoe.Options(dataset="synthetic"), "test")
    assert len(synthetic) > 0


def test_batches_come_in_order_or_shuffled(cases, options, model, dataset):
    loader = deepmoe.Loader(dataset, options)
    assert (len(loader), loader.image_size) == (2, cases.side)
    seen = [(images.copy(), labels.copy()) for images, labels in loader]
    assert numpy.array_equal(numpy.concatenate([images for images, _ in seen]), cases.images)
    assert numpy.array_equal(numpy.concatenate([labels for _, labels in seen]), cases.labels)
    trainer, numbers = deepmoe.Trainer(model, options), []
    for images, labels in deepmoe.Loader(dataset, options, epoch=3):
        trainer.step(images, labels)
        numbers += list(labels)
    assert sorted(numbers) == sorted(cases.labels)
    rest = deepmoe.Loader(dataset, options, epoch=3, first_batch=1)
    assert len(rest) == 1 and [len(labels) for _, labels in rest] == [len(cases.labels) // 2]
    images, _ = next(deepmoe.Loader(dataset, options))
    assert numpy.array_equal(images, cases.images[:2])  # The array keeps the loader.


def test_fit_tells_its_events(options, model, dataset):
    seen = []
    options["epochs"] = 2
    summary = deepmoe.Trainer(model, options).fit(dataset, dataset, lambda event, data: seen.append((event, data)))
    assert [data["epoch"] for event, data in seen if event == deepmoe.Event.EPOCH] == [1, 2]
    assert 0 <= summary["accuracy"] <= 1


def test_what_a_callback_raises_is_raised_by_the_call(options, model, dataset):
    trainer, engine = deepmoe.Trainer(model, options), model.compile()
    raised = KeyError("of the callback")

    def fail(_event, _data):
        raise raised

    for function in (lambda: trainer.fit(dataset, callback=fail), lambda: model.evaluate(dataset, callback=fail),
                     lambda: engine.evaluate(dataset, callback=fail), lambda: model.compact(dataset, callback=fail),
                     lambda: deepmoe.Report(engine, dataset, fail)):
        with pytest.raises(KeyError) as caught:
            function()
        assert caught.value is raised
    trainer.fit(dataset)  # It can be used as before.


def test_an_event_of_a_newer_library_is_skipped():
    seen = []
    receiver = deepmoe.callbacks.Receiver(lambda event, data: seen.append(event))
    nothing = deepmoe.library.ffi.new("char[]", b"{}")
    assert receiver.during(lambda: receiver.function(1234, nothing, deepmoe.library.ffi.NULL)) == 0
    assert receiver.during(lambda: receiver.function(deepmoe.Event.STEP, nothing, deepmoe.library.ffi.NULL)) == 0
    assert seen == [deepmoe.Event.STEP]


def test_a_receiver_of_the_log_hears_of_a_run_and_may_raise(options, model, dataset, monkeypatch):
    heard, printed = [], []
    monkeypatch.setattr(sys, "unraisablehook", lambda raised: printed.append(raised.exc_value))

    def receive(level, message):
        heard.append((level, message))
        raise KeyError("of the receiver")

    options["epochs"] = 2
    deepmoe.set_log_callback(receive)
    try:
        deepmoe.Trainer(model, options).fit(dataset, dataset)
    finally:
        deepmoe.set_log_callback(None)
    assert any(level == deepmoe.LogLevel.WARNING and "dead" in message for level, message in heard)
    assert len(printed) == len(heard) and printed[0].args == ("of the receiver",)


def test_a_callback_stops_a_run(options, model, dataset):
    with pytest.raises(deepmoe.StoppedError) as caught:
        deepmoe.Trainer(model, options).fit(dataset, callback=lambda event, data: 1234)
    assert caught.value.code == 1234


def test_the_machine_is_described():
    assert deepmoe.diagnose()


def test_a_report_tells_what_the_experts_do(cases, options, model, dataset, tmp_path):
    seen = []
    report = deepmoe.Report(model.compile(threads=1), dataset, lambda event, json: seen.append(event), thresholds=[0.5])
    assert seen
    figures = report.figures()
    assert figures["format"] == "deepmoe-report" and figures["samples"] == cases.batch
    assert report.layers() == [layer["name"] for layer in figures["layers"]]
    layer = figures["layers"][0]
    numpy.testing.assert_allclose(report.matrix("utilisation", layer["name"]).ravel(), layer["utilisation"])
    assert report.matrix("confusion").sum() == cases.batch
    together = report.matrix("co_activation", layer["name"])
    numpy.testing.assert_allclose(numpy.diag(together), layer["utilisation"])
    report.write(tmp_path / "report")
    assert (tmp_path / "report" / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")

    with deepmoe.Trainer(model, options) as trainer:
        before = deepmoe.Report(trainer, dataset)
        trainer.step(cases.images, cases.labels)
        drift = deepmoe.Report(model, dataset, threads=1).compared_with(before).figures()["drift"]
    assert drift["before"]["density"] == before.figures()["density"]
    with pytest.raises(deepmoe.NotFoundError, match="threshold"):
        deepmoe.Report(model, dataset, treshold=1)
    with pytest.raises(deepmoe.NotFoundError):
        report.matrix("nothing")
