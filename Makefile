# Every target stands on its own: it installs what it needs into .venv first.
# Python 3.11 or newer and make are all a machine has to bring.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
export UV_PYTHON_DOWNLOADS = never
export UV_SYSTEM_CERTS = true

.DEFAULT_GOAL := help
.PHONY: help install serve demo test browser pictures faults bench check format lint types lock samples clean

help:  ## show what can be done here
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(BIN)/uv: requirements-uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "nurture needs Python 3.11 or newer; name one with: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) 2>/dev/null || $(PYTHON) -m venv --clear --without-pip $(VENV)
	@$(BIN)/python -m pip --version >/dev/null 2>&1 \
	  && $(BIN)/python -m pip install --quiet --disable-pip-version-check \
	    --require-hashes -r requirements-uv.lock \
	  || $(PYTHON) -m pip --quiet --disable-pip-version-check --python $(BIN)/python install \
	    --require-hashes -r requirements-uv.lock

$(VENV)/run: $(BIN)/uv requirements.lock
	@echo "Installing what is needed into $(VENV) …"
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e .
	@touch $@

$(VENV)/dev: $(VENV)/run requirements-dev.lock
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements-dev.lock
	@touch $@

$(VENV)/s3: $(VENV)/run requirements-s3.lock
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements-s3.lock
	@touch $@

$(VENV)/browser: $(VENV)/dev requirements-browser.lock
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements-browser.lock
	@touch $@

# Where the environment keeps Python from writing what it compiled, each start would compile it all.
.PHONY: compiled
compiled: $(VENV)/run
	@$(BIN)/python -m compileall -q nurture tasks webhooks celeryconfig.py

install: $(VENV)/dev compiled  ## install everything from the lock files into .venv

serve: compiled  ## start the whole program and print where to look
	@$(BIN)/nurture serve

demo: compiled  ## play two months of five people's lives in under a minute
	@$(BIN)/nurture demo

.PHONY: s3
s3: $(VENV)/s3  ## install what lets backups lie in a bucket

test: $(VENV)/dev compiled  ## run the whole test suite
	@$(BIN)/pytest -n 2 --dist worksteal -m "not slow and not browser and not hosts and not wordpress"

browser: $(VENV)/browser chromium compiled  ## walk through the studio in a real browser
	@$(BIN)/pytest -m browser tests/browser

pictures: $(VENV)/browser chromium  ## take the pictures of the studio afresh
	@$(BIN)/python -m tests.browser.pictures

.PHONY: chromium
chromium:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || { \
	  command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] || { \
	    echo "Install Chromium first (on Debian: apt-get install chromium)."; exit 1; }; \
	  echo "Installing Chromium …"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	    apt-get install -y -qq --no-install-recommends chromium >/dev/null; }

faults: $(VENV)/dev compiled  ## kill, break and flood everything for a while, and count the mails
	@$(BIN)/pytest -n 2 -m "slow or not slow" tests/faults

.PHONY: hosts
hosts: $(VENV)/dev compiled  ## try what hosts put in between: a PostgreSQL pooler, Redis with TLS, PHP, web and mail servers
	@(for each in pgbouncer redis-server php nginx caddy age dovecot; do command -v $$each >/dev/null || exit 1; done) || { \
	  command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] || { \
	    echo "Install pgbouncer, redis-server, php-cli, nginx, caddy, age and dovecot-imapd first."; exit 1; }; \
	  echo "Installing pgbouncer, redis-server, PHP, nginx, Caddy, age and Dovecot …"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	    apt-get install -y -qq --no-install-recommends pgbouncer redis-server php-cli nginx-light caddy age dovecot-imapd >/dev/null; }
	@$(BIN)/pytest tests/serving/test_pooler.py tests/serving/test_proxies.py tests/store/test_postgresql_sessions.py \
	  tests/test_age_tool.py tests/services/inbound/test_mailbox.py tests/broker/test_reaching.py tests/web/test_website_snippets.py tests/webhooks_api/test_docs_page.py

.PHONY: wordpress
wordpress: $(VENV)/dev compiled  ## try the plugin inside a real WordPress, with its own database server
	@(for each in php mariadbd phpcs; do command -v $$each >/dev/null || exit 1; done; \
	  test -f /usr/share/wordpress/wp-load.php && php -m | grep -q mysqli && php -m | grep -q mbstring) || { \
	  command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] || { \
	    echo "Install wordpress, php-cli, php-mysql, php-xml, php-curl, php-mbstring, mariadb-server and php-codesniffer first."; exit 1; }; \
	  echo "Installing WordPress, PHP and MariaDB …"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	    apt-get install -y -qq --no-install-recommends wordpress php-cli php-mysql php-xml php-curl \
	      php-mbstring mariadb-server php-codesniffer >/dev/null; }
	@$(BIN)/pytest -n 2 tests/wordpress

.PHONY: spam
spam: $(VENV)/dev  ## ask SpamAssassin, where it is installed, about every shipped email
	@$(BIN)/pytest -m "slow or not slow" tests/rendering/test_filters.py

.PHONY: bench
bench: $(VENV)/dev compiled  ## measure the speed; QUICK=1 for a short run, JSON=FILE for the figures
	@$(BIN)/python -m bench

check: format-check lint types imports emails test  ## everything that must hold before a change lands

.PHONY: format-check imports emails
format-check: $(VENV)/dev
	@$(BIN)/ruff format --check .
lint: $(VENV)/dev  ## find mistakes by reading
	@$(BIN)/ruff check .
types: $(VENV)/dev  ## check the types
	@$(BIN)/mypy
imports: $(VENV)/dev
	@$(BIN)/lint-imports --no-logo
emails: $(VENV)/run
	@$(BIN)/nurture check
format: $(VENV)/dev  ## lay the code out
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

lock: $(BIN)/uv  ## resolve the dependencies afresh into the lock files
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --upgrade \
	  pyproject.toml -o requirements.lock --custom-compile-command "make lock"
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --upgrade \
	  --extra s3 pyproject.toml -o requirements-s3.lock --custom-compile-command "make lock"
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --upgrade \
	  --extra s3 --group dev pyproject.toml -o requirements-dev.lock --custom-compile-command "make lock"
	@echo uv | $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url \
	  --upgrade - -o requirements-uv.lock --custom-compile-command "make lock"
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --upgrade \
	  --extra s3 --group browser pyproject.toml -o requirements-browser.lock --custom-compile-command "make lock"

samples: $(VENV)/dev  ## make the sample guides afresh
	@$(BIN)/python templates/guides/make_sample_guides.py

clean:  ## remove what was installed and made
	@rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
