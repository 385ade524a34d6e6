# rolegate - the authorization gate behind nginx auth_request.
#
#   make            build everything under build/
#   make check      install what is missing, build, run all tests
#   make san        the same tests under address + undefined sanitizers
#   make demo       a whole rolegate on loopback, until Ctrl-C
#   make demo-check the same, verified, ends with 0 or 1
#   make bench      ratios, printed and in build/bench/results.tsv
#   make fuzz       the fuzz targets with clang's libFuzzer
#   make fuzz-nightly   five minutes of each fuzz target
#   make nightly        the same, and the long variants of the fault tests
#   make install    DESTDIR and PREFIX are honoured
#   make clean

VERSION = 0.1.0
PREFIX ?= /usr
SYSCONFDIR ?= /etc
BUILD ?= build
CC ?= cc
CFLAGS ?= -O2 -g
WERROR ?= -Werror
SAN ?=
# V=1 shows the commands.
V ?=
Q = $(if $(V),,@echo "  $@" && )

WARN = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wformat=2 \
       -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wcast-qual \
       -Wvla -Wundef -Wswitch-enum $(WERROR)
HARDEN = -fstack-protector-strong -fstack-clash-protection -fPIE \
         -D_FORTIFY_SOURCE=2
HARDEN_LD = -pie -Wl,-z,relro,-z,now,-z,noexecstack
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=all \
           -fno-omit-frame-pointer

PKGS_LIB = sqlite3 yaml-0.1 jansson libsodium hiredis libcurl libzip expat \
	   xlsxwriter libseccomp
pc = $(shell pkg-config $(1) $(2) 2>/dev/null)

DEFINES = -D_GNU_SOURCE -DROLEGATE_VERSION='"$(VERSION)"' \
          -DROLEGATE_SYSCONFDIR='"$(SYSCONFDIR)"'
RG_CFLAGS = -std=c11 $(DEFINES) -Isrc -I. \
            $(WARN) $(if $(SAN),$(SANITIZE),$(HARDEN)) \
            $(call pc,--cflags,$(PKGS_LIB))
RG_LDFLAGS = $(if $(SAN),$(SANITIZE),$(HARDEN_LD))

LIBS_LIB  = $(call pc,--libs,$(PKGS_LIB))
LIBS_CLI  = $(LIBS_LIB) $(call pc,--libs,smartcols)
LIBS_SYNC = $(LIBS_LIB) -lldap -llber
LIBS_WEB  = $(LIBS_LIB) -lldap -llber -lfcgi
LIBS_GATE = $(call pc,--libs,yaml-0.1 libsodium hiredis libseccomp) -lfcgi -levent_core

# --- Sources, by name --------------------------------------------------------

LIB_SRC = \
	src/base/arena.c src/base/err.c src/base/fault.c src/base/secret.c \
	src/base/str.c src/base/text.c src/base/yaml.c \
	src/config/config.c \
	src/model/account.c src/model/address.c src/model/catalogue.c \
	src/model/catalogue_load.c src/model/csv.c src/model/json.c \
	src/model/member.c \
	src/model/names.c src/model/password.c src/model/path.c \
	src/model/route.c src/model/sheet.c src/model/sheet_parse.c \
	src/model/state.c src/model/state_json.c src/model/state_text.c \
	src/model/token.c src/model/xlsx.c src/model/xlsx_write.c \
	src/nginx/conf.c src/nginx/host.c src/nginx/lint.c \
	src/nginx/lint_around.c src/nginx/lint_gate.c \
	src/nginx/lint_listen.c src/nginx/lint_onward.c \
	src/nginx/lint_way.c src/nginx/pattern.c \
	src/nginx/rule.c src/nginx/setter.c src/nginx/target.c \
	src/nginx/variable.c src/nginx/where.c src/nginx/words.c \
	src/decide/decide.c src/decide/reason.c \
	src/store/account.c src/store/api_token.c src/store/catalogue.c \
	src/store/credential.c src/store/db_sqlite.c \
	src/store/history.c src/store/invitation.c src/store/job.c \
	src/store/list.c src/store/member.c src/store/notice.c \
	src/store/past.c src/store/schema.c \
	src/store/session.c src/store/store.c src/store/sync.c \
	src/publish/lines.c src/publish/publisher.c src/publish/read_state.c \
	src/publish/record.c src/publish/record_catalogue.c \
	src/publish/redis.c src/publish/redis_address.c src/publish/touched.c \
	src/admin/account.c src/admin/admin.c src/admin/api_token.c \
	src/admin/fit.c \
	src/admin/grant.c src/admin/import.c src/admin/import_row.c \
	src/admin/import_sheet.c \
	src/admin/invitation.c \
	src/admin/load.c src/admin/member.c src/admin/move.c \
	src/admin/notice.c src/admin/password.c src/admin/reinstate.c \
	src/admin/right.c \
	src/admin/rule.c src/admin/session.c \
	src/mail/deliver.c src/mail/message.c src/mail/queue.c \
	src/mail/sendmail.c \
	src/mail/smtp.c

