# kit.sh - what the bats files share: a folder of the test's own, the programs
# under test, servers in it, and the end of all that was started. With slapd.sh,
# so with free_port, too.
#
#   world NAME              goes there: $tmp. Also $root, $build, and
#                           ROLEGATE_CONFIG for rolegate.yaml in it
#   started                 remembers $! as one to be ended
#   world_end               ends those, the last one first, and takes the
#                           folder away; fails if a sanitizer said something
#   until_true COMMAND      tries it for ten seconds
#   rg WORDS                the command
#   redis_start [SOCKET]    sets redis_pid
#   cli WORDS               asks redis.sock
#   nginx_files NAME...     the shipped include files, with this folder's
#                           sockets
#   nginx_head              the beginning of an nginx.conf, into its http block
#   nginx_run               with nginx.conf; sets nginx_pid
#   nginx_up WORDS          the same on a free $PORT: nginx_configure WORDS, which
#                           the test has, writes nginx.conf for it

. "$BATS_TEST_DIRNAME/slapd.sh"

world() {
	root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	build=${ROLEGATE_BUILD:-$root/build}
	case $build in /*) ;; *) build=$root/$build ;; esac
	tmp=$(mktemp -d "${TMPDIR:-/tmp}/rolegate-$1.XXXXXX")
	pids=()
	export ROLEGATE_CONFIG=$tmp/rolegate.yaml
	cd "$tmp" || exit 1
}

started() {
	pids+=("$!")
}

world_end() {
	local i found=
	for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
		kill -CONT "${pids[i]}" 2>/dev/null || true
		kill "${pids[i]}" 2>/dev/null || true
		wait "${pids[i]}" 2>/dev/null || true
	done
	! grep -s -A20 Sanitizer "$tmp"/*.log || found=yes
	cd /
	rm -rf "$tmp"
	[ -z "$found" ]
}

until_true() {
	local i
	for i in $(seq 200); do
		"$@" && return 0
		sleep 0.05
	done
	return 1
}

rg() {
	"$build/rolegate" "$@"
}

redis_start() {
	local socket=$tmp/${1:-redis.sock}
	rm -f "$socket"
	redis-server --port 0 --unixsocket "$socket" --save '' \
	    --appendonly no --dir "$tmp" >/dev/null 2>&1 3>&- &
	redis_pid=$!
	started
	until_true [ -S "$socket" ]
}

cli() {
	redis-cli -s "$tmp/redis.sock" --raw "$@"
}

nginx_files() {
	local file
	for file; do
		sed -e "s,/run/rolegate/gate.sock,$tmp/gate.sock," \
		    -e "s,/run/rolegate/web.sock,$tmp/web.sock," \
		    "$root/nginx/rolegate-$file.conf" >"rolegate-$file.conf"
	done
}

nginx_head() {
	[ "$(id -u)" -ne 0 ] || echo 'user root;'
	echo "include $root/tests/nginx/main.conf;"
	echo "http {"
	echo "include $root/tests/nginx/http.conf;"
}

nginx_run() {
	nginx -p "$tmp" -e nginx.log -c nginx.conf 3>&- &
	nginx_pid=$!
	started
}

nginx_up() {
	local i try
	for try in 1 2 3 4 5; do
		PORT=$(free_port)
		nginx_configure "$@"
		nginx_run
		for i in $(seq 100); do
			curl -s -o /dev/null "http://127.0.0.1:$PORT/" && return 0
			kill -0 "$nginx_pid" 2>/dev/null || break
			sleep 0.05
		done
	done
	cat nginx.log >&2
	return 1
}
