# cmake -DRESUME=... -DFOLDER=... -P sample_resume.cmake
# The sample in one go, and stopped twice, once in the middle of an epoch: both end with the same loss and weights, bit for
# bit.

cmake_minimum_required(VERSION 3.22)

file(REMOVE_RECURSE ${FOLDER})
file(MAKE_DIRECTORY ${FOLDER})

# run(<variable> <arguments...>): the output of the sample, which must succeed.
function(run variable)
  execute_process(COMMAND ${RESUME} ${ARGN} OUTPUT_VARIABLE output ERROR_VARIABLE errors RESULT_VARIABLE result)
  message(STATUS "${output}")
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "'${RESUME} ${ARGN}' failed (${result}): ${errors}")
  endif()
  set(${variable} "${output}" PARENT_SCOPE)
endfunction()

run(whole ${FOLDER}/whole.safetensors)
run(first ${FOLDER}/parts.safetensors 7)
run(second ${FOLDER}/parts.safetensors 4)
run(third ${FOLDER}/parts.safetensors)
if(NOT first MATCHES "stopped after step 7" OR NOT second MATCHES "going on after step 7.*stopped after step 11")
  message(FATAL_ERROR "the parts did not stop where they should: ${first}${second}")
endif()
string(REGEX MATCH "finished: .*" expected "${whole}")
string(REGEX MATCH "finished: .*" ended "${third}")
if(expected STREQUAL "" OR NOT ended STREQUAL expected)
  message(FATAL_ERROR "in one go '${expected}', in parts '${ended}'")
endif()
file(SHA256 ${FOLDER}/whole.safetensors expected)
file(SHA256 ${FOLDER}/parts.safetensors ended)
if(NOT ended STREQUAL expected)
  message(FATAL_ERROR "the states at the end differ")
endif()

file(WRITE ${FOLDER}/damaged.safetensors "nothing of the kind")
execute_process(COMMAND ${RESUME} ${FOLDER}/damaged.safetensors ERROR_VARIABLE errors RESULT_VARIABLE result)
if(result EQUAL 0 OR NOT errors MATCHES "damaged.safetensors")
  message(FATAL_ERROR "a damaged file was not refused by name: ${errors}")
endif()