# What both servers are processes by.
PROCESS_SRC = \
	fcgi/process/handover.c \
	fcgi/process/listener.c fcgi/process/master.c \
	fcgi/process/privileges.c fcgi/process/proof.c \
	fcgi/process/say.c fcgi/process/server.c fcgi/process/stop.c \
	fcgi/process/times.c

GATE_SRC = \
	fcgi/gate/activity.c fcgi/gate/answer.c fcgi/gate/asking.c fcgi/gate/cache.c \
	fcgi/gate/conn.c fcgi/gate/control.c fcgi/gate/counts.c \
	fcgi/gate/decision_log.c fcgi/gate/fetch.c \
	fcgi/gate/identity.c \
	fcgi/gate/keys.c fcgi/gate/libfcgi.c fcgi/gate/link.c fcgi/gate/main.c fcgi/gate/params.c \
	fcgi/gate/records.c fcgi/gate/reply.c fcgi/gate/report.c \
	fcgi/gate/request.c fcgi/gate/sandbox.c \
	fcgi/gate/setup.c fcgi/gate/target.c \
	fcgi/gate/view.c fcgi/gate/watch.c fcgi/gate/worker.c \
	$(PROCESS_SRC)

WEB_SRC = \
	fcgi/web/account_routes.c fcgi/web/ask_routes.c fcgi/web/attempts.c \
	fcgi/web/call.c fcgi/web/caller.c fcgi/web/chores.c fcgi/web/form.c \
	fcgi/web/history_routes.c fcgi/web/import_routes.c \
	fcgi/web/invitation_routes.c fcgi/web/main.c \
	fcgi/web/member_routes.c fcgi/web/own_routes.c fcgi/web/page.c \
	fcgi/web/problem.c fcgi/web/request.c \
	fcgi/web/response.c fcgi/web/return_to.c fcgi/web/route.c \
	fcgi/web/setup.c fcgi/web/sign_in.c fcgi/web/site.c fcgi/web/web.c \
	fcgi/web/worker.c $(PROCESS_SRC)

# What rolegate-web knows of directories.
WEB_SYNC_SRC = sync/directory.c sync/dn.c sync/entry.c sync/mapping.c \
	sync/mapping_check.c sync/pattern.c

SYNC_SRC = \
	sync/apply.c sync/directory.c sync/dn.c sync/entry.c sync/groups.c \
	sync/guard.c sync/index.c sync/job.c sync/main.c sync/mapping.c \
	sync/mapping_check.c sync/memberships.c sync/notes.c sync/options.c \
	sync/pattern.c sync/people.c sync/plan.c sync/plan_json.c \
	sync/plan_text.c sync/prepare.c sync/publish_after.c sync/reading.c \
	sync/report.c sync/run.c sync/status.c sync/transaction.c \
	sync/wanted.c

CLI_SRC = \
	cli/account.c cli/app.c cli/args.c cli/ask.c cli/batch.c cli/change.c \
	cli/check.c cli/commands.c cli/config.c cli/diagnosis.c cli/doctor.c \
	cli/explain.c cli/grant.c \
	cli/gate.c cli/help.c cli/import.c cli/invite.c cli/key.c cli/load.c cli/log.c cli/logfmt.c cli/mail.c cli/main.c \
	cli/member.c cli/nginx.c cli/notify.c cli/out.c cli/probe.c cli/publish.c cli/role.c \
	cli/secret.c cli/session.c cli/status.c cli/sync.c cli/token.c \
	cli/who.c

# A test that is written is run: these two are whatever is there.
UNIT_SRC = $(wildcard tests/unit/test_*.c)
FUZZ_SRC = $(wildcard tests/fuzz/fuzz_*.c)

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
LIB_OBJ = $(call obj,$(LIB_SRC))
LIB = $(BUILD)/librolegate.a

PROGRAMS = $(BUILD)/rolegate $(BUILD)/rolegated $(BUILD)/rolegate-sync \
	$(BUILD)/rolegate-web
UNIT = $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT_SRC))
REPLAY = $(patsubst tests/fuzz/%.c,$(BUILD)/replay/%,$(FUZZ_SRC))
FUZZ = $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(FUZZ_SRC))
TOOLS = $(BUILD)/asker $(BUILD)/clock.so
BENCH = $(BUILD)/bench/load $(BUILD)/bench/null-epoll $(BUILD)/bench/null-loop

