# The libraries. Every source is compiled once, into one of two sets of objects, of which four libraries are made:
#   sluice, sluice_shared                       everything
#   sluice_inference, sluice_inference_shared   what loads a model, inspects it and streams: neither text nor training
# and these names for whoever uses them, static or shared as BUILD_SHARED_LIBS says:
#   sluice::sluice, sluice::inference

file(GLOB_RECURSE SLUICE_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/*.cc ${PROJECT_SOURCE_DIR}/bindings/c/*.cc)
if(SLUICE_LEAVE_OUT)
  list(FILTER SLUICE_SOURCES EXCLUDE REGEX "${SLUICE_LEAVE_OUT}")
endif()
set(SLUICE_INFERENCE_SOURCES ${SLUICE_SOURCES})
list(FILTER SLUICE_INFERENCE_SOURCES INCLUDE REGEX
     "/src/(base|kernels|heads|model)/|/src/data/(utf8|vocabulary)[.]cc$|/src/formats/(model_[a-z]+|self_check)[.]cc$|/bindings/c/")
list(FILTER SLUICE_INFERENCE_SOURCES EXCLUDE REGEX "_text[.]cc$")
set(SLUICE_OTHER_SOURCES ${SLUICE_SOURCES})
list(REMOVE_ITEM SLUICE_OTHER_SOURCES ${SLUICE_INFERENCE_SOURCES})

add_library(sluice_inference_objects OBJECT ${SLUICE_INFERENCE_SOURCES})
add_library(sluice_other_objects OBJECT ${SLUICE_OTHER_SOURCES})
foreach(objects sluice_inference_objects sluice_other_objects)
  target_include_directories(${objects} PRIVATE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(${objects} PRIVATE sluice_flags Threads::Threads PkgConfig::SLUICE_UTF8PROC
                                           nlohmann_json::nlohmann_json)
  # A section a function, so that a linker that is asked to (--gc-sections) leaves out what nobody calls.
  target_compile_options(${objects} PRIVATE -ffunction-sections -fdata-sections)
  target_compile_definitions(${objects} PRIVATE SLUICE_VERSION="${PROJECT_VERSION}")
  set_target_properties(${objects} PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden
                                              VISIBILITY_INLINES_HIDDEN ON EXCLUDE_FROM_ALL ON)
endforeach()

# Reading and writing files gains a few percent from -O3, but its size has to be carried by every program that streams.
set(SLUICE_FILE_SOURCES ${SLUICE_SOURCES})
list(FILTER SLUICE_FILE_SOURCES INCLUDE REGEX "/src/formats/")
set_source_files_properties(${SLUICE_FILE_SOURCES} PROPERTIES COMPILE_OPTIONS $<$<CONFIG:Release>:-O2>)
# Where no time goes by, size decides: the package for Python has all of it twice, in its module and in the command.
set(SLUICE_SMALL_SOURCES
  base/json base/json_writer base/safetensors* data/data_kind explain/explain_json explain/summary
  formats/c_* formats/export_c formats/model_* formats/self_check
  formats/foreign/audio_json formats/foreign/chain formats/foreign/export_* formats/foreign/from_model
  formats/foreign/keras* formats/foreign/modules formats/foreign/network formats/foreign/onnx_file
  formats/foreign/onnx_graph formats/foreign/onnx_layers formats/foreign/onnx_recurrent formats/foreign/onnx_shapes
  formats/foreign/pytorch formats/foreign/rnnoise formats/foreign/stack* formats/foreign/to_model
  kernels/registry model/config* model/field_checks model/layout tasks/task tasks/forecast_note tasks/alphabet
  train/checkpoint train/fine_tune train/options train/plan train/schedule train/trainer_*)
list(TRANSFORM SLUICE_SMALL_SOURCES REPLACE "(.+)" "${PROJECT_SOURCE_DIR}/src/\\1.cc")
file(GLOB SLUICE_SMALL_SOURCES CONFIGURE_DEPENDS ${SLUICE_SMALL_SOURCES})
set_source_files_properties(${SLUICE_SMALL_SOURCES} PROPERTIES COMPILE_OPTIONS $<$<CONFIG:Release>:-Os>)

set(SLUICE_KERNEL_SOURCES ${SLUICE_SOURCES})
list(FILTER SLUICE_KERNEL_SOURCES INCLUDE REGEX "/src/kernels/")
if(SLUICE_SANITIZE MATCHES "address" AND CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  # Checks of every load's address, written out in registers' tiles, take minutes to compile: they are calls, and those
  # that AddressSanitizer has too are left to it.
  set_source_files_properties(
    ${SLUICE_KERNEL_SOURCES}
    PROPERTIES COMPILE_OPTIONS
               "-fno-sanitize=null,alignment,pointer-overflow,object-size;-mllvm;-asan-instrumentation-with-call-threshold=0")
elseif(SLUICE_HAS_fstack_protector_strong)
  # Kernels go without the stack protector: a small network's step takes a tenth of a microsecond, and has to stay there.
  set_source_files_properties(${SLUICE_KERNEL_SOURCES} PROPERTIES COMPILE_OPTIONS -fno-stack-protector)
endif()

# sluice_library(NAME STATIC|SHARED OUTPUT EXPORTED OBJECTS...)
function(sluice_library name kind output exported)
  list(TRANSFORM ARGN REPLACE "(.+)" "$<TARGET_OBJECTS:\\1>" OUTPUT_VARIABLE objects)
  add_library(${name} ${kind} ${objects})
  set_target_properties(${name} PROPERTIES LINKER_LANGUAGE CXX OUTPUT_NAME ${output} EXPORT_NAME ${exported})
  target_include_directories(${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                                            $<INSTALL_INTERFACE:include>)
  target_compile_features(${name} INTERFACE cxx_std_20)
  target_link_libraries(${name} PRIVATE Threads::Threads)
  if("sluice_other_objects" IN_LIST ARGN)
    target_link_libraries(${name} PRIVATE PkgConfig::SLUICE_UTF8PROC)
  endif()
  if(SLUICE_SANITIZE)
    target_link_options(${name} PUBLIC -fsanitize=${SLUICE_SANITIZE})
  endif()
  if(kind STREQUAL SHARED)
    # Before 1.0 every minor version may break what is linked to it.
    set_target_properties(${name} PROPERTIES VERSION ${PROJECT_VERSION}
                                             SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
                                             LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/exports.map)
    target_link_options(${name} PRIVATE -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/exports.map
                                        -Wl,--no-undefined -Wl,--gc-sections ${SLUICE_HARDENING_LINK})
  endif()
  # Within another project only what that project links is built.
  if(NOT PROJECT_IS_TOP_LEVEL OR (kind STREQUAL SHARED AND NOT SLUICE_LIBRARIES))
    set_target_properties(${name} PROPERTIES EXCLUDE_FROM_ALL ON)
  endif()
endfunction()

sluice_library(sluice STATIC sluice static sluice_inference_objects sluice_other_objects)
sluice_library(sluice_shared SHARED sluice shared sluice_inference_objects sluice_other_objects)
sluice_library(sluice_inference STATIC sluice_inference inference_static sluice_inference_objects)
sluice_library(sluice_inference_shared SHARED sluice_inference inference_shared sluice_inference_objects)

if(BUILD_SHARED_LIBS)
  add_library(sluice::sluice ALIAS sluice_shared)
  add_library(sluice::inference ALIAS sluice_inference_shared)
else()
  add_library(sluice::sluice ALIAS sluice)
  add_library(sluice::inference ALIAS sluice_inference)
endif()
