# What a newcomer and a contributor type. `make` alone prints the list.

# Majors of `make test`; empty means those of 15, 16 and 18 this machine can have.
PG_VERSIONS ?=
export PG_VERSIONS

# Major of everything else; empty means the newest installed, or the distribution's own.
PG ?=
major = $(or $(PG),$(shell scripts/postgres --default))

# Steps of tests/run: those of one major, and the others.
MAJOR_STEPS = clippy pgspot regress isolation parallel modes dump docs lifecycle backup upgrade torture secrets http
STEPS = fmt core deploy

.PHONY: help run stop psql build check test $(MAJOR_STEPS:%=test-%) $(STEPS:%=test-%) \
	torture fuzz bench bench-ratios bench-costs bench-sweep bench-http clean
.NOTPARALLEL:

help:
	@sed -n 's/^## //p' Makefile

## make run                    install what is missing, build, start a private Postgres and the HTTP server, verify a first key
run:
	@PG='$(PG)' scripts/run

## make stop                   stop both (their data stays in .run)
stop:
	@scripts/stop

## make psql                   a prompt in that Postgres
psql:
	@scripts/psql

## make test                   everything CI runs; PG_VERSIONS="15 16" restricts the majors
test:
	@tests/run

## make test-regress PG=16     one step alone: -fmt -clippy -core -deploy -pgspot -regress -isolation -parallel -modes -dump -docs -lifecycle -backup -upgrade -torture -secrets -http; TESTS="keys verify"
$(STEPS:%=test-%):
	@tests/run $(@:test-%=%)

$(MAJOR_STEPS:%=test-%):
	@tests/run $(@:test-%=%) $(major)

## make torture                the part of it that looks for what is rare, at length: some 75 minutes; SEED=n
torture:
	@LONG=1 tests/torture/run $(major)
	@LONG=1 tests/lifecycle/interruptions $(major)
	@LONG=1 tests/lifecycle/memory $(major)
	@LONG=1 tests/secrets/run $(major)
	@tests/fuzz/run

## make fuzz                   a search for inputs that break a rule, SECONDS_EACH=60 for each of TARGETS="permission request" or of all
fuzz:
	@tests/fuzz/run $(TARGETS)

## make check                  the fast half: format, lints, pure rules
check:
	@tests/run fmt
	@tests/run clippy $(major)
	@tests/run core

## make build PG=16            build and install into target/pg/16 only
build:
	@scripts/build $(major)

## make bench                  everything of docs/benchmarks.md that is a ratio, some 35 minutes (see tests/bench/run)
bench:
	@tests/bench/run $(major)
	@tests/bench/http $(major)

## make bench-ratios           its parts alone: a verification next to select 1, SELECT by primary key, UPDATE, PL/pgSQL;
## make bench-costs            WAL, transaction ids and buffers per call;
## make bench-sweep            numbers of clients, preloaded and not, with a plot;
bench-ratios bench-costs bench-sweep:
	@PARTS=$(@:bench-%=%) tests/bench/run $(major)

## make bench-http             over HTTP, next to a route that answers a constant (see tests/bench/http)
bench-http:
	@tests/bench/http $(major)

## make clean                  stop everything and delete what was built and run
clean:
	@scripts/clean