# --- Entry points -------------------------------------------------------------

.PHONY: all programs bench-programs packages check check-run unit replay system san demo \
	demo-check bench fuzz fuzz-nightly nightly install clean
.DELETE_ON_ERROR:
.SECONDARY:

all: programs

programs: $(PROGRAMS)

bench-programs: $(BENCH)

packages:
	@packaging/install-packages

# The packages come first: everything after them runs in a make of its own,
# because pkg-config may not have been there when this one was read.
check: packages
	+$(MAKE) --no-print-directory programs
	+$(MAKE) --no-print-directory check-run

check-run: unit replay system

unit: $(UNIT)
	@tests/run-unit $(UNIT)

replay: $(REPLAY)
	@tests/run-replay $(REPLAY)

system: programs $(TOOLS)
	@tests/system/run $(BUILD)

san: packages
	+$(MAKE) --no-print-directory BUILD=$(BUILD)/san SAN=1 \
	    CFLAGS="-O1 -g" programs check-run

demo: packages
	+$(MAKE) --no-print-directory programs
	@demo/run $(BUILD)

demo-check: packages
	+$(MAKE) --no-print-directory programs
	@demo/run $(BUILD) --check

bench:
	@packaging/install-packages packages-bench
	+$(MAKE) --no-print-directory programs bench-programs
	@tests/bench/run $(BUILD)

fuzz: packages
	+$(MAKE) --no-print-directory CC=clang $(FUZZ)
	@tests/fuzz/run $(FUZZ)

fuzz-nightly:
	+FUZZ_SECONDS=$${FUZZ_SECONDS:-300} $(MAKE) --no-print-directory fuzz

nightly: packages
	+$(MAKE) --no-print-directory programs $(TOOLS)
	@ROLEGATE_LONG=1 tests/system/run $(BUILD) tests/system/faults.tap.py
	+$(MAKE) --no-print-directory fuzz-nightly

# Nothing of an operator's own is written: what may be edited is installed as
# a sample, and the units name the folders that were chosen.
SHARE = $(DESTDIR)$(PREFIX)/share
UNITDIR = $(DESTDIR)$(PREFIX)/lib/systemd/system
INSTALL_DIR = install -d -m 0755
INSTALL_FILE = install -m 0644
INSTALL_PROGRAM = install -m 0755
# Texts that name the folders: files, folder
INSTALL_TEXTS = for text in $(1); do \
	    sed -e 's,=/usr/,=$(PREFIX)/,' \
	        -e 's,/usr/share/rolegate,$(PREFIX)/share/rolegate,g' \
	        -e 's,/etc/rolegate,$(SYSCONFDIR)/rolegate,g' "$$text" \
	        >"$(2)/$${text\#\#*/}" && \
	    chmod 0644 "$(2)/$${text\#\#*/}" || exit 1; \
	done

