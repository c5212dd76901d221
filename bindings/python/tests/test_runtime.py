"""What the runtime library does: options, architectures, tensors, engines."""

import threading

import deepmoe
import numpy
import pytest

from conftest import OnlyDLPack


def test_version_is_that_of_the_package():
    assert deepmoe.__version__.count(".") == 2


def test_refusals_have_code_name_and_words(cases):
    for case in cases.refusals:
        with pytest.raises(deepmoe.DeepMoEError, match=case["words"]) as caught:
            deepmoe.Options()[case["option"]] = case["value"]
        assert (caught.value.code, caught.value.status) == (case["code"], case["status"])


def test_exceptions_are_those_of_python_too():
    with pytest.raises(LookupError):
        deepmoe.Options(epoch=1)
    with pytest.raises(ValueError):
        deepmoe.Options(batch_size=0)


def test_options_are_set_and_read():
    options = deepmoe.Options(epochs=3, wide=True, milestones=[10, 20])
    options.update({"lr": 0.5})
    other = options.copy()
    other["epochs"] = 4
    assert (options["epochs"], other["epochs"], options["wide"], options["lr"]) == ("3", "4", "true", "0.5")
    assert options.to_dict()["epochs"] == 3
    assert "epochs" in [option["name"] for option in deepmoe.Options.schema()["options"]]


def test_options_come_from_files_and_environment(tmp_path, monkeypatch):
    (tmp_path / "config.json").write_text('{"epochs": 7}', encoding="utf-8")
    monkeypatch.setenv("DEEPMOE_BATCH_SIZE", "9")
    options = deepmoe.Options()
    options.load_file(tmp_path / "config.json")
    options.read_environment()
    assert (options["epochs"], options["batch_size"]) == ("7", "9")


def test_architecture_costs_what_the_case_says(cases):
    options = deepmoe.Options()
    options.update(cases.architecture["options"])
    totals = deepmoe.architecture_describe(options)["totals"]["all"]
    assert totals["parameters"] == cases.architecture["parameters"]
    assert totals["dense_macs"] == cases.architecture["dense_macs"]
    assert "resnet18_moe" in deepmoe.architecture_names()
    assert deepmoe.architecture(options)["nodes"]
    assert "layer4" in deepmoe.architecture_text(options)


def test_tensors_are_saved_and_mapped(tmp_path):
    values = numpy.arange(6, dtype=numpy.float32).reshape(2, 3)
    with deepmoe.Tensors({"a": values}) as tensors:
        tensors.add_copy("scalar", 5.0)
        assert tensors["a"].array().ctypes.data == values.ctypes.data  # Neither way is a copy.
        tensors.save(tmp_path / "x.safetensors", {"note": "of a test"})
    with deepmoe.Tensors.load(tmp_path / "x.safetensors") as loaded:
        assert sorted(loaded) == ["a", "scalar"] and len(loaded) == 2
        assert loaded.metadata()["note"] == "of a test"
        assert loaded["scalar"].shape == () and loaded["scalar"].copy() == 5.0
        kept = loaded["a"].array()
        with pytest.raises(deepmoe.NotFoundError, match="scalar"):
            loaded["scalars"].copy()
    numpy.testing.assert_array_equal(kept, values)  # It outlives the set.


def test_arrays_of_other_libraries_are_lent():
    values = numpy.arange(6, dtype=numpy.float32).reshape(2, 3)
    with deepmoe.Tensors({"a": OnlyDLPack(values)}) as tensors:
        assert tensors["a"].array().ctypes.data == values.ctypes.data
        with pytest.raises(TypeError, match=">f4"):
            tensors["b"] = values.astype(">f4")


def test_a_name_twice_gives_the_array_back():
    lent = deepmoe.arrays.lent_count()
    tensors = deepmoe.Tensors({"a": numpy.zeros(2, numpy.float32)})
    with pytest.raises(deepmoe.InvalidArgumentError):
        tensors["a"] = numpy.ones(2, numpy.float32)
    tensors.close()
    assert deepmoe.arrays.lent_count() == lent


def test_engine_computes_the_cases(cases, close_to):
    with deepmoe.Engine(cases.network) as engine:
        out = numpy.empty((cases.batch, cases.num_classes), numpy.float32)
        assert engine.run(cases.images, out=out) is out
        close_to(out, cases.engine["logits"])
        logits, macs = engine.measured(cases.bytes, layout="nhwc")
        close_to(logits, cases.engine["bytes_nhwc"]["logits"])
        assert macs == cases.engine["bytes_nhwc"]["active_macs"]
        outputs = engine.run_outputs(cases.images)
        for name in ("logits", "embedding", "embedding_logits", "gates"):
            close_to(getattr(outputs, name), cases.engine[name])
        assert outputs.active_macs == cases.engine["active_macs"]
        given = numpy.array(cases.engine["given_gates"], numpy.float32).reshape(outputs.gates.shape)
        close_to(engine.run_outputs(cases.images, given).logits, cases.engine["logits_with_given_gates"])
        assert 0 < (outputs.gates == 0).mean() < 1


def test_engine_refuses_what_would_need_a_copy(cases):
    engine = deepmoe.Engine(cases.network)
    with pytest.raises(ValueError, match="contiguous"):
        engine.run(cases.images[:, :, ::2, ::2])
    with pytest.raises(TypeError, match="float64"):
        engine.run(cases.images.astype(numpy.float64))
    with pytest.raises(TypeError, match=">f4"):
        engine.run(cases.images.astype(">f4"))
    with pytest.raises(ValueError, match="3 channels"):
        engine.run(cases.bytes)
    with pytest.raises(ValueError, match="'nwhc'"):
        engine.run(cases.bytes, layout="nwhc")
    with pytest.raises(deepmoe.NotFoundError, match="threads"):
        deepmoe.Engine(cases.network, thread=1)


def test_one_engine_runs_in_many_threads(cases):
    engine = deepmoe.Engine(cases.network)
    expected, results = engine.run(cases.images), []
    threads = [threading.Thread(target=lambda: results.append(engine.run(cases.images))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4 and all((result == expected).all() for result in results)


def test_closed_objects_say_so(cases):
    engine = deepmoe.Engine(cases.network)
    engine.close()
    engine.close()
    with pytest.raises(ValueError, match="Engine is closed"):
        engine.run(cases.images)


def test_log_callback_is_replaced_and_restored():
    deepmoe.set_log_callback(lambda level, message: None)
    deepmoe.set_log_callback(None)


def test_a_plugin_that_is_not_there_is_refused_by_name():
    with pytest.raises(deepmoe.NotFoundError, match="none.so"):
        deepmoe.Plugin("none.so")
