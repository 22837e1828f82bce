# make demo   set everything up and run the induction-head experiment on the shipped model and text
# make test   set everything up and run the tests
# make cpp-test  the C++ tests
# make lint   formatting and types
# make bench  side-by-side timings (see bench/README.md)
# make cpp-bench  timings of the core by itself

VENV := .venv
PYTHON := $(VENV)/bin/python
BASE_PYTHON ?= $(shell command -v python3.11 || command -v python3)
SOURCES := CMakeLists.txt pyproject.toml $(shell find csrc -name '*.cpp' -o -name '*.h' -o -name '*.cu' -o -name '*.cuh')
TEST_WORKERS ?= 2

.PHONY: demo test cpp-test lint format bench cpp-bench clean

demo: $(VENV)/.built
	$(PYTHON) -m pycircuit.examples.induction_heads --check --output results/induction_heads

test: $(VENV)/.built $(VENV)/.peer
	$(PYTHON) -m pytest -n $(TEST_WORKERS) --dist loadfile tests

# The tests of the shape room and of the kernels (on the CPU for every instruction set, those of CUDA emulated); needs GoogleTest (Debian: libgtest-dev).
cpp-test: $(VENV)/.installed
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" cmake -S . -B build/cpp -G Ninja -DPYCIRCUIT_CPP_TESTS=ON -DPython_EXECUTABLE=$(CURDIR)/$(PYTHON)
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" cmake --build build/cpp --target cpp_tests cuda_emulation_tests
	build/cpp/cpp_tests
	for target in avx2 portable; do PYCIRCUIT_CPU_TARGET=$$target build/cpp/cpp_tests --gtest_filter='*Cpu*' || exit 1; done
	build/cpp/cuda_emulation_tests

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
