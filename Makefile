# make demo   set everything up and run the induction-head experiment on the shipped model and text
# make test   set everything up and run the tests
# make cpp-test  the C++ tests
# make sanitize  the C++ tests and a part of the Python tests with AddressSanitizer and UndefinedBehaviorSanitizer
# make sanitize-cpp  the C++ tests that need no torch, alone, with them (a few minutes)
# make lint   formatting and types
# make bench  side-by-side timings (see bench/README.md)
# make cpp-bench  timings of the core by itself

VENV := .venv
PYTHON := $(VENV)/bin/python
BASE_PYTHON ?= $(shell command -v python3.11 || command -v python3)
SOURCES := CMakeLists.txt pyproject.toml $(shell find csrc -name '*.cpp' -o -name '*.h' -o -name '*.cu' -o -name '*.cuh')
TEST_WORKERS ?= 2

# Optimized a little, so that the tests take minutes; without CUDA kernels, which no sanitizer looks at.
SANITIZE_OPTIONS := -DPYCIRCUIT_SANITIZE=ON -DPYCIRCUIT_CPP_TESTS=ON -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE=-O1 -DCMAKE_CUDA_COMPILER= -DPython_EXECUTABLE=$(CURDIR)/$(PYTHON)
# Python's own objects are not all freed at exit; a too large allocation is an exception.
SANITIZE_ENVIRONMENT := ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1:max_allocation_size_mb=12288 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
# Left out: what compares with the peer, and what measures memory, which the sanitizer keeps for a while after it is freed.
LEFT_OUT := --ignore-glob="*peer*" --deselect tests/circuit/test_robustness.py::test_dropped_tensors_are_freed
SANITIZED_TESTS ?= tests/circuit tests/shape tests/functions tests/tensor tests/match tests/module tests/text tests/random

.PHONY: demo test cpp-test sanitize sanitize-cpp lint format bench cpp-bench clean

demo: $(VENV)/.built
	$(PYTHON) -m pycircuit.examples.induction_heads --check --output results/induction_heads

test: $(VENV)/.built $(VENV)/.peer
	$(PYTHON) -m pytest -n $(TEST_WORKERS) --dist loadfile tests

# The tests of the shape room, of the evaluator's parts and of the kernels (on the CPU for every instruction set, those of CUDA emulated); needs GoogleTest (Debian: libgtest-dev).
cpp-test: $(VENV)/.installed
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" cmake -S . -B build/cpp -G Ninja -DPYCIRCUIT_CPP_TESTS=ON -DPython_EXECUTABLE=$(CURDIR)/$(PYTHON)
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" cmake --build build/cpp --target cpp_tests core_tests cuda_emulation_tests
	build/cpp/cpp_tests
	build/cpp/core_tests
	for target in avx2 portable; do PYCIRCUIT_CPU_TARGET=$$target build/cpp/cpp_tests --gtest_filter='*Cpu*' || exit 1; done
	build/cpp/cuda_emulation_tests

sanitize-cpp: $(VENV)/.installed
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" cmake -S . -B build/sanitize -G Ninja $(SANITIZE_OPTIONS)
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" cmake --build build/sanitize --target cpp_tests
	$(SANITIZE_ENVIRONMENT) build/sanitize/cpp_tests

# The extension goes to a folder of its own, from which tests/sanitized/sitecustomize.py loads it. libstdc++ stands beside libasan, which
# looks for it at the start of the process.
sanitize: sanitize-cpp
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" cmake --build build/sanitize --target _core
	$(SANITIZE_ENVIRONMENT) LD_PRELOAD="$$($(CXX) -print-file-name=libasan.so) $$($(CXX) -print-file-name=libstdc++.so)" \
		PYCIRCUIT_CORE="$$(ls $(CURDIR)/build/sanitize/_core*.so)" PYTHONPATH=tests/sanitized:. \
		$(PYTHON) -m pytest -n $(TEST_WORKERS) --dist loadfile $(LEFT_OUT) $(SANITIZED_TESTS)

lint: $(VENV)/.built
	$(VENV)/bin/ruff check pycircuit tests bench
	$(VENV)/bin/ruff format --check pycircuit tests bench
	$(VENV)/bin/mypy
	$(PYTHON) -m mypy.stubtest --mypy-config-file pyproject.toml pycircuit._core pycircuit._exceptions
	find csrc tests bench \( -name '*.cpp' -o -name '*.h' -o -name '*.cu' -o -name '*.cuh' \) -print0 | xargs -0 $(VENV)/bin/clang-format --dry-run --Werror

format: $(VENV)/.installed
	$(VENV)/bin/ruff check --fix pycircuit tests bench
	$(VENV)/bin/ruff format pycircuit tests bench
	find csrc tests bench \( -name '*.cpp' -o -name '*.h' -o -name '*.cu' -o -name '*.cuh' \) -print0 | xargs -0 $(VENV)/bin/clang-format -i

bench: $(VENV)/.built $(VENV)/.peer build/peer
	$(PYTHON) -m bench

# Needs Google Benchmark (Debian: libbenchmark-dev).
cpp-bench: $(VENV)/.installed
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" cmake -S . -B build/cpp-bench -G Ninja -DPYCIRCUIT_CPP_BENCHMARKS=ON -DPython_EXECUTABLE=$(CURDIR)/$(PYTHON)
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" cmake --build build/cpp-bench --target cpp_benchmarks
	build/cpp-bench/cpp_benchmarks

$(VENV)/.installed: requirements-dev.txt
	test -x $(PYTHON) || $(BASE_PYTHON) -m venv $(VENV)
	$(PYTHON) -m pip install --quiet -r requirements-dev.txt
	touch $@

# Built against the installed torch, hence no build isolation.
$(VENV)/.built: $(VENV)/.installed $(SOURCES)
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" $(PYTHON) -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

# The library whose API this is, for comparisons; tests that need it are skipped where it cannot be installed.
$(VENV)/.peer: $(VENV)/.installed
	$(PYTHON) -m pip install --quiet --no-deps rust_circuit==0.4.6 || echo "rust_circuit is not available: its comparisons are skipped"
	touch $@

# The version that evaluation is timed against, apart from the environment: a process of its own imports it (bench/peer.py).
build/peer:
	$(PYTHON) -m pip install --quiet --no-deps --target $@ rust_circuit==0.4.12 || echo "rust_circuit 0.4.12 is not available: left out of the timings"

# Optional: 2 GB, for the cases on GPT-2's shape (bench/lens.py).
build/lens:
	$(PYTHON) -m venv $@
	$@/bin/python -m pip install --quiet "transformer_lens>=3,<4" torch==2.13.0

clean:
	rm -rf build results $(VENV)/.built