install: programs
	$(INSTALL_DIR) $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/sbin
	$(INSTALL_PROGRAM) $(BUILD)/rolegate $(BUILD)/rolegate-sync \
	    $(DESTDIR)$(PREFIX)/bin
	$(INSTALL_PROGRAM) $(BUILD)/rolegated $(BUILD)/rolegate-web \
	    $(DESTDIR)$(PREFIX)/sbin
	$(INSTALL_DIR) $(SHARE)/rolegate/nginx $(SHARE)/rolegate/catalogs
	$(call INSTALL_TEXTS,nginx/*.conf,$(SHARE)/rolegate/nginx)
	$(INSTALL_FILE) catalogs/*.csv catalogs/*.yaml \
	    $(SHARE)/rolegate/catalogs
	$(INSTALL_DIR) $(SHARE)/man/man1 $(SHARE)/man/man5 $(SHARE)/man/man8
	$(call INSTALL_TEXTS,docs/man/*.1,$(SHARE)/man/man1)
	$(call INSTALL_TEXTS,docs/man/*.5,$(SHARE)/man/man5)
	$(call INSTALL_TEXTS,docs/man/*.8,$(SHARE)/man/man8)
	$(INSTALL_DIR) $(SHARE)/doc/rolegate/examples
	$(INSTALL_FILE) README.md CHANGELOG.md SECURITY.md LICENSE docs/*.md \
	    docs/openapi.yaml \
	    $(SHARE)/doc/rolegate
	$(call INSTALL_TEXTS,packaging/*.sample,$(SHARE)/doc/rolegate/examples)
	$(INSTALL_DIR) $(UNITDIR) $(DESTDIR)$(SYSCONFDIR)/rolegate
	$(call INSTALL_TEXTS,packaging/systemd/*,$(UNITDIR))

clean:
	rm -rf $(BUILD)

# --- Rules --------------------------------------------------------------------

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(RG_CFLAGS) $(CFLAGS) $(CPPFLAGS) -MMD -MP -c -o $@ $<

$(LIB): $(LIB_OBJ)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(BUILD)/rolegate: $(call obj,$(CLI_SRC)) $(LIB)
	$(Q)$(CC) $(RG_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_CLI)

$(BUILD)/rolegated: $(call obj,$(GATE_SRC)) $(LIB)
	$(Q)$(CC) $(RG_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_GATE)

$(BUILD)/rolegate-web: $(call obj,$(WEB_SRC) $(WEB_SYNC_SRC)) $(LIB)
	$(Q)$(CC) $(RG_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_WEB)

$(BUILD)/rolegate-sync: $(call obj,$(SYNC_SRC)) $(LIB)
	$(Q)$(CC) $(RG_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_SYNC)

# A unit test may use the parts of the programs that are not their main.
GATE_PARTS = $(filter-out $(BUILD)/obj/fcgi/gate/main.o,$(call obj,$(GATE_SRC)))
WEB_PARTS = $(filter-out $(BUILD)/obj/fcgi/web/main.o $(GATE_PARTS),\
	$(call obj,$(WEB_SRC)))
SYNC_PARTS = $(filter-out $(BUILD)/obj/sync/main.o,$(call obj,$(SYNC_SRC)))
CLI_PARTS = $(filter-out $(BUILD)/obj/cli/main.o,$(call obj,$(CLI_SRC)))
PARTS_LIB = $(BUILD)/libparts.a
ALL_LIBS = $(LIBS_CLI) -lldap -llber -lfcgi -levent_core

$(PARTS_LIB): $(GATE_PARTS) $(WEB_PARTS) $(SYNC_PARTS) $(CLI_PARTS)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

# What several tests share: worlds, servers of their own, failing disks. Each
# takes what it needs.
KIT_SRC = $(filter-out $(UNIT_SRC),$(wildcard tests/unit/*.c))
KIT = $(BUILD)/libkit.a

$(KIT): $(call obj,$(KIT_SRC))
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(BUILD)/unit/%: $(BUILD)/obj/tests/unit/%.o $(KIT) $(PARTS_LIB) $(LIB)
	@mkdir -p $(@D)
	$(Q)$(CC) $(RG_LDFLAGS) $(LDFLAGS) -o $@ $^ $(ALL_LIBS) \
	    $(call pc,--libs,check)

$(BUILD)/replay/%: $(BUILD)/obj/tests/fuzz/%.o \
    $(BUILD)/obj/tests/fuzz/replay.o $(PARTS_LIB) $(LIB)
	@mkdir -p $(@D)
	$(Q)$(CC) $(RG_LDFLAGS) $(LDFLAGS) -o $@ $^ $(ALL_LIBS)

$(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o
	@mkdir -p $(@D)
	$(Q)$(CC) $(RG_LDFLAGS) $(LDFLAGS) -o $@ $^ $(BENCH_LIBS)

# The gate's connections, and nothing that decides.
$(BUILD)/bench/null-loop: $(addprefix $(BUILD)/obj/fcgi/,gate/conn.o \
    gate/counts.o gate/libfcgi.o gate/records.o process/times.o)
$(BUILD)/bench/null-loop: BENCH_LIBS = -lfcgi -levent_core

# What the system tests ask and step the clock with.
$(BUILD)/asker: $(call obj,tests/system/asker.c)
	$(Q)$(CC) $(RG_LDFLAGS) $(LDFLAGS) -o $@ $^

$(BUILD)/clock.so: tests/system/clock.c
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE $(WARN) -O2 -fPIC -shared -o $@ $< -ldl

# libFuzzer wants everything instrumented: one clang run a target.
$(BUILD)/fuzz/%: tests/fuzz/%.c $(LIB_SRC) $(GATE_SRC) $(WEB_SRC) $(SYNC_SRC)
	@mkdir -p $(@D)
	clang -std=c11 $(DEFINES) -Isrc -I. \
	    -O1 -g -fsanitize=fuzzer,address,undefined -o $@ $< \
	    $(LIB_SRC) \
	    $(filter-out %/main.c,$(sort $(GATE_SRC) $(WEB_SRC) $(SYNC_SRC))) \
	    $(call pc,--cflags,$(PKGS_LIB)) $(ALL_LIBS)

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
