#!/usr/bin/env bash
# Apache Kafka (KRaft) on this machine, from its Maven artifacts. Needs Java 17, Maven and Go. KAFKA_VERSION names another
# version than that of pom.xml.
#
#   kafka.sh with 1|3 COMMAND...   run COMMAND with EVENTIM_TEST_KAFKA set, on nodes that live as long as it
#   kafka.sh up 1|3 DIR            start nodes with their data in DIR, wait until they serve, print their addresses
#   kafka.sh kill NODE DIR         kill -9 one node
#   kafka.sh node NODE DIR         start that node again
#   kafka.sh down DIR              stop the nodes of DIR
#   kafka.sh fetch                 get the artifacts
#   kafka.sh version               print the version
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
version=${KAFKA_VERSION:-$(sed -n 's|.*<kafka.version>\(.*\)</kafka.version>.*|\1|p' "$here/pom.xml")}
libs=$root/.cache/kafka/$version
java=${JAVA_HOME:+$JAVA_HOME/bin/}java
jvm=(-Xms192m -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.awt.headless=true ${EVENTIM_KAFKA_JVM:-}
  "-Dlog4j2.configurationFile=$here/log4j2.properties" -cp "$libs/*")

fail() { echo "kafka.sh: $*" >&2; exit 1; }

fetch() {
  [ ! -e "$libs/.complete" ] || [ "$here/pom.xml" -nt "$libs/.complete" ] || return 0
  rm -rf "$libs"
  mvn -q -B -Dstyle.color=never -f "$here/pom.xml" -Dkafka.version="$version" dependency:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$libs" >&2
  touch "$libs/.complete"
}

client_port() { echo $(($(cat "$2/port") + 2 * ($1 - 1))); }
controller_port() { echo $(($(cat "$2/port") + 2 * ($1 - 1) + 1)); }

addresses() { # DIR
  local n list=
  for n in $(seq "$(cat "$1/nodes")"); do list+="${list:+,}127.0.0.1:$(client_port "$n" "$1")"; done
  echo "$list"
}

is_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Below the range from which the kernel gives out ports, so that a node that is killed finds its own free.
free_ports() { # COUNT
  local first port try
  for try in $(seq 100); do
    first=$((15000 + RANDOM % 15000))
    for port in $(seq "$first" $((first + $1 - 1))); do
      ! is_open "$port" || continue 2
    done
    echo "$first"
    return
  done
  fail "no free ports after $try attempts"
}

properties() { # NODE DIR
  local nodes n voters= replication=1 in_sync=1
  nodes=$(cat "$2/nodes")
  [ "$nodes" -lt 3 ] || { replication=3; in_sync=2; }
  for n in $(seq "$nodes"); do voters+="${voters:+,}$n@127.0.0.1:$(controller_port "$n" "$2")"; done
  cat <<PROPERTIES
process.roles=broker,controller
node.id=$1
controller.quorum.voters=$voters
listeners=PLAINTEXT://127.0.0.1:$(client_port "$1" "$2"),CONTROLLER://127.0.0.1:$(controller_port "$1" "$2")
advertised.listeners=PLAINTEXT://127.0.0.1:$(client_port "$1" "$2")
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=$2/node$1/log
num.partitions=3
auto.create.topics.enable=false
default.replication.factor=$replication
min.insync.replicas=$in_sync
offsets.topic.replication.factor=$replication
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=$replication
transaction.state.log.min.isr=$in_sync
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=$replication
share.coordinator.state.topic.min.isr=$in_sync
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=500
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
broker.session.timeout.ms=6000
log.cleaner.dedupe.buffer.size=16777216
log.segment.delete.delay.ms=1000
num.network.threads=2
num.io.threads=4
PROPERTIES
}

# A zombie answers kill -0 as well: a container may have nobody who reaps.
is_running() { # PID-FILE
  [ -f "$1" ] && ps -o stat= -p "$(cat "$1")" 2>/dev/null | grep -qv '^Z'
}

start() { # NODE DIR
  local dir=$2/node$1
  mkdir -p "$dir"
  # A second JVM on the same directory would hang the controller of the first.
  ! is_running "$dir/pid" || fail "node $1 is running"
  properties "$1" "$2" >"$dir/server.properties"
  if [ ! -f "$dir/log/meta.properties" ]; then
    "$java" "${jvm[@]}" kafka.tools.StorageTool format -t "$(cat "$2/cluster")" -c "$dir/server.properties" \
      >>"$dir/server.out" 2>&1 || { tail -20 "$dir/server.out" >&2; fail "node $1: format failed"; }
  fi
  "$java" "${jvm[@]}" kafka.Kafka "$dir/server.properties" >>"$dir/server.out" 2>&1 </dev/null &
  echo $! >"$dir/pid"
}

# A port that is open is not ready: the coordinators still load for a second or two.
await_ready() { # DIR
  (cd "$root" && go run ./.ci/kafka/ready "$(addresses "$1")" "$(cat "$1/nodes")") || {
    tail -n 20 "$1"/node*/server.out >&2
    fail "the nodes do not serve"
  }
}

up() { # NODES DIR
  local n
  [[ $1 =~ ^[13]$ ]] || fail "1 or 3 nodes, not $1"
  fetch
  mkdir -p "$2"
  echo "$1" >"$2/nodes"
  [ -f "$2/port" ] || free_ports $((2 * $1)) >"$2/port"
  # Another cluster, another id: what was stored about one must not be taken for the other.
  [ -f "$2/cluster" ] || head -c 16 /dev/urandom | base64 | tr '+/' 'AB' | cut -c 1-22 >"$2/cluster"
  for n in $(seq "$1"); do start "$n" "$2"; done
  await_ready "$2"
}

down() { # DIR
  local file try
  for file in "$1"/node*/pid; do
    ! is_running "$file" || kill "$(cat "$file")" 2>/dev/null || true
  done
  for file in "$1"/node*/pid; do
    for try in $(seq 100); do is_running "$file" || continue 2; sleep 0.1; done
    echo "kafka.sh: $file did not stop in $((try / 10)) s" >&2
    kill -9 "$(cat "$file")" 2>/dev/null || true
  done
}

with() { # NODES COMMAND...
  local nodes=$1 code=0
  shift
  dir=$(mktemp -d)
  trap 'down "$dir"; rm -rf "$dir"' EXIT
  trap 'exit 130' INT TERM
  up "$nodes" "$dir"
  EVENTIM_TEST_KAFKA=$(addresses "$dir") "$@" || code=$?
  exit "$code"
}

case "${1:-} $#" in
  "fetch 1") fetch ;;
  "version 1") echo "$version" ;;
  "up 3") up "$2" "$3" && addresses "$3" ;;
  "node 3") start "$2" "$3" ;;
  "kill 3") kill -9 "$(cat "$3/node$2/pid")" ;;
  "down 2") down "$2" ;;
  with\ [3-9] | with\ [1-9][0-9]*) shift; with "$@" ;;
  *) sed -n '2,/^set/{/^#/p}' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
