#!/usr/bin/env bash
# Builds from source, tests and times the CUDA side on a machine with a GPU, without downloading anything; markdown on standard output.
#
#   bench/gpu.sh [--quick]
#
# Uses the python3 that has torch. Ninja is optional. The C++ tests on the device need GoogleTest, installed or as a source folder named by
# GOOGLETEST_SOURCE; compute-sanitizer checks a selection of them where it is installed.
set -uo pipefail
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}
BUILD=${BUILD:-build/gpu}
export PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH}

section() { printf '\n## %s (%s s)\n\n' "$1" "$SECONDS"; }
failed=()
mkdir -p "$BUILD"

section "Build"
"$PYTHON" -c 'import torch; assert torch.cuda.is_available(), "no CUDA device"; print(torch.__version__, torch.cuda.get_device_name())' || exit 1
generator="Unix Makefiles"
command -v ninja >/dev/null && generator=Ninja
tests=OFF
[ -n "${GOOGLETEST_SOURCE:-}" ] || [ -e /usr/include/gtest/gtest.h ] && tests=ON
cmake -S . -B "$BUILD" -G "$generator" -DCMAKE_BUILD_TYPE=Release -DPYCIRCUIT_INPLACE=ON -DPYCIRCUIT_CPP_TESTS=$tests \
  -DPython_EXECUTABLE="$(command -v "$PYTHON")" ${GOOGLETEST_SOURCE:+-DGOOGLETEST_SOURCE="$GOOGLETEST_SOURCE"} >"$BUILD.log" 2>&1 ||
  { tail -30 "$BUILD.log"; exit 1; }
targets=(_core attention_library)
[ $tests = ON ] && targets+=(cuda_tests)
cmake --build "$BUILD" -j"$(nproc)" --target "${targets[@]}" >>"$BUILD.log" 2>&1 || { grep -E "error|Error" -A3 "$BUILD.log" | tail -40; exit 1; }
echo "built: ${targets[*]}"

section "Tests on the device"
if [ $tests = ON ]; then
  timeout 120 "$BUILD/cuda_tests" --gtest_brief=1 || failed+=(cuda_tests)
  if command -v compute-sanitizer >/dev/null; then
    some='*HeadSizes*16:*Lengths*:*Terms*:*OutputWeights*:*Hopper*'
    timeout 60 compute-sanitizer --tool memcheck --error-exitcode 1 "$BUILD/cuda_tests" --gtest_brief=1 --gtest_filter="$some" | tail -5 ||
      failed+=(memcheck)
    timeout 60 compute-sanitizer --tool racecheck --error-exitcode 1 "$BUILD/cuda_tests" --gtest_brief=1 --gtest_filter='*Causal*:*LargeTiles*' |
      tail -5 || failed+=(racecheck)
  fi
else
  echo "GoogleTest not found: cuda_tests left out (GOOGLETEST_SOURCE names a source folder)"
fi
timeout 90 "$PYTHON" -m pytest -q -p no:cacheprovider tests/evaluate/test_cuda.py || failed+=(test_cuda.py)

section "Kernels"
timeout 150 "$PYTHON" -m bench.gpu "$BUILD/libattention_library.so" "$@" || failed+=(bench.gpu)

section "Causal scrubbing of induction heads, 1,024 samples, with the check by plain PyTorch"
TIMEFORMAT='%R s in all'
time timeout 90 "$PYTHON" -m pycircuit.examples.induction_heads --device cuda:0 --check --output "$BUILD/induction_heads" ||
  failed+=("induction heads")

section "Done"
[ ${#failed[@]} -eq 0 ] && echo "all passed" || { echo "failed: ${failed[*]}"; exit 1; }
