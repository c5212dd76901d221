# cmake -DFIT=... -DPREDICT=... -DUTILISATION=... -DCLASSIFY=... -DIMAGES=... -DJPEG=... -DREADELF=... -DFOLDER=...
#       -P sample_runs.cmake
# The samples one after the other: fit on a folder of images, then predict one of them with the weights of the run, print
# how its experts are used, and classify a JPEG by the runtime library alone, which must say what predict says of it.

cmake_minimum_required(VERSION 3.22)

file(REMOVE_RECURSE ${FOLDER})
file(MAKE_DIRECTORY ${FOLDER})

# expect(<regular expression> <command...>): the command must succeed and print what is expected.
function(expect pattern)
  execute_process(COMMAND ${ARGN} OUTPUT_VARIABLE output ERROR_VARIABLE errors RESULT_VARIABLE result)
  message(STATUS "${output}")
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "'${ARGN}' failed (${result}): ${errors}")
  endif()
  if(NOT output MATCHES "${pattern}")
    message(FATAL_ERROR "'${ARGN}' did not print '${pattern}'")
  endif()
endfunction()

execute_process(COMMAND ${IMAGES} ${FOLDER}/images COMMAND_ERROR_IS_FATAL ANY)
expect("24 images to learn from, 8 to check, 2 classes.*epoch {.*summary {.*accuracy"
       ${FIT} ${FOLDER}/images epochs=2 width=0.125 embedding_dim=16 image_size=16 batch_size=8 num_workers=0
       device=cpu out=${FOLDER}/run)
file(GLOB images ${FOLDER}/images/train/dark/*.png)
list(GET images 0 image)
expect("gate\\.layer1.*experts active.*class [01] of 2" ${PREDICT} ${FOLDER}/run/last.safetensors ${image})

expect("^8 images\n.*layer1\\.0\\.[a-z0-9.]+ +8 +[0-9]+ +[0-9]+ " ${UTILISATION} ${FOLDER}/run/last.safetensors
       ${FOLDER}/images)

execute_process(COMMAND ${FIT} ${FOLDER}/nothing ERROR_VARIABLE errors RESULT_VARIABLE result)
if(result EQUAL 0 OR NOT errors MATCHES "nothing")
  message(FATAL_ERROR "a folder that is absent was not refused by name: ${errors}")
endif()

execute_process(COMMAND ${JPEG} ${FOLDER}/image.jpg COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${PREDICT} ${FOLDER}/run/last.safetensors ${FOLDER}/image.jpg OUTPUT_VARIABLE predicted
                COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCH "class [01] of 2" class "${predicted}")
expect("^${class}, logit -?[0-9.]+, [0-9.]+ million MACs" ${CLASSIFY} ${FOLDER}/run/last.safetensors ${FOLDER}/image.jpg
       16)
if(READELF)
  execute_process(COMMAND ${READELF} -d ${CLASSIFY} OUTPUT_VARIABLE needed COMMAND_ERROR_IS_FATAL ANY)
  if(NOT needed MATCHES "libdeepmoe_runtime" OR needed MATCHES "libdeepmoe\\.so|torch|c10")
    message(FATAL_ERROR "classify must need the runtime library alone: ${needed}")
  endif()
endif()
foreach(wrong ${FOLDER}/run/config.json ${FOLDER}/absent.jpg)
  execute_process(COMMAND ${CLASSIFY} ${FOLDER}/run/last.safetensors ${wrong} 16 RESULT_VARIABLE result ERROR_VARIABLE errors)
  if(NOT result EQUAL 1)
    message(FATAL_ERROR "${wrong}, which is no JPEG, was not refused (${result}): ${errors}")
  endif()
endforeach()
