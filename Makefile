# make test is all that a new machine needs: it installs a PostgreSQL server and Chromium if there
# is none.

MODULES := $(shell awk '$$1 ~ /^\./ { print $$1 }' go.work)
GOLANGCI_LINT = go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOVULNCHECK = go run golang.org/x/vuln/cmd/govulncheck@v1.9.0

# A number of inputs. A time would do too from Go 1.27 on: before, a fuzz test can fail because its time
# ends (https://go.dev/issue/75804).
FUZZTIME = 5000x

# Every module is tested as its users build it, by its own go.mod: go.work would hide a broken
# replace or a missing requirement. It serves editors and plain go commands.
export GOWORK = off

# Tests wait for a database more than for a processor, hence -parallel. The race detector leaves out
# SQLite, which is translated from C: its memory is not Go's, and it takes most of the time. It must not
# leave out a package that uses generic code of sync: the linker keeps one copy of that for all packages,
# and if the detector does not see it, whatever its locks and atomics order looks like a race.
RACE = -race -gcflags=modernc.org/sqlite/lib=-race=false

.PHONY: test test-matrix proof lint vuln fuzz examples compare postgres browser

test: postgres browser
	@set -e; for module in $(MODULES); do \
		echo "== test $$module"; \
		(cd $$module && INVITATIONS_REQUIRE_POSTGRES=1 INVITATIONS_REQUIRE_BROWSER=1 go test $(RACE) -shuffle=on -parallel 6 -timeout 60m ./...); \
	done
	@echo "== allocations, which the race detector would blur"
	@go test -run Alloc -v .
	@cd bench && INVITATIONS_REQUIRE_POSTGRES=1 go test -run Alloc -v .
	@echo "== every state of a small world, of which the race detector looks at a few only"
	@go test -run 'TestEveryState$$' -v -timeout 60m .

# The store on each PostgreSQL release from 14 to 18. It downloads their binaries with npm.
test-matrix:
	sh scripts/matrix.sh

# The proofs at length, about 45 minutes. Only root can fill a disk: the output names the kinds of faults
# that were left out. For hours: see docs/guarantees.md.
proof: postgres
	@go test -count=1 -timeout 0 -run 'TestEveryState$$' -v -states 3000000 .
	@cd internal/linearizability && INVITATIONS_REQUIRE_POSTGRES=1 go test -count=1 -timeout 0 -v -run Histories -duration 3m .
	@go run -C internal/faults . -rounds 20
	@go run ./internal/mutate -write /dev/null
	@echo "proof: every state, decided history and fault that was tried held, every control was caught, and every surviving mutation is explained"

# golangci-lint contains vet and staticcheck. A cold cache compiles it first, which takes minutes.
lint:
	@set -e; for module in $(MODULES); do \
		echo "== lint $$module"; \
		(cd $$module && $(GOLANGCI_LINT) run --allow-parallel-runners ./... && go mod tidy -diff); \
	done
	@GOWORK= go build $(MODULES:%=%/...)
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "gofmt would change: $$unformatted"; exit 1; }
	@go generate ./... && git diff --exit-code -- '*_mock_test.go'
	@go run ./scripts/prose.go

# The database of vulnerabilities is on the internet, so lint does without it.
vuln:
	@set -e; for module in $(MODULES); do \
		echo "== vuln $$module"; \
		(cd $$module && $(GOVULNCHECK) ./...); \
	done

fuzz:
	@set -e; for package in . ./mail; do for target in $$(go test -list '^Fuzz' $$package | grep '^Fuzz'); do \
		echo "== $$target"; \
		go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$package; \
	done; done

examples: postgres
	go run ./examples/quickstart
	go run ./examples/tour
	go test -count=1 ./examples/nethttp
	go run ./internal/withpg go run ./examples/postgres
	go run ./internal/withpg go run -C examples/river .
	go run -C examples/otel . > /dev/null
	go run ./internal/withpg go run -C examples/gorm .
	go run ./internal/withpg go run -C examples/bun .
	go test -count=1 -tags copied ./examples

# Speed beside that of other libraries and of SQL by hand, as one table of ratios. It takes a few
# minutes, in which the machine should do nothing else.
compare: postgres
	@cd bench && INVITATIONS_REQUIRE_POSTGRES=1 go run ./compare

postgres:
	@sh scripts/postgres.sh

browser:
	@sh scripts/browser.sh
