# The targets that users and checks rely on. Every one installs what is missing first.
SHELL := /bin/bash
JOBS ?= $(shell nproc)
DEMO_SECONDS ?= 60
CTEST := ctest --output-on-failure --no-tests=error -j $(JOBS)

.PHONY: setup build test test-san demo bench soak fuzz format lint package clean

setup:
	@scripts/setup.sh

build: setup
	cmake --preset release
	cmake --build build -j $(JOBS)

test: build
	cd build && $(CTEST) -LE 'soak|bench'

test-san: setup
	cmake --preset asan
	cmake --build build-asan -j $(JOBS)
	cd build-asan && $(CTEST) -LE 'soak|bench|slow'
	cmake --preset tsan
	cmake --build build-tsan -j $(JOBS)
	cd build-tsan && $(CTEST) -LE 'soak|bench|slow'

demo: build
	build/bin/anduin-demo --seconds $(DEMO_SECONDS)

bench: build
	scripts/bench.sh build

soak: build
	scripts/soak.sh build

fuzz: setup
	scripts/fuzz.sh

format:
	git ls-files '*.hpp' '*.cpp' '*.h' | xargs clang-format -i

lint: build
	git ls-files 'host/*.cpp' 'plugins/*.cpp' | xargs -P $(JOBS) -n 4 clang-tidy -p build --quiet

package: build
	cd build && cpack -G DEB

clean:
	rm -rf build build-asan build-tsan build-debug
