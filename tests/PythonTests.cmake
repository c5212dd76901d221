# Tests that set the library beside other programs doing the same. They are skipped in words where no
# Python has those programs; `sh cmake/bootstrap.sh test` installs what it can.

# deepmoe_python_test(<name> <modules> <script> <arguments...>): the script runs with a Python that has the modules.
function(deepmoe_python_test name modules script)
  add_test(NAME ${name}
    COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/run_python.sh "${LibTorch_ROOT}/../../../../bin/python" ${modules}
            ${CMAKE_CURRENT_SOURCE_DIR}/${script} ${ARGN})
  set_tests_properties(${name} PROPERTIES SKIP_REGULAR_EXPRESSION "SKIPPED: " TIMEOUT 900 ENVIRONMENT OMP_NUM_THREADS=1)
endfunction()

# A sanitizer's runtime would have to be in Python itself.
if(TARGET deepmoe_command AND NOT DEEPMOE_SANITIZE)
  deepmoe_python_test("export/ONNX Runtime computes what predict does" numpy,onnxruntime export/onnx_test.py
    $<TARGET_FILE:deepmoe_command> $<TARGET_FILE:deepmoe> ${CMAKE_CURRENT_BINARY_DIR}/onnx)
  deepmoe_python_test("training/TensorBoard reads what training records" tensorboard training/tensorboard_test.py
    $<TARGET_FILE:deepmoe_command> ${CMAKE_CURRENT_BINARY_DIR}/tensorboard)
  deepmoe_python_test("model/what PyTorch saves is converted and predicts the same" torch model/pytorch_test.py
    $<TARGET_FILE:deepmoe_command> ${CMAKE_CURRENT_BINARY_DIR}/pytorch)
  deepmoe_python_test("training/optimizers and schedules follow torch.optim" torch training/torch_optim.py
    ${CMAKE_CURRENT_BINARY_DIR}/torch_optim.json $<TARGET_FILE:training_tests>)
endif()
